// SPDX-License-Identifier: Apache-2.0
#include "plan/rank_methods.hpp"

#include <algorithm>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/low_rank.hpp"

namespace loewner {
namespace {

Index dense_bytes(const EncodeRequest& request) {
  return request.matrix->rows() * request.matrix->cols() * bytes_per_number(request.factor_format);
}

[[noreturn]] void refuse_budget(const EncodeRequest& request, Index allowed) {
  throw BudgetError("the budget leaves " + std::to_string(allowed) + " bytes for the factors, but rank 1 needs " +
                    std::to_string(bytes_at_rank(request, 1)));
}

void require_saving(const EncodeRequest& request, Index rank) {
  if (saves_bytes(request, rank)) return;
  throw BudgetError("rank " + std::to_string(rank) + " takes " + std::to_string(bytes_at_rank(request, rank)) +
                    " bytes, but the dense matrix takes " +
                    std::to_string(std::min(dense_bytes(request), request.source_bytes)) +
                    "; ask for fewer bytes, a larger error or a smaller factor format");
}

}  // namespace

Index full_rank(const EncodeRequest& request) {
  return std::min(request.matrix->rows(), request.matrix->cols());
}

Index bytes_at_rank(const EncodeRequest& request, Index rank) {
  return LowRank::bytes_at_rank(request.matrix->rows(), request.matrix->cols(), rank, request.factor_format);
}

bool saves_bytes(const EncodeRequest& request, Index rank) {
  return bytes_at_rank(request, rank) < std::min(dense_bytes(request), request.source_bytes);
}

Index rank_within_bytes(const EncodeRequest& request) {
  const Index rank = std::min(*request.max_bytes / bytes_at_rank(request, 1), full_rank(request));
  if (rank < 1) refuse_budget(request, *request.max_bytes);
  require_saving(request, rank);
  return rank;
}

Index rank_within_error(const EncodeRequest& request, const std::vector<double>& errors) {
  const auto first = std::ranges::find_if(errors, [&](double error) { return error <= *request.max_error; });
  const Index rank = std::clamp<Index>(first - errors.begin(), 1, static_cast<Index>(errors.size()) - 1);
  require_saving(request, rank);
  return rank;
}

std::vector<Candidate> curve_of_ranks(const EncodeRequest& request, Method method, const std::vector<double>& errors) {
  std::vector<Candidate> points;
  for (Index rank = 1; rank < static_cast<Index>(errors.size()) && saves_bytes(request, rank); ++rank) {
    const double error = errors[rank];
    points.push_back({method, {bytes_at_rank(request, rank), error * error}, rank, std::nullopt});
  }
  return points;
}

}  // namespace loewner
