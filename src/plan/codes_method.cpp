// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "plan/error_search.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

std::unique_ptr<Codes> codes_within(const EncodeRequest& request, Index bytes) {
  return encode_codes(*request.matrix, {.row_weights = request.row_weights, .max_bytes = bytes, .seed = request.seed});
}

Encoding finish(std::unique_ptr<Codes> codes, double predicted) {
  Encoding encoding;
  encoding.bits = codes->mean_bits();
  encoding.matrix = std::move(codes);
  encoding.method = Method::codes;
  encoding.predicted_error = predicted;
  return encoding;
}

std::vector<Candidate> curve_of_codes(MatrixSurvey& survey) {
  const auto& request = survey.request();
  std::vector<Candidate> points;
  const Index entries = request.matrix->rows() * request.matrix->cols();
  const auto ladder = CodeLadder::plain(request.matrix->cols());
  for (const auto& rate : codes_curve(survey.energies(), ladder, kPointsOfCodesCurve)) {
    if (rate.bytes >= request.source_bytes) break;
    points.push_back({.method = Method::codes,
                      .point = {rate.bytes, rate.error},
                      .rank = std::nullopt,
                      .bits = 8 * static_cast<double>(rate.bytes) / static_cast<double>(entries)});
  }
  return points;
}

Encoding encode_by_codes(const EncodeRequest& request) {
  std::vector<RatePoint> rates;
  MatrixSurvey survey(request);
  for (const auto& candidate : curve_of_codes(survey)) rates.push_back(candidate.point);
  const auto encode = [&](Index bytes, double error) { return finish(codes_within(request, bytes), std::sqrt(error)); };
  if (request.max_error) {
    return first_within_error(request, rates, [&](std::size_t i) { return encode(rates[i].bytes, rates[i].error); });
  }
  const Index bytes = std::min(*request.max_bytes, request.source_bytes - 1);
  const auto above = std::ranges::upper_bound(rates, bytes, {}, &RatePoint::bytes);
  return encode(bytes, above == rates.begin() ? 1.0 : (above - 1)->error);
}

}  // namespace

MethodDescriptor codes_method() {
  return {.info = {.method = Method::codes,
                   .name = "codes",
                   .description = "rotated rows with 0 to 8 bits per entry, more bits for rows with more weight"},
          .curve = curve_of_codes,
          .encode = encode_by_codes,
          .memory = pass_memory};
}

}  // namespace loewner
