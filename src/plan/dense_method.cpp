// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/dense.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

Index bytes_in(const EncodeRequest& request, NumberFormat format) {
  return request.matrix->rows() * request.matrix->cols() * bytes_per_number(format);
}

// Relative weighted error of the matrix after a round trip through the format.
double rounding_error(const EncodeRequest& request, NumberFormat format) {
  const auto rounded = stored_rows(stored_as("weight", request.matrix, dtype_of(format)));
  return approximation_errors(*request.matrix, *rounded, request.row_weights, 2).weighted_relative_error();
}

struct Rounded {
  NumberFormat format;
  double error;
};

// f16 has the smaller rounding error, but a smaller range: large entries overflow, small ones lose digits.
Rounded rounded(const EncodeRequest& request) {
  constexpr double kErrorInRange = 0x1p-11;  // of the f16 of a number inside its range, at most
  Rounded half{NumberFormat::f16, std::numeric_limits<double>::infinity()};
  if (request.factor_format != NumberFormat::bf16) {
    half.error = rounding_error(request, NumberFormat::f16);
    if (half.error <= kErrorInRange) return half;
  }
  const Rounded brain{NumberFormat::bf16, rounding_error(request, NumberFormat::bf16)};
  return half.error <= brain.error ? half : brain;
}

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
    throw BudgetError("dense in 16 bits takes " + std::to_string(bytes) + " bytes, but the budget leaves " +
                      std::to_string(std::min(request.source_bytes - 1, request.max_bytes.value_or(bytes))));
  }
  const Rounded best = rounded(request);
  if (request.max_error && best.error > *request.max_error) {
    throw BudgetError("dense in 16 bits has the relative error " + std::to_string(best.error) + ", but max_error is " +
                      std::to_string(*request.max_error));
  }
  Encoding encoding;
  encoding.matrix = std::make_unique<Dense>(request.matrix, best.format);
  encoding.method = Method::dense;
  encoding.predicted_error = best.error;
  return encoding;
}

}  // namespace

MethodDescriptor dense_method() {
  return {.info = {.method = Method::dense, .name = "dense", .description = "the matrix itself in f16 or bf16"},
          .curve = dense_curve,
          .encode = encode_dense,
          .memory = pass_memory};
}

}  // namespace loewner
