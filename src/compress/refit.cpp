// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/refit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/file.hpp"
#include "compress/card_sizes.hpp"
#include "compress/checksums.hpp"
#include "compress/format_version.hpp"
#include "compress/output_config.hpp"
#include "compress/stored_claims.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/rewrite.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

const EncodedTensor& tensor_of(const RefittedFactor& factor, const std::vector<EncodedTensor>& tensors) {
  const auto found = std::ranges::find(tensors, factor.tensor, &EncodedTensor::name);
  require(found != tensors.end() && !found->matrix->refittable_arrays().empty(),
          [&] { return "tensor '" + factor.tensor + "' must be encoded in two factors to be refitted"; });
  return *found;
}

StoredArray stored_like(const StoredArray& old, const std::string& full_name, Matrix<float> values) {
  require(values.rows() == old.rows && values.cols() == old.cols, [&] {
    return "array '" + full_name + "' must be " + std::to_string(old.rows) + " x " + std::to_string(old.cols) +
           ", got " + std::to_string(values.rows()) + " x " + std::to_string(values.cols());
  });
  require_finite_rows(values.view(), 0, "array '" + full_name + "'");
  return stored_as(full_name, std::make_shared<OwnedRows>(std::move(values)), old.dtype);
}

Replacements replacements_of(std::vector<RefittedFactor>& factors, const std::vector<EncodedTensor>& tensors) {
  Replacements replacements;
  for (auto& factor : factors) {
    const auto& tensor = tensor_of(factor, tensors);
    const auto arrays = tensor.matrix->to_tensors();
    const auto old = std::ranges::find(arrays, factor.array, &StoredArray::name);
    require(old != arrays.end(), [&] { return "array must be left or right, got '" + factor.array + "'"; });
    const std::string full_name = array_prefix(factor.tensor, tensor.spec) + factor.array;
    replacements[full_name] = {stored_like(*old, full_name, std::move(factor.values))};
  }
  return replacements;
}

// The claims of the new arrays, measured on the stored numbers.
TensorReport measured_report(const EncodedTensor& tensor, const Checkpoint& model, const fs::path& counts) {
  std::vector<std::string> notes;
  const RowWeights weights = stored_row_weights(tensor, model, counts, notes);
  if (!notes.empty()) throw IoError(notes.front());
  TensorReport report = report_from_specification(tensor.name, tensor.spec);
  report.errors = measured_errors(*model.rows_of(tensor.name), *tensor.matrix, weights, report.norm_exponent);
  require(std::isfinite(report.errors.relative_error),
          [&] { return tensor.name + ": the new factor does not fit in the stored number format"; });
  report.certificate.reset();
  report.output_error.reset();  // the moments are not given here
  report.bytes_before = stored_bytes(model, {tensor.name});
  return report;
}

std::vector<TensorReport> measure(const std::vector<RefittedFactor>& factors, const Checkpoint& checkpoint,
                                  const Checkpoint& model, const std::map<std::string, std::string>& weights,
                                  const fs::path& counts, const fs::path& folder) {
  Json config = checkpoint.config();
  Json& specifications = config["quantization_config"]["tensors"];
  for (const auto& factor : factors) specifications[factor.tensor]["refit"] = factor.record;
  detail::write_config(checkpoint, config, folder);
  const Checkpoint written = Checkpoint::open(folder);
  const auto tensors = read_encoded_tensors(written);
  std::vector<TensorReport> reports;
  for (const auto& factor : factors) {
    const auto& tensor = tensor_of(factor, tensors);
    TensorReport report = measured_report(tensor, model, counts);
    Json& specification = specifications[factor.tensor];
    specification["claims"] = claims_to_json(report);
    report.bytes_after = stored_bytes(written, tensor.array_names) + static_cast<Index>(specification.dump().size());
    reports.push_back(std::move(report));
  }
  config["quantization_config"]["format_version"] = detail::current_version(config["quantization_config"]);
  detail::state_checksums(written, tensors, weights, config);
  detail::write_config(checkpoint, config, folder);
  return reports;
}

std::string card_of_refit(const std::string& card, const std::vector<RefittedFactor>& factors,
                          const std::vector<TensorReport>& reports) {
  std::string text =
      card +
      "\n## Refit\n\nThese factors were fitted again, to the outputs of the original layers on some "
      "tokens of a text. Bytes and errors of their tensors are now:\n\n| tensor | factor | bytes before | "
      "bytes after | error | weighted error |\n|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < factors.size(); ++i) {
    char errors[64];
    std::snprintf(errors, sizeof(errors), " | %.4f | %.4f |\n", reports[i].errors.relative_error,
                  reports[i].errors.weighted_relative_error);
    text += "| " + factors[i].tensor + " | " + factors[i].array + " | " + std::to_string(reports[i].bytes_before) +
            " | " + std::to_string(reports[i].bytes_after) + errors;
  }
  return text;
}

}  // namespace

std::vector<TensorReport> store_refit(const fs::path& output, const fs::path& model, const fs::path& target,
                                      std::vector<RefittedFactor> factors, IfExists if_exists,
                                      const ProgressCallback& progress, const fs::path& row_weights) {
  require_apart(output, target);
  require_apart(model, target);
  blas::reserve_memory();
  const Checkpoint checkpoint = Checkpoint::open(output), original = Checkpoint::open(model);
  const auto tensors = read_encoded_tensors(checkpoint);
  const Replacements replacements = replacements_of(factors, tensors);
  StagedFolder staged(target, "refit", if_exists);
  const auto weights = rewrite_weights(checkpoint, replacements, staged.folder(), progress);
  copy_files(checkpoint, all_other_files(checkpoint), {}, staged.folder());
  auto reports = measure(factors, checkpoint, original, weights, row_weights, staged.folder());
  const fs::path card = staged.folder() / "README.md";
  const std::string old_card = fs::exists(card) ? detail::read_text_file(card, detail::kMaxCardBytes) : std::string();
  detail::replace_file(card, card_of_refit(old_card, factors, reports));
  staged.publish();
  if (progress) progress("done", 1);
  return reports;
}

}  // namespace loewner
