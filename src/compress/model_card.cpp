// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/model_card.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
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

// The id of a model that lies in the cache of the Hugging Face Hub: .../models--ORGANIZATION--NAME/snapshots/COMMIT.
// Other folders are named after their model at most.
std::string model_id(const std::filesystem::path& folder) {
  constexpr std::string_view kPrefix = "models--", kSeparator = "--";
  const auto parts = folder.lexically_normal();
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    std::string id = part->string();
    const auto next = std::next(part);
    if (!id.starts_with(kPrefix) || next == parts.end() || *next != "snapshots") continue;
    id.erase(0, kPrefix.size());
    if (const auto at = id.find(kSeparator); at != std::string::npos) id.replace(at, kSeparator.size(), "/");
    return id;
  }
  return folder_name(folder);
}

// Whether the Hub would accept the id. Such an id needs no escapes in YAML.
bool is_model_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
  };
  const auto edge = [](char c) { return c == '-' || c == '.' || c == '/'; };
  return !id.empty() && id.size() <= 96 && std::ranges::all_of(id, allowed) && std::ranges::count(id, '/') <= 1 &&
         !edge(id.front()) && !edge(id.back()) && id.find("--") == id.npos && id.find("..") == id.npos;
}

// The fields that the Hub reads. The model is named only by an id that the Hub can link.
std::string metadata(const std::filesystem::path& model, const std::string& id) {
  const bool sentences = std::filesystem::exists(model / "modules.json");
  return "---\n" + (is_model_id(id) ? "base_model: \"" + id + "\"\nbase_model_relation: quantized\n" : std::string()) +
         "library_name: " + (sentences ? "sentence-transformers" : "transformers") +
         "\ntags:\n- loewner\n- compressed\n---\n\n";
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
  const std::string base = model_id(options.model);
  std::string card =
      metadata(options.model, base) + "# " + base + ", made smaller by loewner\n\n    " + command_of(options) +
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
