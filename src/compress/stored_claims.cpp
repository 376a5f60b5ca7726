// SPDX-License-Identifier: Apache-2.0
#include "compress/stored_claims.hpp"

#include "codec/spec_field.hpp"
#include "compress/error_place.hpp"
#include "loewner/norms/lp_error.hpp"
#include "model/quoted.hpp"

namespace loewner {

TensorReport claimed_report(const EncodedTensor& tensor, const Checkpoint& output, const Checkpoint* model) {
  TensorReport report =
      detail::at_place(tensor.place, [&] { return report_from_specification(tensor.name, tensor.spec); });
  if (model != nullptr) {
    auto names = model->scales_of(tensor.name);
    names.push_back(tensor.name);
    report.bytes_before = stored_bytes(*model, names);
  }
  report.bytes_after = stored_bytes(output, tensor.array_names) + static_cast<Index>(tensor.spec.dump().size());
  return report;
}

TensorErrors measured_errors(const RowSource& original, const EncodedMatrix& encoded, const RowWeights& weights,
                             double norm_exponent) {
  const auto errors = approximation_errors(original, encoded, weights.values, norm_exponent);
  return {.relative_error = errors.relative_error(),
          .weighted_relative_error = errors.weighted_relative_error(),
          .lp_error = errors.relative_lp_error()};
}

RowWeights stored_row_weights(const EncodedTensor& tensor, const Checkpoint& model, const std::filesystem::path& counts,
                              std::vector<std::string>& notes, const std::vector<std::int64_t>& text_counts) {
  RowWeightOptions options = detail::at_place(tensor.place, [&] {
    const auto field = detail::spec_field<Json>(tensor.spec, "row_weights");
    try {
      return parse_row_weights(detail::spec_field<std::string>(field, "option"));
    } catch (const InvalidArgument& error) {
      throw IoError("specification: field 'row_weights': " + std::string(error.what()));
    }
  });
  const Index rows = tensor.matrix->rows();
  if (options.kind == RowWeightKind::text && !text_counts.empty()) {
    return text_row_weights(text_counts, options.exponent, model, rows);
  }
  const bool needs_counts = options.kind == RowWeightKind::counts || options.kind == RowWeightKind::text;
  if (needs_counts && counts.empty()) {
    const std::string file = options.kind == RowWeightKind::text
                                 ? "the calibration text's counts in the moments file, given by --moments"
                                 : "the file of token counts (" +
                                       detail::quoted(options.counts_file.filename().string()) +
                                       "), given by --row-weights";
    notes.push_back(tensor.name + ": weighted errors are not checked; they need " + file);
    return {.values = {}, .description = ""};
  }
  if (needs_counts) options = {.kind = RowWeightKind::counts, .exponent = options.exponent, .counts_file = counts};
  return row_weights(options, model, rows);
}

}  // namespace loewner
