// SPDX-License-Identifier: Apache-2.0
#include "compress/job.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/physical_memory.hpp"
#include "compress/notes_by_reason.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/compress/staged_folder.hpp"
#include "loewner/model/vocabulary.hpp"
#include "loewner/plan/encode.hpp"
#include "model/tensor_scales.hpp"

namespace loewner {
namespace {

std::string options_text(const CompressOptions& options, const SelectionResult& selection,
                         const std::optional<MomentsFile>& moments, const std::string& work) {
  Json text = {{"keep", options.keep.value_or(0)},
               {"bits", options.bits.value_or(0)},
               {"budget", options.budget.value_or(0)},
               {"max_error", options.max_error.value_or(0)},
               {"method", to_string(options.method)}};
  for (const Method method : all_methods()) {
    for (const auto& option : info_of(method).options) {
      text[std::string(option.name)] = value_of(option, options.method_options).value_or(0);
    }
  }
  text.update({{"norm_exponent", options.norm_exponent},
               {"row_weights", options.row_weights},
               {"factor_format", to_string(options.factor_format)},
               {"seed", options.seed},
               {"version", LOEWNER_VERSION}});
  if (options.copy_all) text["copy_all"] = true;
  if (moments) text["moments"] = hex_text(moments->hash());
  if (!options.token_counts.empty()) text["token_counts"] = options.token_counts;
  if (!work.empty()) text["work"] = work;
  for (const auto& tensor : selection.tensors) text["tensors"].push_back(tensor.name());
  for (const auto& note : selection.notes) text["notes"].push_back(note);  // methods that memory excludes
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string fingerprint_of(const Checkpoint& checkpoint, const std::string& options) {
  Hash64 hash;
  hash.add(checkpoint.fingerprint());
  hash.add(options);
  return hash.hex();
}

// Method auto leaves out methods that need too much memory. One note serves all tensors with the
// same number of columns.
std::vector<std::string> notes_on_memory(const CompressOptions& options, const SelectionResult& selection) {
  if (options.method != Method::automatic) return {};
  std::map<Index, std::vector<std::string>> tensors_by_cols;
  for (const auto& tensor : selection.tensors) tensors_by_cols[tensor.cols()].push_back(tensor.name());
  std::vector<std::string> notes;
  for (const auto& [cols, tensors] : tensors_by_cols) {
    const std::string others = tensors.size() > 1 ? " and " + std::to_string(tensors.size() - 1) + " more" : "";
    for (const Method method : all_methods()) {
      const Index needed = solver_bytes(method, cols);
      if (needed <= memory_limit(options)) continue;
      notes.push_back(tensors.front() + others + ": method " + std::string(to_string(method)) +
                      " is left out, it needs about " + std::to_string(needed >> 20) + " MiB of memory");
    }
  }
  return notes;
}

// Leaves out matrices with too many columns for a named method, unless the caller named them or no other is left.
void leave_out_wide(const CompressOptions& options, SelectionResult& selection) {
  const auto needed = [&](const SelectedTensor& tensor) { return solver_bytes(options.method, tensor.cols()); };
  const auto is_wide = [&](const SelectedTensor& tensor) {
    return !tensor.is_named && needed(tensor) > memory_limit(options);
  };
  if (options.method == Method::automatic || std::ranges::all_of(selection.tensors, is_wide)) return;
  detail::NotesByReason notes;
  for (const auto& tensor : selection.tensors) {
    if (!is_wide(tensor)) continue;
    notes.add(tensor.name(), std::to_string(tensor.cols()) + " columns need about " +
                                 std::to_string(needed(tensor) >> 20) + " MiB of memory; left as it is");
  }
  notes.append_to(selection.notes, ": ");
  std::erase_if(selection.tensors, is_wide);
}

// Files that are left out, those of a folder of their own as one.
std::string list_of(const std::vector<std::filesystem::path>& files) {
  constexpr std::size_t kMost = 12;
  std::map<std::string, int> entries;
  for (const auto& file : files) {
    ++entries[file.has_parent_path() ? file.begin()->string() + "/" : file.string()];
  }
  std::string text;
  std::size_t listed = 0;
  for (const auto& [name, count] : entries) {
    if (++listed > kMost) return text + " and " + std::to_string(entries.size() - kMost) + " more";
    text += (text.empty() ? "" : ", ") + name + (name.ends_with('/') ? " (" + std::to_string(count) + ")" : "");
  }
  return text;
}

std::vector<std::string> notes_on_files(const Checkpoint& checkpoint, bool copy_all) {
  std::vector<std::string> notes;
  if (!checkpoint.unread_weights().empty() && !copy_all) {
    notes.push_back("not copied, because they hold weights in other formats or the state of a training: " +
                    list_of(checkpoint.unread_weights()) + "; --copy-all copies them");
  }
  for (const auto& entry : checkpoint.skipped()) notes.push_back("not copied: " + entry);
  return notes;
}

// Loading a folder with an adapter takes the base model that the adapter names, not this folder.
Checkpoint open_without_adapter(const std::filesystem::path& folder) {
  constexpr const char* kAdapter = "adapter_config.json";
  if (std::filesystem::exists(folder / kAdapter)) {
    throw IoError((folder / kAdapter).string() +
                  ": PEFT adapters are not compressed: merge the adapter into its base model (merge_and_unload), or "
                  "remove adapter_config.json and the adapter's weights");
  }
  return Checkpoint::open(folder);
}

// The way to a checkpoint that can be compressed.
void require_readable(const Checkpoint& checkpoint) {
  const std::string method = checkpoint.quantization_method();
  if (method.empty() || method == detail::kFloat8Method) return;
  const bool has_decoder = method == "mxfp4";
  throw IoError(checkpoint.folder().string() + ": is already quantized (quant_method '" + method + "'); " +
                (has_decoder ? "write it in bf16 (from_pretrained with Mxfp4Config(dequantize=True), then "
                               "save_pretrained) and compress that"
                             : "compress the original instead"));
}

[[noreturn]] void refuse_codes(const Checkpoint& checkpoint, const TensorInfo& tensor, const std::string& scale) {
  throw IoError(checkpoint.folder().string() + ": " + tensor.name + " with scales in " + scale + " is stored in " +
                std::string(to_string(tensor.dtype)) +
                ", of which only 8-bit floats (F8_E4M3, F8_E5M2) are read; write the model in bf16 (from_pretrained "
                "with FineGrainedFP8Config(dequantize=True), then save_pretrained) and compress that");
}

// Packed 4-bit floats, integers and other types whose numbers are not read.
void require_no_unread_codes(const Checkpoint& checkpoint) {
  if (checkpoint.quantization_method().empty()) return;
  for (const auto& tensor : checkpoint.tensors()) {
    if (is_float_readable(tensor.info->dtype)) continue;
    const std::string scale = detail::scale_of(checkpoint, tensor.info->name);
    if (!scale.empty()) refuse_codes(checkpoint, *tensor.info, scale);
  }
}

// An output states one quantization method, its own, so transformers would not scale what is left in 8-bit floats.
void require_no_float8_left(const Checkpoint& checkpoint, const SelectionResult& selection) {
  if (checkpoint.quantization_method().empty()) return;
  std::set<std::string> encoded;
  for (const auto& tensor : selection.tensors) encoded.insert(tensor.name());
  for (const auto& tensor : checkpoint.tensors()) {
    const std::string& name = tensor.info->name;
    require(!is_float8(tensor.info->dtype) || encoded.contains(name), [&] {
      return checkpoint.folder().string() + ": " + name +
             " is stored in 8-bit floats and not selected; all of them must be encoded together: select linear layers "
             "(--linear or --all) without --exclude";
    });
  }
}

// A tokenizer that cannot be read leaves the rows of token embeddings without weights.
std::vector<std::string> notes_on_tokenizer(const Job& job) {
  const auto& tensors = job.selection.tensors;
  const auto has_estimate = [&](const SelectedTensor& tensor) {
    return tensor.place.role == TensorRole::token_embedding && job.options.row_weights.starts_with("zipf");
  };
  if (std::ranges::none_of(tensors, has_estimate)) return {};
  try {
    (void)read_vocabulary(job.checkpoint.tokenizer_folder());
    return {};
  } catch (const IoError& error) {
    return {"WARNING: " + std::string(error.what()) +
            "; all rows of the token embedding have equal weights, as with --row-weights none"};
  }
}

std::vector<std::string> notes_on_moments(const Job& job) {
  if (!job.moments) return {};
  std::vector<std::string> missing;
  for (const auto& tensor : job.selection.tensors) {
    if (tensor.inputs() && !has_moments(job, tensor)) missing.push_back(tensor.name());
  }
  if (missing.empty()) return {};
  const std::string others = missing.size() > 1 ? " and " + std::to_string(missing.size() - 1) + " more" : "";
  return {missing.front() + others + ": no moments of their inputs are in " + job.options.moments.filename().string() +
          "; errors of their weights are minimized"};
}

}  // namespace

bool has_moments(const Job& job, const SelectedTensor& tensor) {
  return job.moments && job.moments->description().layers.contains(tensor.name());
}

std::optional<InputMoments> stored_moments(const Job& job, const SelectedTensor& tensor) {
  if (!has_moments(job, tensor)) return std::nullopt;
  return job.moments->read(tensor.name());
}

std::optional<InputMoments> planning_moments(const Job& job, const SelectedTensor& tensor) {
  if (!has_moments(job, tensor)) return std::nullopt;
  return job.moments->read_for_plan(tensor.name());
}

void require_usable(const CompressOptions& options) {
  const int amounts =
      options.keep.has_value() + options.bits.has_value() + options.budget.has_value() + options.max_error.has_value();
  require(amounts == 1, [&] {
    return "exactly one of keep, bits, budget and max_error must be given, got " + std::to_string(amounts);
  });
  const auto require_fraction = [](const std::optional<double>& value, const std::string& name) {
    require(!value || (*value > 0 && *value < 1),
            [&] { return name + " must be above 0 and below 1, got " + std::to_string(*value); });
  };
  require_fraction(options.keep, "keep");
  require_fraction(options.max_error, "max_error");
  require(!options.bits || (*options.bits > 0 && std::isfinite(*options.bits)),
          [&] { return "bits must be positive, got " + std::to_string(*options.bits); });
  require(!options.budget || *options.budget > 0,
          [&] { return "budget must be positive, got " + std::to_string(*options.budget); });
  require(options.norm_exponent >= 1 && std::isfinite(options.norm_exponent),
          [&] { return "norm_exponent must be finite and at least 1, got " + std::to_string(options.norm_exponent); });
  require_usable(options.method_options);
  require(options.max_memory >= 0,
          [&] { return "max_memory must not be negative, got " + std::to_string(options.max_memory); });
  require(options.dry_run || !options.output.empty(),
          [] { return std::string("expected an output folder, got none"); });
  if (!options.dry_run) require_apart(options.model, options.output);
}

Index memory_limit(const CompressOptions& options) {
  if (options.max_memory > 0) return options.max_memory;
  return detail::physical_memory() / 2;
}

Job::Job(const CompressOptions& compress_options, const std::string& work)
    : options(compress_options), checkpoint(open_without_adapter(compress_options.model)) {
  require_readable(checkpoint);
  require_no_unread_codes(checkpoint);
  if (!options.moments.empty()) {
    moments = MomentsFile::open(options.moments);
    moments->require_made_for(checkpoint);
    token_counts = moments->token_counts();
  }
  if (!options.token_counts.empty()) token_counts = options.token_counts;
  architecture = checkpoint.architecture();
  selection = select_tensors(checkpoint, architecture, options);
  leave_out_wide(options, selection);
  require_no_float8_left(checkpoint, selection);
  for (const auto& notes :
       {checkpoint.notes(), notes_on_memory(options, selection), notes_on_tokenizer(*this), notes_on_moments(*this)})
    selection.notes.insert(selection.notes.end(), notes.begin(), notes.end());
  fingerprint = fingerprint_of(checkpoint, options_text(options, selection, moments, work));
  const auto more = notes_on_files(checkpoint, options.copy_all);
  selection.notes.insert(selection.notes.end(), more.begin(), more.end());
}

}  // namespace loewner
