// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/dense.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

Index bytes_in(const EncodeRequest& request, NumberFormat format) {
  return request.matrix->rows() * request.matrix->cols() * bytes_per_number(format);
}

// Relative weighted error of the matrix as it is read back.
double rounding_error(const EncodeRequest& request, NumberFormat format) {
  const auto rounded = stored_rows(stored_as("weight", request.matrix, dtype_of(format)));
  return approximation_errors(*request.matrix, *rounded, request.row_weights, 2).weighted_relative_error();
}

struct Rounded {
  NumberFormat format;
  double error;
};

// Halves are finer than bf16 wherever they do not overflow.
Rounded rounded(const EncodeRequest& request) {
  if (request.factor_format != NumberFormat::bf16) {
    const double error = rounding_error(request, NumberFormat::f16);
    if (std::isfinite(error)) return {NumberFormat::f16, error};
  }
  return {NumberFormat::bf16, rounding_error(request, NumberFormat::bf16)};
}

}  // namespace

std::vector<Candidate> dense_curve(MatrixSurvey& survey) {
  const auto& request = survey.request();
  if (bytes_in(request, NumberFormat::f16) >= request.source_bytes) return {};
  const Rounded best = rounded(survey.rows_to_round());
  return {{.method = Method::dense,
           .point = {bytes_in(request, best.format), best.error * best.error},
           .rank = std::nullopt,
           .bits = 16}};
}

Encoding encode_dense(const EncodeRequest& request) {
  const Index bytes = bytes_in(request, NumberFormat::f16);
  if (bytes >= request.source_bytes || (request.max_bytes && bytes > *request.max_bytes)) {
    throw BudgetError("dense in 16 bits takes " + std::to_string(bytes) + " bytes, of " +
                      std::to_string(std::min(request.source_bytes, request.max_bytes.value_or(request.source_bytes))) +
                      " that it may");
  }
  const Rounded best = rounded(request);
  if (request.max_error && best.error > *request.max_error) {
    throw BudgetError("dense in 16 bits leaves the error " + std::to_string(best.error) + ", more than " +
                      std::to_string(*request.max_error));
  }
  Encoding encoding;
  encoding.matrix = std::make_unique<Dense>(request.matrix, best.format);
  encoding.method = Method::dense;
  encoding.predicted_error = best.error;
  return encoding;
}

Index pass_memory(Index) {
  return Index{1} << 27;  // row blocks and program
}

}  // namespace loewner
