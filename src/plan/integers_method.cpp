// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

// Relative weighted Frobenius error of the rounded rows, measured.
double rounding_error(const EncodeRequest& request, const Integers& rounded) {
  return approximation_errors(*request.matrix, rounded, request.row_weights, 2).weighted_relative_error();
}

std::vector<Candidate> curve(MatrixSurvey& survey, Method method, int bits) {
  const EncodeRequest rows = survey.rows_to_round();
  auto shape = integers_shape(*rows.matrix, bits);
  const double error = rounding_error(rows, Integers(rows.matrix, shape));
  shape.rows = survey.request().matrix->rows();
  if (shape.bytes() >= survey.request().source_bytes) return {};
  return {{.method = method,
           .point = {shape.bytes(), error * error},
           .rank = std::nullopt,
           .bits = 8 * static_cast<double>(shape.bytes()) / static_cast<double>(shape.rows * shape.cols)}};
}

Encoding encode(const EncodeRequest& request, Method method, int bits) {
  const auto shape = integers_shape(*request.matrix, bits);
  const std::string name = std::string(to_string(method));
  const Index most =
      request.max_bytes ? std::min(*request.max_bytes, request.source_bytes - 1) : request.source_bytes - 1;
  if (shape.bytes() > most) {
    throw BudgetError(name + " takes " + std::to_string(shape.bytes()) + " bytes, of " + std::to_string(most) +
                      " that it may");
  }
  auto rounded = std::make_unique<Integers>(request.matrix, shape);
  const double error = rounding_error(request, *rounded);
  if (request.max_error && error > *request.max_error) {
    throw BudgetError(name + " leaves the error " + std::to_string(error) + ", more than " +
                      std::to_string(*request.max_error));
  }
  Encoding encoding;
  encoding.matrix = std::move(rounded);
  encoding.method = method;
  encoding.bits = bits;
  encoding.predicted_error = error;
  return encoding;
}

}  // namespace

std::vector<Candidate> int8_curve(MatrixSurvey& survey) {
  return curve(survey, Method::int8, 8);
}

std::vector<Candidate> int4_curve(MatrixSurvey& survey) {
  return curve(survey, Method::int4, 4);
}

Encoding encode_by_int8(const EncodeRequest& request) {
  return encode(request, Method::int8, 8);
}

Encoding encode_by_int4(const EncodeRequest& request) {
  return encode(request, Method::int4, 4);
}

}  // namespace loewner
