// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/input_codes_encoding.hpp"
#include "plan/error_search.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

// Each point takes d^2 operations for d inputs.
constexpr int kPointsOfInputCodesCurve = 96;

// The curve of codes along the rows, or along the outputs of a layer whose inputs have moments.
std::vector<CodesRate> rates_of(MatrixSurvey& survey) {
  const auto& request = survey.request();
  if (request.moments != nullptr) {
    return input_codes_curve(*request.matrix, survey.input_basis(), request.inputs, kPointsOfInputCodesCurve);
  }
  return codes_curve(survey.energies(), CodeLadder::plain(request.matrix->cols()), kPointsOfCodesCurve);
}

std::vector<Candidate> curve_of_codes(MatrixSurvey& survey) {
  const auto& request = survey.request();
  std::vector<Candidate> points;
  const Index entries = request.matrix->rows() * request.matrix->cols();
  for (const auto& rate : rates_of(survey)) {
    if (rate.bytes >= request.source_bytes) break;
    points.push_back({.method = Method::codes,
                      .point = {rate.bytes, rate.error},
                      .rank = std::nullopt,
                      .bits = 8 * static_cast<double>(rate.bytes) / static_cast<double>(entries)});
  }
  return points;
}

Encoding codes_within(MatrixSurvey& survey, Index bytes, double predicted_error) {
  const auto& request = survey.request();
  Encoding encoding;
  encoding.method = Method::codes;
  encoding.predicted_error = predicted_error;
  if (request.moments != nullptr) {
    auto codes = encode_input_codes(*request.matrix, survey.input_basis(),
                                    {.inputs = request.inputs, .max_bytes = bytes, .seed = request.seed});
    encoding.bits = codes.mean_bits;
    encoding.matrix = std::move(codes.matrix);
  } else {
    auto codes =
        encode_codes(*request.matrix, {.row_weights = request.row_weights, .max_bytes = bytes, .seed = request.seed});
    encoding.bits = codes->mean_bits();
    encoding.matrix = std::move(codes);
  }
  return encoding;
}

Encoding encode_by_codes(const EncodeRequest& request) {
  std::vector<RatePoint> rates;
  MatrixSurvey survey(request);
  const bool is_planned = request.planned_error && request.max_bytes && *request.max_bytes < request.source_bytes;
  if (request.moments != nullptr && is_planned) {  // the curve takes as long as the codes
    return codes_within(survey, *request.max_bytes, std::sqrt(*request.planned_error));
  }
  for (const auto& candidate : curve_of_codes(survey)) rates.push_back(candidate.point);
  const auto encode = [&](Index bytes, double error) { return codes_within(survey, bytes, std::sqrt(error)); };
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
                   .description = "rotated rows with 0 to 8 bits per entry, more bits for rows with more weight",
                   .weighs_outputs = true},
          .curve = curve_of_codes,
          .encode = encode_by_codes,
          .memory = pass_memory};
}

}  // namespace loewner
