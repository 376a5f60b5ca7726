// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/loss_sensitivities.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

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

std::vector<std::vector<Index>> hashed(const std::vector<Index>& rows, Index buckets, RandomStream random) {
  std::vector<std::vector<Index>> result(buckets);
  for (const Index row : rows) result[random.below(static_cast<std::uint64_t>(buckets))].push_back(row);
  return result;
}

// Upper bounds of the shares |a_i^T x|^p / ||A x||_p^p, from the two inequalities of LewisWeights and
// |a_i^T x|^2 <= alpha w_i^(2/p) ||x||_Q^2.
double share_factor(const LewisWeights& lewis, double p) {
  if (p <= 2) return lewis.alpha;
  return std::pow(lewis.alpha, p / 2) * std::pow(lewis.omega, p / 2 - 1);
}

// The rows of the bucket whose share can be large.
void raise_large_shares(const RowSource& a, const std::vector<Index>& bucket, double p, double value,
                        std::vector<double>& result) {
  if (bucket.empty()) return;
  const LewisWeights lewis = lewis_weights(detail::GatheredRows(a, bucket), {.norm_exponent = p});
  const double factor = share_factor(lewis, p);
  for (std::size_t i = 0; i < bucket.size(); ++i) {
    if (factor * lewis.weights[i] >= kLargeShare) result[bucket[i]] = std::max(result[bucket[i]], value);
  }
}

std::vector<double> sensitivities_of(const RowSource& a, double p, std::uint64_t seed) {
  require_finite(a, "loss_sensitivities: the design");
  const Index n = a.rows();
  std::vector<char> counts(n);
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      counts[first + i] = std::ranges::any_of(rows.row(i), [](float x) { return x != 0; });
    }
  });
  std::vector<Index> rows;
  for (Index i = 0; i < n; ++i) {
    if (counts[i]) rows.push_back(i);
  }
  std::vector<double> result(n, 0.0);
  for (const Index row : rows) result[row] = 1 / static_cast<double>(rows.size());
  const int levels = std::bit_width(static_cast<std::uint64_t>(rows.size()));
  for (int level = 0; level <= levels; ++level) {
    const Index buckets = Index{1} << level;
    for (int repetition = 0; repetition < (level == 0 ? 1 : kRepetitions); ++repetition) {
      const auto stream = static_cast<std::uint64_t>(kRepetitions) * static_cast<std::uint64_t>(level) +
                          static_cast<std::uint64_t>(repetition);
      const auto parts = hashed(rows, buckets, RandomStream(seed, RandomPurpose::sampling, stream));
      // Few buckets: the loops within are shared out.
      const auto raise = [&](Index i) { raise_large_shares(a, parts[i], p, 1 / static_cast<double>(buckets), result); };
      if (buckets >= 64) {
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
  detail::require_norm_exponent(growth_exponent, "loss_sensitivities");
  return detail::with_float32_rows(
      a, [&](const RowSource& rows) { return sensitivities_of(rows, growth_exponent, seed); });
}

}  // namespace loewner
