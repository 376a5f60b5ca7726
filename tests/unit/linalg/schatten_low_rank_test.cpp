// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/schatten_low_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/operators.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner {
namespace {

using test::DiagonalOperator;

constexpr double kSpectral = std::numeric_limits<double>::infinity();

TEST(SchattenLowRank, FindsTheLeadingSingularTriples) {
  const auto spectrum = test::exponential_decay(50, 0.8);
  const auto a = test::matrix_with_spectrum({.rows = 100, .cols = 60, .seed = 1}, spectrum);
  const auto svd = schatten_low_rank(MatrixOperator(a.view()), {.rank = 6, .eps = 0.01});
  for (Index i = 0; i < 6; ++i) EXPECT_NEAR(svd.singular_values[i], spectrum[i], test::rounding_tolerance(a.view()));
  const auto ut = detail::transposed<double>(svd.u.view());
  EXPECT_LE(test::orthonormality_error(ut.view()), 1e-12);
  EXPECT_LE(test::orthonormality_error(svd.vt.view()), 1e-12);
}

TEST(SchattenLowRank, UsesTheProductsOfItsPlan) {
  for (const double p : {1.0, 2.0, 5.0, kSpectral}) {
    const SchattenOptions options{.rank = 3, .norm_exponent = p, .eps = 0.1};
    const DiagonalOperator a(2000, 1500, test::exponential_decay(1500, 0.99));
    const auto svd = schatten_low_rank(a, options);
    EXPECT_EQ(svd.products, schatten_plan(1500, options).products() + 16);  // 16 probes of the residual
    EXPECT_EQ(a.products(), svd.products);
  }
}

TEST(SchattenLowRank, ThePlanFollowsItsFormula) {
  // log(1000 / 0.001) / 4 = 3.45; the root of 1 / eps is 10.
  const auto plan = schatten_plan(1000, {.rank = 4, .norm_exponent = 1, .eps = 0.001});
  EXPECT_EQ(plan.small_block, 6);
  EXPECT_EQ(plan.many_steps, 35);
  EXPECT_EQ(plan.large_block, 40);
  EXPECT_EQ(plan.few_steps, 4);
  EXPECT_EQ(plan.products(), 6 * 71 + 40 * 13);  // the vectors of the large blocks once more in the sum
}

// Slope of log products over log 1/eps: 1/3 and the logarithm's share, 1 / log(size / eps) = 0.06.
TEST(SchattenLowRank, ProductsGrowAsTheCubeRootOfTheInverseError) {
  const auto products = [](double eps) {
    return static_cast<double>(schatten_plan(1 << 20, {.rank = 50, .norm_exponent = 2, .eps = eps}).products());
  };
  const double slope = std::log(products(1e-6) / products(1e-2)) / std::log(1e4);
  EXPECT_GT(slope, 0.30);
  EXPECT_LT(slope, 0.40);
}

TEST(SchattenLowRank, ExponentsBeyondTheDimensionCountAsInfinite) {
  const auto plan = [](double p) { return schatten_plan(500, {.rank = 4, .norm_exponent = p, .eps = 0.1}).products(); };
  EXPECT_EQ(plan(1e6), plan(kSpectral));
  EXPECT_LT(plan(2), plan(kSpectral));
}

// For p = 2 the sum of two spaces is at least as good as each of them.
TEST(SchattenLowRank, IsNeverWorseThanTheSpaceOfSmallBlocks) {
  int better = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<double> spectrum(150);
    RandomStream random(seed, RandomPurpose::test_data);
    for (double& value : spectrum) value = std::pow(random.uniform(), 2);
    std::ranges::sort(spectrum, std::greater<>());
    const DiagonalOperator a(150, 150, spectrum);
    const SchattenOptions options{.rank = 4, .eps = 0.3, .constant = 0.1, .seed = seed};
    const auto plan = schatten_plan(150, options);
    const auto both = schatten_low_rank(a, options);
    const auto small = block_krylov(a, {.rank = 4, .block = plan.small_block, .steps = plan.many_steps, .seed = seed});
    const double excess = test::schatten_excess_of(a, both.vt, 2),
                 small_excess = test::schatten_excess_of(a, small.vt, 2);
    EXPECT_LE(excess, small_excess + 1e-12) << seed;
    better += excess < 0.99 * small_excess ? 1 : 0;
  }
  EXPECT_GE(better, 5);
}

// The chain of few steps ends early; what it leaves behind must not be taken out of the other one's products.
TEST(SchattenLowRank, IsNeverWorseForChainsOfVeryDifferentLength) {
  std::vector<double> spectrum(2000, 0.0);
  spectrum[0] = 1;
  for (std::size_t i = 1; i <= 400; ++i) spectrum[i] = 0.994 - 0.001 * static_cast<double>(i);
  const DiagonalOperator a(2000, 2000, spectrum);
  const SchattenOptions options{.rank = 1, .eps = 1e-5, .constant = 0.02};
  const auto plan = schatten_plan(2000, options);
  EXPECT_GE(plan.many_steps, 20 * plan.few_steps);
  const auto both = schatten_low_rank(a, options);
  const auto small = block_krylov(a, {.rank = 1, .block = plan.small_block, .steps = plan.many_steps});
  EXPECT_GE(both.singular_values[0], small.singular_values[0] - 1e-12);
  EXPECT_NEAR(both.singular_values[0], 1, 1e-4);
}

TEST(SchattenLowRank, AcceptsSmallZeroAndRankDeficientMatrices) {
  EXPECT_EQ(schatten_low_rank(DiagonalOperator(1, 1, {2}), {.rank = 1}).singular_values[0], 2);
  EXPECT_EQ(schatten_low_rank(DiagonalOperator(7, 3, {}), {.rank = 3}).singular_values[0], 0);
  const auto svd = schatten_low_rank(DiagonalOperator(30, 50, {3, 2}), {.rank = 4});
  EXPECT_EQ(svd.numerical_rank, 2);
  EXPECT_NEAR(svd.singular_values[1], 2, 1e-12);
  const auto ut = detail::transposed<double>(svd.u.view());
  EXPECT_LE(test::orthonormality_error(ut.view()), 1e-12);
}

TEST(SchattenLowRank, SameSeedGivesTheSameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 50, .seed = 2});
  const auto factor_with = [&](int threads) {
    const test::ThreadCount scope(threads);
    return schatten_low_rank(MatrixOperator(a.view()), {.rank = 3, .seed = 5});
  };
  const auto one = factor_with(1);
  for (const int threads : {1, 2, 8}) {
    const auto many = factor_with(threads);
    EXPECT_TRUE(std::equal(one.vt.data(), one.vt.data() + 3 * 50, many.vt.data())) << threads << " threads";
    EXPECT_TRUE(std::equal(one.u.data(), one.u.data() + 9000 * 3, many.u.data())) << threads << " threads";
  }
}

TEST(SchattenLowRank, RejectsOptionsOutsideTheirRange) {
  const DiagonalOperator a(20, 10, {3, 2, 1});
  const auto message = [&](const SchattenOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)schatten_low_rank(a, options); });
  };
  EXPECT_CONTAINS(message({.rank = 11}), "rank must be in [1, 10]");
  EXPECT_CONTAINS(message({.rank = 1, .norm_exponent = 0.9}), "norm_exponent");
  EXPECT_CONTAINS(message({.rank = 1, .eps = 0}), "eps");
  EXPECT_CONTAINS(message({.rank = 1, .eps = 2}), "eps");
  EXPECT_CONTAINS(message({.rank = 1, .constant = 0}), "constant");
}

}  // namespace
}  // namespace loewner
