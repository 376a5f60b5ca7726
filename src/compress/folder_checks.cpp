// SPDX-License-Identifier: Apache-2.0
#include "compress/folder_checks.hpp"

#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "codec/spec_field.hpp"
#include "compress/card_sizes.hpp"
#include "compress/error_place.hpp"
#include "compress/output_config.hpp"
#include "compress/same_bytes.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

// The stored copies that the output left out together with an encoded tensor. A name in `tied` is
// one only if its bytes equal the tensor.
std::set<std::string> copies_of(const EncodedTensor& tensor, const Checkpoint& model) {
  std::set<std::string> copies;
  for (const auto& name : tied_names(tensor)) {
    const auto* copy = model.find(name);
    if (copy != nullptr && have_same_bytes(model, *copy, model, model.at(tensor.name))) copies.insert(name);
  }
  return copies;
}

// Tensors that modules compute when they are made. Older versions of transformers stored them, newer
// ones leave them out when they save a model.
bool is_computed_buffer(const TensorInfo& info) {
  static const std::set<std::string_view> kLeaves = {"position_ids", "token_type_ids", "inv_freq", "masked_bias"};
  const std::string_view name = info.name;
  const std::string_view leaf = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  const bool is_causal_mask = name.ends_with(".attn.bias") && info.shape.size() == 4;
  return kLeaves.contains(leaf) || is_causal_mask;
}

// Fields that compress sets, or that transformers sets whenever it saves a model.
bool is_rewritten(const std::string& field) {
  static const std::set<std::string> kFields = {"quantization_config",  "dtype",         "torch_dtype",
                                                "transformers_version", "_name_or_path", "architectures"};
  return kFields.contains(field);
}

Index data_bytes_of(const Checkpoint& checkpoint) {
  Index bytes = 0;
  for (const auto& tensor : checkpoint.tensors()) bytes += tensor.info->bytes();
  return bytes;
}

void check_index(const Checkpoint& output, VerifyReport& report) {
  const auto total = output.index_metadata().find("total_size");
  if (!output.has_index() || total == output.index_metadata().end()) return;
  const Index found = data_bytes_of(output);
  if (*total != found) {
    report.failures.push_back("the index states a total_size of " + total->dump() + ", the tensors have " +
                              std::to_string(found) + " bytes");
  }
}

void check_card_row(const TensorSizes& stated, CheckedTensor& tensor, std::vector<std::string>& notes) {
  const auto text = [](Index bytes) { return std::to_string(bytes) + " bytes"; };
  if (stated.after != tensor.claimed.bytes_after) {
    tensor.failures.push_back("README.md states " + text(stated.after) + ", the files have " +
                              text(tensor.claimed.bytes_after));
  }
  if (tensor.compared && stated.before != tensor.claimed.bytes_before) {
    notes.push_back(tensor.claimed.name + ": README.md states " + text(stated.before) + " before, the original has " +
                    text(tensor.claimed.bytes_before));
  }
}

void check_card(const Checkpoint& output, VerifyReport& report) {
  const fs::path file = output.folder() / "README.md";
  if (!fs::exists(file)) {
    report.notes.push_back("README.md does not exist; the sizes that it states are not checked");
    return;
  }
  const CardSizes sizes = sizes_in_card(read_text_file(file, kMaxCardBytes));
  for (auto& tensor : report.tensors) {
    const auto stated = sizes.tensors.find(tensor.claimed.name);
    if (stated == sizes.tensors.end()) {
      report.notes.push_back("README.md states no sizes of tensor '" + tensor.claimed.name + "'");
    } else {
      check_card_row(stated->second, tensor, report.notes);
    }
  }
  const std::string found = card_megabytes(report.weights_after);
  if (sizes.weights_after && *sizes.weights_after != found)
    report.failures.push_back("README.md states weights of " + *sizes.weights_after + ", the files have " + found);
}

}  // namespace

void check_untouched_tensors(const Checkpoint& output, const Checkpoint& model,
                             const std::vector<EncodedTensor>& encoded, VerifyReport& report) {
  std::set<std::string> replaced, added;
  for (const auto& tensor : encoded) {
    replaced.insert(tensor.name);
    replaced.merge(copies_of(tensor, model));
    for (auto& scale : model.scales_of(tensor.name)) replaced.insert(std::move(scale));
    added.insert(tensor.array_names.begin(), tensor.array_names.end());
  }
  for (const auto& tensor : model.tensors()) {
    const std::string& name = tensor.info->name;
    if (replaced.contains(name)) continue;
    const auto* kept = output.find(name);
    if (kept == nullptr && is_computed_buffer(*tensor.info)) {
      report.notes.push_back("tensor '" + name + "' is missing; models compute it");
    } else if (kept == nullptr) {
      report.failures.push_back("tensor '" + name + "' is missing");
    } else if (!have_same_bytes(model, tensor, output, *kept)) {
      report.failures.push_back("tensor '" + name + "' differs from the original");
    } else {
      ++report.untouched_tensors;
    }
  }
  for (const auto& tensor : output.tensors()) {
    const std::string& name = tensor.info->name;
    if (!added.contains(name) && model.find(name) == nullptr)
      report.failures.push_back("tensor '" + name + "' is not in the original");
  }
}

void check_configuration(const Checkpoint& output, const Checkpoint& model, VerifyReport& report) {
  for (const auto& [field, value] : model.config().items()) {
    if (is_rewritten(field)) continue;
    const auto found = output.config().find(field);
    if (found == output.config().end()) {
      report.notes.push_back("config.json: field '" + field + "' of the original is missing");
    } else if (*found != value) {
      report.failures.push_back("config.json: field '" + field + "' is " + value.dump() + " in the original, " +
                                found->dump() + " in the output");
    }
  }
  for (const auto& [field, value] : output.config().items()) {
    if (!is_rewritten(field) && !model.config().contains(field))
      report.notes.push_back("config.json: field '" + field + "' is not in the original");
  }
}

void check_other_files(const Checkpoint& output, const Checkpoint& model, VerifyReport& report) {
  std::set<fs::path> known = {"README.md"};
  const auto output_name = [card = fs::path(name_of_base_card(model))](const fs::path& file) {
    return file == "README.md" ? card : file;
  };
  for (const auto& file : model.other_files()) {
    const fs::path copy = output.folder() / output_name(file);
    known.insert(output_name(file));
    if (!fs::exists(copy)) {
      report.notes.push_back("file '" + file.string() + "' of the original is missing");
    } else if (!have_same_content(model.folder() / file, copy)) {
      report.notes.push_back("file '" + output_name(file).string() + "' differs from the original");
    } else {
      ++report.untouched_files;
    }
  }
  for (const auto& file : output.other_files()) {
    if (!known.contains(file)) report.notes.push_back("file '" + file.string() + "' is not in the original");
  }
}

void check_sizes(const Checkpoint& output, VerifyReport& report) {
  check_index(output, report);
  check_card(output, report);
}

}  // namespace loewner::detail
