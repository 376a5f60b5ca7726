// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/loss_sensitivities.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/argument_check.hpp"
#include "linalg/gathered_rows.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "norms/lp_norm.hpp"
#include "regression/narrowed_rows.hpp"

namespace loewner {
namespace {

constexpr int kRepetitions = 4;
constexpr double kLargeShare = 0.25;
constexpr Index kManyBuckets = 64;  // from here on buckets are processed in parallel, not the loops inside each

std::vector<std::vector<Index>> hashed(const std::vector<Index>& rows, Index buckets, RandomStream random) {
  std::vector<std::vector<Index>> result(buckets);
  for (const Index row : rows) result[random.below(static_cast<std::uint64_t>(buckets))].push_back(row);
  return result;
}

// The f with  |a_i^T x|^p / ||A x||_p^p <= f w_i  for all x: by the two inequalities of
// LewisWeights and |a_i^T x|^2 <= alpha w_i^(2/p) ||x||_Q^2.
double share_factor(const LewisWeights& lewis, double p) {
  if (p <= 2) return lewis.alpha;
  return std::pow(lewis.alpha, p / 2) * std::pow(lewis.omega, p / 2 - 1);
}

// Raises the result to `value` for the rows of the bucket whose share can be large.
void raise_large_shares(const RowSource& a, const std::vector<Index>& bucket, double p, double value,
                        std::vector<double>& result) {
  if (bucket.empty()) return;
  const LewisWeights lewis = lewis_weights(detail::GatheredRows(a, bucket), {.norm_exponent = p});
  const double factor = share_factor(lewis, p);
  for (std::size_t i = 0; i < bucket.size(); ++i) {
    if (factor * lewis.weights[i] >= kLargeShare) result[bucket[i]] = std::max(result[bucket[i]], value);
  }
}

std::vector<Index> nonzero_rows(const RowSource& a) {
  std::vector<char> is_nonzero(a.rows());
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      is_nonzero[first + i] = std::ranges::any_of(rows.row(i), [](float x) { return x != 0; });
    }
  });
  std::vector<Index> rows;
  for (Index i = 0; i < a.rows(); ++i) {
    if (is_nonzero[i]) rows.push_back(i);
  }
  return rows;
}

std::vector<double> sensitivities_of(const RowSource& a, double p, std::uint64_t seed) {
  const std::vector<Index> rows = nonzero_rows(a);
  std::vector<double> result(a.rows(), 0.0);
  for (const Index row : rows) result[row] = 1 / static_cast<double>(rows.size());
  const int levels = std::bit_width(static_cast<std::uint64_t>(rows.size()));
  for (int level = 0; level <= levels; ++level) {
    const Index buckets = Index{1} << level;
    for (int repetition = 0; repetition < (level == 0 ? 1 : kRepetitions); ++repetition) {
      const auto stream = static_cast<std::uint64_t>(kRepetitions) * static_cast<std::uint64_t>(level) +
                          static_cast<std::uint64_t>(repetition);
      const auto parts = hashed(rows, buckets, RandomStream(seed, RandomPurpose::sampling, stream));
      const auto raise = [&](Index i) { raise_large_shares(a, parts[i], p, 1 / static_cast<double>(buckets), result); };
      if (buckets >= kManyBuckets) {
        parallel_for(buckets, raise);
      } else {
        for (Index i = 0; i < buckets; ++i) raise(i);
      }
    }
  }
  return result;
}

}  // namespace

std::vector<double> loss_sensitivities(const RowMatrix& a, double growth_exponent, std::uint64_t seed) {
  const detail::ArgumentCheck check("loss_sensitivities");
  check.number(growth_exponent >= 1 && std::isfinite(growth_exponent), "growth_exponent", "finite and at least 1",
               growth_exponent);
  return detail::with_float32_rows(
      check, a, [&](const RowSource& rows) { return sensitivities_of(rows, growth_exponent, seed); });
}

}  // namespace loewner
