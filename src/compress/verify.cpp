// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/verify.hpp"

#include <algorithm>
#include <cmath>

#include "codec/spec_field.hpp"
#include "compress/error_place.hpp"
#include "compress/folder_checks.hpp"
#include "compress/stored_claims.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {
namespace {

constexpr double kRelative = 1e-4, kAbsolute = 1e-7;

bool agrees(double claimed, double found) {
  return std::abs(claimed - found) <= kAbsolute + kRelative * std::abs(claimed);  // false for NaN
}

void check(const std::string& what, double claimed, double found, std::vector<std::string>& failures) {
  if (agrees(claimed, found)) return;
  failures.push_back(what + " is claimed to be " + std::to_string(claimed) + ", found " + std::to_string(found));
}

void check_errors(const EncodedTensor& tensor, const RowSource& original, const RowWeights& weights,
                  CheckedTensor& checked) {
  const auto& claimed = checked.claimed;
  checked.found = measured_errors(original, *tensor.matrix, weights, claimed.norm_exponent);
  check("relative_error", claimed.errors.relative_error, checked.found.relative_error, checked.failures);
  if (weights.description.empty()) return;
  check("weighted_relative_error", claimed.errors.weighted_relative_error, checked.found.weighted_relative_error,
        checked.failures);
  check("lp_error", claimed.errors.lp_error, checked.found.lp_error, checked.failures);
}

void check_certificate(const RowSource& original, const RowWeights& weights, CheckedTensor& checked) {
  if (!checked.claimed.certificate) return;
  const double p = checked.claimed.norm_exponent;
  checked.certificate =
      p == 2 ? 1.0 : lp_factorization(original, {.norm_exponent = p, .row_weights = weights.values}).distortion;
  check("certificate", *checked.claimed.certificate, *checked.certificate, checked.failures);
}

void check_error_of_svd(const EncodedTensor& tensor, std::shared_ptr<const RowSource> original,
                        const RowWeights& weights, CheckedTensor& checked) {
  if (!checked.claimed.lp_error_svd) return;
  EncodeRequest request;
  request.matrix = std::move(original);
  request.row_weights = weights.values;
  request.norm_exponent = checked.claimed.norm_exponent;
  const Index rank = detail::at_place(tensor.place, [&] {
    request.factor_format = detail::format_field(tensor.spec);
    return detail::size_field(tensor.spec, "rank");
  });
  checked.lp_error_svd = svd_lp_error(request, rank);
  check("lp_error_svd", *checked.claimed.lp_error_svd, *checked.lp_error_svd, checked.failures);
}

CheckedTensor check_tensor(const EncodedTensor& tensor, const Checkpoint& output, const Checkpoint& model,
                           std::vector<std::string>& notes) {
  CheckedTensor checked;
  checked.claimed = claimed_report(tensor, output, &model);
  const std::shared_ptr<const RowSource> original = model.rows_of(tensor.name);
  if (original->rows() != tensor.matrix->rows() || original->cols() != tensor.matrix->cols()) {
    checked.failures.push_back("the original is " + std::to_string(original->rows()) + " x " +
                               std::to_string(original->cols()) + ", the encoding " +
                               std::to_string(tensor.matrix->rows()) + " x " + std::to_string(tensor.matrix->cols()));
    return checked;
  }
  const RowWeights weights = stored_row_weights(tensor, model.folder(), notes);
  check_errors(tensor, *original, weights, checked);
  if (weights.description.empty()) return checked;
  check_certificate(*original, weights, checked);
  check_error_of_svd(tensor, original, weights, checked);
  return checked;
}

}  // namespace

bool VerifyReport::holds() const {
  return failures.empty() && std::ranges::all_of(tensors, [](const auto& tensor) { return tensor.failures.empty(); });
}

VerifyReport verify(const std::filesystem::path& output_folder, const std::filesystem::path& model_folder,
                    const ProgressCallback& progress) {
  blas::reserve_memory();
  const Checkpoint output = Checkpoint::open(output_folder), model = Checkpoint::open(model_folder);
  const auto encoded = read_encoded_tensors(output);
  VerifyReport report;
  report.weights_before = model.weight_bytes();
  report.weights_after = output.weight_bytes();
  for (const auto& tensor : encoded) {
    if (progress)
      progress(tensor.name, static_cast<double>(report.tensors.size()) / static_cast<double>(encoded.size() + 1));
    report.tensors.push_back(check_tensor(tensor, output, model, report.notes));
  }
  detail::check_untouched_tensors(output, model, encoded, report);
  detail::check_configuration(output, model, report);
  detail::check_other_files(output, model, report);
  detail::check_sizes(output, report);
  if (progress) progress("done", 1);
  return report;
}

Json to_json(const VerifyReport& report) {
  Json tensors = Json::array();
  for (const auto& tensor : report.tensors) {
    tensors.push_back({{"claimed", to_json(tensor.claimed)},
                       {"found",
                        {{"relative_error", tensor.found.relative_error},
                         {"weighted_relative_error", tensor.found.weighted_relative_error},
                         {"lp_error", tensor.found.lp_error},
                         {"lp_error_svd", tensor.lp_error_svd ? Json(*tensor.lp_error_svd) : Json(nullptr)},
                         {"certificate", tensor.certificate ? Json(*tensor.certificate) : Json(nullptr)}}},
                       {"failures", tensor.failures}});
  }
  return {{"holds", report.holds()},
          {"tensors", std::move(tensors)},
          {"untouched_tensors", report.untouched_tensors},
          {"untouched_files", report.untouched_files},
          {"failures", report.failures},
          {"notes", report.notes},
          {"weights_bytes_before", report.weights_before},
          {"weights_bytes_after", report.weights_after}};
}

}  // namespace loewner
