// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/robust/lp_error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

constexpr int kCurvePoints = 192;  // 32 for each bit

double measured_error(const EncodeRequest& request, const RowSource& stored) {
  return approximation_errors(*request.matrix, stored, request.row_weights, 2).weighted_relative_error();
}

std::unique_ptr<Codes> codes_within(const EncodeRequest& request, Index bytes) {
  return encode_codes(*request.matrix, {.row_weights = request.row_weights, .max_bytes = bytes, .seed = request.seed});
}

double predicted_at(const std::vector<Candidate>& curve, Index bytes) {
  double error = 1;
  for (const auto& point : curve) {
    if (point.point.bytes <= bytes) error = point.point.error;
  }
  return std::sqrt(error);
}

Encoding finish(std::unique_ptr<Codes> codes, double predicted) {
  Encoding encoding;
  encoding.bits = codes->mean_bits();
  encoding.matrix = std::move(codes);
  encoding.method = Method::codes;
  encoding.predicted_error = predicted;
  return encoding;
}

// The prediction is within some percent, so a point that misses the error is followed by the next.
Encoding encode_within_error(const EncodeRequest& request) {
  for (const auto& candidate : codes_curve(request)) {
    if (candidate.point.error > std::pow(1.1 * *request.max_error, 2)) continue;
    auto codes = codes_within(request, candidate.point.bytes);
    if (measured_error(request, *codes) <= *request.max_error) {
      return finish(std::move(codes), std::sqrt(candidate.point.error));
    }
  }
  throw BudgetError("codes smaller than the matrix itself (" + std::to_string(request.source_bytes) +
                    " bytes) do not reach the error " + std::to_string(*request.max_error));
}

}  // namespace

std::vector<Candidate> codes_curve(const EncodeRequest& request) {
  std::vector<Candidate> points;
  const Index entries = request.matrix->rows() * request.matrix->cols();
  for (const auto& rate : codes_curve(*request.matrix, request.row_weights, kCurvePoints)) {
    if (rate.bytes >= request.source_bytes) break;
    points.push_back({.method = Method::codes,
                      .point = {rate.bytes, rate.error},
                      .rank = std::nullopt,
                      .bits = 8 * static_cast<double>(rate.bytes) / static_cast<double>(entries)});
  }
  return points;
}

Encoding encode_by_codes(const EncodeRequest& request) {
  if (request.max_error) return encode_within_error(request);
  const Index bytes = std::min(*request.max_bytes, request.source_bytes - 1);
  return finish(codes_within(request, bytes), predicted_at(codes_curve(request), bytes));
}

}  // namespace loewner
