// SPDX-License-Identifier: Apache-2.0
#include "linalg/schatten_excess.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "loewner/base/random.hpp"
#include "support/operators.hpp"

namespace loewner::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SchattenExcess, IsExactInTheFrobeniusAndTheSpectralNorm) {
  const std::vector<double> tail{3, 2};
  EXPECT_NEAR(schatten_excess({.tail = tail, .squared_norm = 16, .rank = 1, .gain = 9}, 2), 0.25, 1e-15);
  EXPECT_NEAR(schatten_excess({.tail = tail, .squared_norm = 16, .rank = 1, .gain = 7}, kInfinity), 1.0 / 3, 1e-15);
}

TEST(SchattenExcess, NothingToGainIsNoExcess) {
  EXPECT_EQ(schatten_excess({.tail = {}, .squared_norm = 0, .rank = 1, .gain = 0}, 2), 0);
  EXPECT_EQ(schatten_excess({.tail = {}, .squared_norm = 0, .rank = 1, .gain = 0}, 1), 0);
}

// The leading k directions, each one turned by a random vector of a random length.
Matrix<double> disturbed_subspace(Index k, Index dimension, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::test_data);
  Matrix<double> z(k, dimension);
  for (Index i = 0; i < k; ++i) {
    const double length = std::pow(10, -2 * random.uniform());
    for (double& x : z.row(i)) x = length * random.normal();
    z(i, i) += 1;
  }
  OrthonormalRows rows(k, dimension);
  rows.append(std::move(z), nullptr);
  return leading_rows<double>(rows.view(), k);
}

// By how much the true excess exceeds the bound, at most, over random matrices and subspaces.
double worst_violation(double p, double share_of_gain) {
  double worst = -kInfinity;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomStream random(seed, RandomPurpose::test_data, 1);
    const Index k = 1 + static_cast<Index>(random.below(3)), size = 12;
    std::vector<double> spectrum(size);
    for (double& value : spectrum) value = random.uniform() < 0.3 ? 0 : std::pow(random.uniform(), 3);
    std::ranges::sort(spectrum, std::greater<>());
    if (spectrum[k] == 0) continue;
    const test::DiagonalOperator a(size, size, spectrum);
    const auto z = disturbed_subspace(k, size, seed);
    const double best = test::schatten_norm(spectrum, 2, k), residual = test::schatten_norm(residual_values(a, z), 2);
    const auto tail = std::span<const double>(spectrum).subspan(k, 1 + random.below(size - k));
    const double bound = schatten_excess({.tail = tail,
                                          .squared_norm = best * best,
                                          .rank = k,
                                          .gain = share_of_gain * (residual * residual - best * best)},
                                         p);
    worst = std::max(worst, test::schatten_excess_of(a, z, p) - bound);
  }
  return worst;
}

TEST(SchattenExcess, BoundsTheExcessOfEverySubspace) {
  for (const double p : {1.0, 1.5, 2.0, 3.0, 8.0, kInfinity}) {
    EXPECT_LE(worst_violation(p, 1), 1e-12) << "p = " << p;
    EXPECT_GT(worst_violation(p, 0.1), 1e-3) << "p = " << p;  // the control: a tenth of the gain is no bound
  }
}

}  // namespace
}  // namespace loewner::detail
