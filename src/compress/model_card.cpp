// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/model_card.hpp"

#include <cstdio>
#include <set>
#include <string_view>

#include "compress/card_sizes.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner {
namespace {

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string folder_name(std::filesystem::path path) {
  path = path.lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

// The forms in which a loaded model holds these tensors.
std::string memory_text(const CompressReport& report) {
  std::set<LoadedForm> forms;
  for (const auto& tensor : report.tensors) forms.insert(loaded_form(tensor.structure));
  std::string text;
  if (forms.contains(LoadedForm::factors)) text += "Factors stay factors in memory. ";
  if (forms.contains(LoadedForm::coded)) {
    text +=
        "Coded token embeddings stay coded in memory; each row is decoded when it is looked up. Coded linear layers "
        "are decoded when the model is loaded; `loewner.load(folder, memory=\"small\")` keeps them coded. ";
  }
  if (forms.contains(LoadedForm::dense)) text += "Tensors of method dense keep their number format in memory. ";
  return text;
}

}  // namespace

std::string command_of(const CompressOptions& options) {
  const CompressOptions defaults;
  std::string command = "loewner compress " + folder_name(options.model) + " -o " + folder_name(options.output);
  if (options.selection != defaults.selection)
    command += options.selection == Selection::linear ? " --linear" : " --all";
  for (const auto& pattern : options.include) command += " --include " + quoted(pattern);
  for (const auto& pattern : options.exclude) command += " --exclude " + quoted(pattern);
  if (options.keep) command += " --keep " + number("%g", *options.keep);
  if (options.bits) command += " --bits " + number("%g", *options.bits);
  if (options.budget) command += " --budget " + std::to_string(*options.budget);
  if (options.max_error) command += " --max-error " + number("%g", *options.max_error);
  if (options.method != defaults.method) command += " --method " + std::string(to_string(options.method));
  for (const Method method : all_methods()) {
    const std::string value = flag_value(method, options.method_options);
    if (!value.empty()) command += " " + std::string(info_of(method).flag) + " " + value;
  }
  if (options.norm_exponent != defaults.norm_exponent)
    command += " --norm-exponent " + number("%g", options.norm_exponent);
  if (options.row_weights != defaults.row_weights) {
    const bool file = std::filesystem::path(options.row_weights).has_parent_path();
    command += " --row-weights " + (file ? folder_name(options.row_weights) : options.row_weights);
  }
  if (options.factor_format != defaults.factor_format)
    command += " --factor-format " + std::string(to_string(options.factor_format));
  if (!options.moments.empty()) command += " --moments " + folder_name(options.moments);
  if (options.copy_all) command += " --copy-all";
  if (options.seed != defaults.seed) command += " --seed " + std::to_string(options.seed);
  return command;
}

std::string model_card(const CompressOptions& options, const CompressReport& report) {
  const std::string base = folder_name(options.model);
  std::string card =
      "---\nbase_model: " + base + "\nlibrary_name: transformers\ntags:\n- loewner\n- compressed\n---\n\n# " + base +
      ", made smaller by loewner\n\n    " + command_of(options) +
      "\n\nWeights: " + detail::card_megabytes(report.weights_before) + " -> " +
      detail::card_megabytes(report.weights_after) + ", all bytes of the files included. No fine-tuning.\n\n" +
      "| tensor | shape | method | rank or bits | bytes before | bytes after | error | weighted error |\n" +
      "|---|---|---|---|---|---|---|---|\n";
  for (const auto& tensor : report.tensors) {
    card += "| " + tensor.name + " | " + std::to_string(tensor.rows) + " x " + std::to_string(tensor.cols) + " | " +
            tensor.method + " | " +
            (tensor.rank   ? std::to_string(*tensor.rank)
             : tensor.bits ? number("%.2f", *tensor.bits)
                           : "-") +
            " | " + std::to_string(tensor.bytes_before) + " | " + std::to_string(tensor.bytes_after) + " | " +
            number("%.4f", tensor.errors.relative_error) + " | " +
            number("%.4f", tensor.errors.weighted_relative_error) + " |\n";
  }
  const std::string row_weights = report.tensors.empty() ? "none" : report.tensors.front().row_weights;
  return card +
         "\nErrors are relative Frobenius errors of the stored numbers. The weighted error weights each row by the "
         "estimated frequency of its token (row weights: " +
         row_weights +
         ").\n\n## Loading\n\n    import loewner                       # registers the format\n    from transformers "
         "import AutoModel\n    model = AutoModel.from_pretrained(\"" +
         folder_name(options.output) + "\")\n\n" + memory_text(report) +
         "`loewner expand` writes an ordinary dense checkpoint for tools that do not know this format.\n";
}

}  // namespace loewner
