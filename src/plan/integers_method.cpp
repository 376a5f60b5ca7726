// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/robust/lp_error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

struct Rounded {
  std::unique_ptr<Integers> matrix;
  double error = 0;  // relative weighted Frobenius error, measured
};

Rounded rounded(const EncodeRequest& request, const Integers::Shape& shape) {
  Rounded result{.matrix = std::make_unique<Integers>(request.matrix, shape)};
  result.error =
      approximation_errors(*request.matrix, *result.matrix, request.row_weights, 2).weighted_relative_error();
  return result;
}

std::vector<Candidate> curve(const EncodeRequest& request, Method method, int bits) {
  const auto shape = integers_shape(*request.matrix, bits);
  if (shape.bytes() >= request.source_bytes) return {};
  const double error = rounded(request, shape).error;
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
  Rounded result = rounded(request, shape);
  if (request.max_error && result.error > *request.max_error) {
    throw BudgetError(name + " leaves the error " + std::to_string(result.error) + ", more than " +
                      std::to_string(*request.max_error));
  }
  Encoding encoding;
  encoding.matrix = std::move(result.matrix);
  encoding.method = method;
  encoding.bits = bits;
  encoding.predicted_error = result.error;
  return encoding;
}

}  // namespace

std::vector<Candidate> int8_curve(const EncodeRequest& request) {
  return curve(request, Method::int8, 8);
}

std::vector<Candidate> int4_curve(const EncodeRequest& request) {
  return curve(request, Method::int4, 4);
}

Encoding encode_by_int8(const EncodeRequest& request) {
  return encode(request, Method::int8, 8);
}

Encoding encode_by_int4(const EncodeRequest& request) {
  return encode(request, Method::int4, 4);
}

}  // namespace loewner
