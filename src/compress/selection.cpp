// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/selection.hpp"

#include <algorithm>
#include <regex>

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

bool is_encodable(const TensorInfo& info) {
  return info.shape.size() == 2 && is_float_readable(info.dtype) && info.name.ends_with(".weight");
}

bool has_selected_role(TensorRole role, Selection selection) {
  const bool embedding = role == TensorRole::token_embedding;
  const bool linear = role == TensorRole::linear || role == TensorRole::head;
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

void require_factorable(const Checkpoint& checkpoint, const SelectedTensor& selected) {
  if (selected.rows() >= 2 && selected.cols() >= 2) return;
  throw IoError(checkpoint.shard_of(*selected.tensor).file->path().string() + ": tensor '" + selected.name() +
                "': expected at least 2 rows and 2 columns, got " + std::to_string(selected.rows()) + " x " +
                std::to_string(selected.cols()));
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

SelectionResult select_tensors(const Checkpoint& checkpoint, const Architecture& architecture,
                               const CompressOptions& options) {
  const NamePatterns include(options.include), exclude(options.exclude);
  SelectionResult result;
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const auto& tensor = checkpoint.tensors()[i];
    const auto& place = architecture.places[i];
    const std::string& name = tensor.info->name;
    const bool wanted = has_selected_role(place.role, options.selection) || include.match(name);
    if (!wanted || exclude.match(name) || !place.tied_to.empty()) continue;
    if (!is_encodable(*tensor.info)) {
      result.notes.push_back(name + " cannot be encoded: expected a floating-point matrix named M.weight");
      continue;
    }
    result.tensors.push_back({.tensor = &tensor, .place = place, .tied = {}});
    require_factorable(checkpoint, result.tensors.back());
  }
  require(!result.tensors.empty(), [&] {
    return checkpoint.folder().string() + ": no tensor is selected; `loewner inspect` lists names and roles";
  });
  attach_tied_copies(checkpoint, architecture, result);
  return result;
}

}  // namespace loewner
