// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/metric_request.hpp"

namespace loewner {
namespace {

void require_one_budget(const EncodeRequest& request) {
  require(request.max_bytes.has_value() != request.max_error.has_value(), [&] {
    return std::string("EncodeRequest: set exactly one of max_bytes and max_error, got ") +
           (request.max_bytes ? "both" : "neither");
  });
}

std::string bytes_text(Index bytes) {
  return std::to_string(bytes) + " bytes";
}

[[noreturn]] void refuse(const EncodeRequest& request, std::span<const Candidate> offers) {
  if (request.max_error) {
    throw BudgetError("no encoding smaller than the matrix itself (" + bytes_text(request.source_bytes) +
                      ") has a relative error of at most " + std::to_string(*request.max_error) +
                      "; allow a larger error");
  }
  const auto smallest = std::ranges::min_element(offers, {}, [](const Candidate& c) { return c.point.bytes; });
  throw BudgetError("the budget leaves " + bytes_text(*request.max_bytes) + " for the arrays, but " +
                    (smallest == offers.end()
                         ? "no encoding is smaller than the matrix itself"
                         : "the smallest encoding needs " + std::to_string(smallest->point.bytes)));
}

}  // namespace

std::vector<Candidate> curve_of(const MethodDescriptor& method, MatrixSurvey& survey) {
  if (method.info.method == Method::automatic) return method.curve(survey);
  auto offers = method.curve(survey.for_method(method.info));
  if (survey.request().metric != nullptr && !method.info.weighs_channels) {
    for (auto& offer : offers) offer.point.error *= survey.factor_of_equal_errors();
  }
  return offers;
}

Encoding encoding_of(const MethodDescriptor& method, const EncodeRequest& request, const Candidate* candidate) {
  const auto encode = [&](const EncodeRequest& seen) {
    const bool is_chosen = candidate != nullptr && method.encode_candidate != nullptr;
    return is_chosen ? method.encode_candidate(seen, *candidate) : method.encode(seen);
  };
  if (request.metric == nullptr || method.info.method == Method::automatic) return encode(request);
  const EncodeRequest seen = in_metric(request);
  if (method.info.weighs_channels) {
    Encoding encoding = encode(seen);
    encoding.lp_error_svd.reset();  // it compares with errors outside the metric
    return encoding;
  }
  const double factor = factor_of_equal_errors(request, seen);
  Encoding encoding = encode(without_metric(request, factor));
  encoding.predicted_error *= std::sqrt(factor);
  return encoding;
}

std::vector<Candidate> candidates(const EncodeRequest& request) {
  MatrixSurvey survey(request);
  return curve_of(descriptor_of(request.method), survey);
}

Candidate best_candidate(const EncodeRequest& request, std::span<const Candidate> offers) {
  require_one_budget(request);
  const auto cost = [&](const Candidate& c) {
    return request.max_bytes ? c.point.error : static_cast<double>(c.point.bytes);
  };
  const Candidate* best = nullptr;
  for (const auto& offer : offers) {
    if (request.max_bytes && offer.point.bytes > *request.max_bytes) continue;
    if (request.max_error && offer.point.error > *request.max_error * *request.max_error) continue;
    if (best == nullptr || cost(offer) < cost(*best)) best = &offer;
  }
  if (best == nullptr) refuse(request, offers);
  return *best;
}

Encoding encode_matrix(const EncodeRequest& request) {
  require_one_budget(request);
  require_usable(request.method_options);
  return encoding_of(descriptor_of(request.method), request, nullptr);
}

Index solver_bytes(Method method, Index cols) {
  return descriptor_of(method).memory(cols);
}

Index moments_solver_bytes(Index inputs) {
  constexpr Index kMatrices = 6;  // damped, rotated and ordered moments and drift, the inverse factor
  return kMatrices * inputs * inputs * Index{sizeof(double)};
}

}  // namespace loewner
