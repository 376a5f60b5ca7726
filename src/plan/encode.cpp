// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <algorithm>
#include <string>

#include "loewner/base/error.hpp"
#include "plan/method_descriptor.hpp"

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

std::vector<Candidate> candidates(const EncodeRequest& request) {
  MatrixSurvey survey(request);
  return descriptor_of(request.method).curve(survey);
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
  return descriptor_of(request.method).encode(request);
}

Index solver_bytes(Method method, Index cols) {
  return descriptor_of(method).memory(cols);
}

Index moments_solver_bytes(Index inputs) {
  constexpr Index kMatrices = 6;  // damped, rotated and ordered moments and drift, the inverse factor
  return kMatrices * inputs * inputs * Index{sizeof(double)};
}

}  // namespace loewner
