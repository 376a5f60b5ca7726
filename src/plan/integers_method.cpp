// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "loewner/base/error.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/codec/integers_encoding.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

// Measured relative weighted Frobenius error of the rounded rows.
double rounding_error(const EncodeRequest& request, const Integers& rounded) {
  return approximation_errors(*request.matrix, rounded, request.row_weights, 2).weighted_relative_error();
}

// Rounded entries, and their error.
struct Rounding {
  std::unique_ptr<EncodedMatrix> matrix;
  double error = 0;
};

// With feedback; the error is that of the outputs.
Rounding integers_of_layer(const EncodeRequest& request, int bits) {
  Rounding result{.matrix = encode_integers(*request.matrix, *request.moments, request.inputs, bits)};
  result.error = std::sqrt(output_error(*request.matrix, *result.matrix, *request.moments, request.inputs));
  return result;
}

Candidate candidate_of(const Integers::Shape& shape, Method method, double error) {
  return {.method = method,
          .point = {shape.bytes(), error * error},
          .rank = std::nullopt,
          .bits = 8 * static_cast<double>(shape.bytes()) / static_cast<double>(shape.rows * shape.cols)};
}

std::vector<Candidate> curve_of_integers(MatrixSurvey& survey, Method method, int bits) {
  const auto& request = survey.request();
  if (request.moments != nullptr) {
    const auto shape = integers_shape(*request.matrix, bits);
    if (shape.bytes() >= request.source_bytes) return {};
    return {candidate_of(shape, method, integers_of_layer(request, bits).error)};
  }
  const EncodeRequest rows = survey.rows_to_round();
  auto shape = integers_shape(*rows.matrix, bits);
  const double error = rounding_error(rows, Integers(rows.matrix, shape));
  shape.rows = survey.request().matrix->rows();
  if (shape.bytes() >= survey.request().source_bytes) return {};
  return {candidate_of(shape, method, error)};
}

Encoding encode_by_rounding(const EncodeRequest& request, Method method, int bits) {
  const auto shape = integers_shape(*request.matrix, bits);
  const std::string name = std::string(to_string(method));
  const Index most =
      request.max_bytes ? std::min(*request.max_bytes, request.source_bytes - 1) : request.source_bytes - 1;
  if (shape.bytes() > most) {
    throw BudgetError(name + " takes " + std::to_string(shape.bytes()) + " bytes, but the budget leaves " +
                      std::to_string(most));
  }
  Rounding rounded;
  if (request.moments != nullptr) {
    rounded = integers_of_layer(request, bits);
  } else {
    auto plain = std::make_unique<Integers>(request.matrix, shape);
    rounded.error = rounding_error(request, *plain);
    rounded.matrix = std::move(plain);
  }
  const double error = rounded.error;
  if (request.max_error && error > *request.max_error) {
    throw BudgetError(name + " has the relative error " + std::to_string(error) + ", but max_error is " +
                      std::to_string(*request.max_error));
  }
  Encoding encoding;
  encoding.matrix = std::move(rounded.matrix);
  encoding.method = method;
  encoding.bits = bits;
  encoding.predicted_error = error;
  return encoding;
}

std::vector<Candidate> int8_curve(MatrixSurvey& survey) {
  return curve_of_integers(survey, Method::int8, 8);
}

std::vector<Candidate> int4_curve(MatrixSurvey& survey) {
  return curve_of_integers(survey, Method::int4, 4);
}

Encoding encode_by_int8(const EncodeRequest& request) {
  return encode_by_rounding(request, Method::int8, 8);
}

Encoding encode_by_int4(const EncodeRequest& request) {
  return encode_by_rounding(request, Method::int4, 4);
}

}  // namespace

MethodDescriptor int8_method() {
  return {.info = {.method = Method::int8,
                   .name = "int8",
                   .description = "rounding to 8 bits, one scale per row",
                   .weighs_outputs = true},
          .curve = int8_curve,
          .encode = encode_by_int8,
          .memory = pass_memory,
          .competes = only_without_moments};
}

MethodDescriptor int4_method() {
  return {.info = {.method = Method::int4,
                   .name = "int4",
                   .description = "rounding to 4 bits, one scale per 64 entries",
                   .weighs_outputs = true},
          .curve = int4_curve,
          .encode = encode_by_int4,
          .memory = pass_memory,
          .competes = only_without_moments};
}

}  // namespace loewner
