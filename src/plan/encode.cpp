// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <algorithm>
#include <string>

#include "loewner/base/error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

// Directions that are kept besides codes of all coordinates, or once more for every subspace, are d numbers for each of
// up to d: at n = 8 d an eighth of the matrix, which they must first earn back.
bool has_rows_for_directions(const RowSource& matrix) {
  constexpr Index kRowsForEachColumn = 8;
  return matrix.rows() / kRowsForEachColumn >= matrix.cols();
}

// lp offers the same ranks as svd and is weighed against it when a rank is chosen; subspaces and archetypes wait for
// the others.
bool waits_for_the_others(Method method) {
  return method == Method::subspaces || method == Method::archetypes;
}

bool takes_part_in_automatic(const MethodEntry& entry, const EncodeRequest& request) {
  if (entry.method == Method::lp || waits_for_the_others(entry.method)) return false;
  if (entry.method == Method::coded_svd && !has_rows_for_directions(*request.matrix)) return false;
  return entry.memory(request.matrix->cols()) <= request.memory;
}

// Several subspaces leave a fraction of the squared error of one, a quarter where they help most, and take seconds to
// find: they are worth trying only where the SVD comes that near to what the others leave in the same bytes. Where it
// leaves most, everything does, and nearness says nothing.
bool low_rank_competes(const std::vector<Candidate>& offers) {
  constexpr double kMostGain = 4, kMost = 0.5;
  return std::ranges::any_of(offers, [&](const Candidate& svd) {
    return svd.method == Method::svd && svd.point.error <= kMost &&
           std::ranges::none_of(offers, [&](const Candidate& other) {
             return other.method != Method::svd && other.point.bytes <= svd.point.bytes &&
                    other.point.error * kMostGain < svd.point.error;
           });
  });
}

void require_one_budget(const EncodeRequest& request) {
  require(request.max_bytes.has_value() != request.max_error.has_value(),
          [] { return std::string("encode_matrix: exactly one of max_bytes and max_error is needed"); });
}

std::string bytes_text(Index bytes) {
  return std::to_string(bytes) + " bytes";
}

[[noreturn]] void refuse(const EncodeRequest& request, std::span<const Candidate> offers) {
  if (request.max_error) {
    throw BudgetError("no encoding smaller than the matrix itself (" + bytes_text(request.source_bytes) +
                      ") is within the error; ask for a larger one");
  }
  const auto smallest = std::ranges::min_element(offers, {}, [](const Candidate& c) { return c.point.bytes; });
  throw BudgetError("the budget leaves " + bytes_text(*request.max_bytes) + " for the arrays, but " +
                    (smallest == offers.end()
                         ? "no encoding is smaller than the matrix itself"
                         : "the smallest encoding needs " + std::to_string(smallest->point.bytes)));
}

Encoding encode_automatically(const EncodeRequest& request) {
  const Candidate best = best_candidate(request, candidates(request));
  EncodeRequest exact = request;
  exact.method = best.method;
  if (best.method != Method::svd) return entry_of(best.method).encode(exact);
  if (request.max_bytes) exact.max_bytes = best.point.bytes;  // beyond the last rank offered there is nothing to save
  return encode_by_svd_or_lp(exact);
}

}  // namespace

std::vector<Candidate> candidates(const EncodeRequest& request) {
  MatrixSurvey survey(request);
  std::vector<Candidate> result;
  for (const auto& entry : method_entries()) {
    const bool asked =
        request.method == Method::automatic ? takes_part_in_automatic(entry, request) : request.method == entry.method;
    if (asked) std::ranges::move(entry.curve(survey), std::back_inserter(result));
  }
  if (request.method != Method::automatic || !has_rows_for_directions(*request.matrix)) return result;
  for (const auto& entry : method_entries()) {
    if (!waits_for_the_others(entry.method) || entry.memory(request.matrix->cols()) > request.memory) continue;
    const bool competes =
        entry.method == Method::subspaces ? low_rank_competes(result) : archetypes_compete(survey, result);
    if (competes) std::ranges::move(entry.curve(survey), std::back_inserter(result));
  }
  return result;
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
  if (request.method == Method::automatic) return encode_automatically(request);
  return entry_of(request.method).encode(request);
}

Index solver_bytes(Method method, Index cols) {
  return method == Method::automatic ? pass_memory(cols) : entry_of(method).memory(cols);
}

}  // namespace loewner
