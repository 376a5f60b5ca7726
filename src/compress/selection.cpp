// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/selection.hpp"

#include <algorithm>
#include <regex>
#include <utility>

#include "compress/notes_by_reason.hpp"
#include "compress/same_bytes.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

class NamePatterns {
 public:
  explicit NamePatterns(const std::vector<std::string>& patterns) {
    for (const auto& pattern : patterns) {
      try {
        patterns_.emplace_back(pattern, std::regex::ECMAScript | std::regex::optimize);
      } catch (const std::regex_error& error) {
        throw InvalidArgument("invalid regular expression '" + pattern + "': " + error.what());
      }
    }
  }
  bool match(const std::string& name) const {
    return std::ranges::any_of(patterns_, [&](const auto& pattern) { return std::regex_search(name, pattern); });
  }

 private:
  std::vector<std::regex> patterns_;
};

bool is_matrix(const TensorInfo& info, const TensorPlace& place) {
  return place.role == TensorRole::experts ||
         (info.shape.size() == 2 && (place.any_name || info.name.ends_with(".weight")));
}

bool is_encodable(const TensorInfo& info, const TensorPlace& place) {
  return is_matrix(info, place) && is_float_readable(info.dtype);
}

bool has_selected_role(TensorRole role, Selection selection) {
  const bool embedding = role == TensorRole::token_embedding;
  const bool linear = role == TensorRole::linear || role == TensorRole::head || role == TensorRole::experts;
  switch (selection) {
    case Selection::embeddings:
      return embedding;
    case Selection::linear:
      return linear;
    case Selection::all:
      return embedding || linear;
  }
  __builtin_unreachable();
}

// Position and type embeddings of this size take more bytes than a few bits an entry cost in
// accuracy. Smaller ones are not worth the bytes of their specification.
bool is_other_table(const TensorPlace& place, const TensorInfo& info) {
  constexpr Index kEnoughEntries = 16384;
  const bool other = place.role == TensorRole::position_embedding || place.role == TensorRole::type_embedding;
  return other && is_encodable(info, place) && info.shape[0] * info.shape[1] >= kEnoughEntries;
}

std::string size_rule(const TensorInfo& info) {
  return "expected at least 2 rows and 2 columns, got " + std::to_string(*matrix_rows(info)) + " x " +
         std::to_string(info.shape.back());
}

// Why a tensor cannot be encoded; empty if it can.
std::string reason_against(const TensorInfo& info, const TensorPlace& place) {
  if (is_matrix(info, place) && !is_float_readable(info.dtype))
    return "cannot be encoded: expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, got " +
           std::string(to_string(info.dtype));
  if (!is_encodable(info, place)) return "cannot be encoded: expected a floating-point matrix named M.weight";
  if (*matrix_rows(info) < 2 || info.shape.back() < 2) return "cannot be encoded: " + size_rule(info);
  return "";
}

[[noreturn]] void refuse_size(const Checkpoint& checkpoint, const CheckpointTensor& tensor) {
  throw IoError(checkpoint.shard_of(tensor).file->path().string() + ": tensor '" + tensor.info->name +
                "': " + size_rule(*tensor.info));
}

// A stored copy with equal bytes is dropped together with its original; one with other bytes is
// kept.
void attach_tied_copies(const Checkpoint& checkpoint, const Architecture& architecture, SelectionResult& result) {
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const auto& copy = checkpoint.tensors()[i];
    const auto& target = architecture.places[i].tied_to;
    const auto selected = std::ranges::find(result.tensors, target, &SelectedTensor::name);
    if (selected == result.tensors.end()) continue;
    if (detail::have_same_bytes(checkpoint, copy, checkpoint, *selected->tensor)) {
      selected->tied.push_back(copy.info->name);
    } else {
      result.notes.push_back(copy.info->name + " is tied to " + target +
                             " by the configuration but stored with other values; it is copied");
    }
  }
}

}  // namespace

std::optional<InputSide> SelectedTensor::inputs() const {
  return input_side(place);
}

SelectionResult select_tensors(const Checkpoint& checkpoint, const Architecture& architecture,
                               const CompressOptions& options) {
  const NamePatterns include(options.include), exclude(options.exclude);
  SelectionResult result;
  detail::NotesByReason left_alone;
  const CheckpointTensor* first_obstacle = nullptr;
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const auto& tensor = checkpoint.tensors()[i];
    const auto& place = architecture.places[i];
    const std::string& name = tensor.info->name;
    const bool is_named = include.match(name);
    const bool is_table = options.selection == Selection::all && is_other_table(place, *tensor.info);
    const bool wanted = has_selected_role(place.role, options.selection) || is_named || is_table;
    if (!wanted || exclude.match(name) || !place.tied_to.empty()) continue;
    const std::string reason = reason_against(*tensor.info, place);
    if (reason.empty()) {
      const auto scales = checkpoint.scales_of(name);
      result.tensors.push_back(
          {.tensor = &tensor, .place = place, .is_named = is_named || !scales.empty(), .tied = {}, .scales = scales});
    } else {
      left_alone.add(name, reason);
      const bool is_too_small = is_encodable(*tensor.info, place);
      if (is_too_small && is_named) refuse_size(checkpoint, tensor);
      if (is_too_small && first_obstacle == nullptr) first_obstacle = &tensor;
    }
  }
  if (result.tensors.empty() && first_obstacle != nullptr) refuse_size(checkpoint, *first_obstacle);
  left_alone.append_to(result.notes, " ");
  require(!result.tensors.empty(), [&] {
    std::string message = checkpoint.folder().string() + ": no tensor is selected";
    for (const auto& note : result.notes) message += "; " + note;
    for (const auto& note : checkpoint.notes()) message += "; " + note;
    return message + "; `loewner inspect` lists names and roles";
  });
  attach_tied_copies(checkpoint, architecture, result);
  return result;
}

}  // namespace loewner
