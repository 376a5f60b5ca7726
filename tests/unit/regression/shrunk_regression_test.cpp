// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/shrunk_regression.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "loewner/regression/lp_regression.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::shrunk_regression_test {
namespace {

constexpr Index kRows = 2000, kCols = 32, kTargets = 16;

// A known design, targets with an explained and an unexplained part, and a sample of rows.
struct Population {
  Matrix<float> a = test::gaussian_matrix({kRows, kCols, 1});
  Matrix<double> b = Matrix<double>(kRows, kTargets);
  double p;
  Matrix<double> metric;

  explicit Population(double norm_exponent, double explained = 1) : p(norm_exponent) {
    const auto x = test::gaussian_matrix({kCols, kTargets, 2}), noise = test::gaussian_matrix({kRows, kTargets, 3});
    for (Index i = 0; i < kRows; ++i) {
      for (Index j = 0; j < kTargets; ++j) {
        double sum = 6 * noise(i, j);
        for (Index k = 0; k < kCols; ++k) sum += explained * static_cast<double>(a(i, k)) * x(k, j);
        b(i, j) = sum;
      }
    }
    metric = lewis_weights(DenseRows(a.view()), {.norm_exponent = p, .tolerance = 1e-3}).q.clone();
  }

  // sum |a x - b|^p over all rows, relative to that of x = 0.
  double ratio(const Matrix<double>& x) const {
    double error = 0, norm = 0;
    for (Index i = 0; i < kRows; ++i) {
      for (Index j = 0; j < kTargets; ++j) {
        double rest = b(i, j);
        for (Index k = 0; k < kCols; ++k) rest -= static_cast<double>(a(i, k)) * x(k, j);
        error += std::pow(std::abs(rest), p);
        norm += std::pow(std::abs(b(i, j)), p);
      }
    }
    return error / norm;
  }
};

// A sample in which every row has the same probability.
struct Sample {
  Matrix<double> a, b;
  std::vector<double> probabilities;

  Sample(const Population& population, Index count, std::uint64_t seed)
      : a(count, kCols), b(count, kTargets), probabilities(count, static_cast<double>(count) / kRows) {
    RandomStream random(seed, RandomPurpose::test_data);
    for (Index i = 0; i < count; ++i) {
      const auto row = static_cast<Index>(random.below(kRows));
      for (Index k = 0; k < kCols; ++k) a(i, k) = population.a(row, k);
      std::ranges::copy(population.b.row(row), b.row(i).begin());
    }
  }
  ShrunkRegression fit(const Population& population, int folds = 5) const {
    return shrunk_regression(a.view(), b.view(), population.metric.view(),
                             {.norm_exponent = population.p, .probabilities = probabilities, .folds = folds});
  }
};

class ShrunkRegressionFor : public testing::TestWithParam<double> {};

TEST_P(ShrunkRegressionFor, EstimatesTheObjectiveOverAllRows) {
  const Population population(GetParam());
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Sample sample(population, 120, seed);
    const auto fit = sample.fit(population);
    const double truth = population.ratio(fit.x);
    EXPECT_LT(truth, 1);
    EXPECT_NEAR(fit.estimated_ratio, truth, (population.p <= 2 ? 0.1 : 0.2) * truth) << "seed " << seed;
  }
}

TEST_P(ShrunkRegressionFor, HasASmallerObjectiveThanTheFitWithoutShrinkage) {
  const Population population(GetParam());
  const Sample sample(population, 60, 4);
  const auto plain =
      lp_regression(RowMatrix(sample.a.view()), sample.b.view(), {.norm_exponent = GetParam(), .tolerance = 1e-3});
  EXPECT_GT(population.ratio(plain.x), 1);  // negative control: as many rows as unknowns
  EXPECT_LT(population.ratio(sample.fit(population).x), 1);
}

TEST_P(ShrunkRegressionFor, DoesLittleHarmOnPureNoise) {
  const Population noise(GetParam(), 0);
  const auto fit = Sample(noise, 60, 5).fit(noise);
  EXPECT_LT(noise.ratio(fit.x), GetParam() <= 2 ? 1.02 : 1.1);  // few rows dominate large powers
}

TEST_P(ShrunkRegressionFor, EqualsTheRegressionIfAllRowsAreDrawn) {
  const Population population(GetParam());
  Matrix<double> a(kRows, kCols);
  for (Index i = 0; i < kRows; ++i) std::ranges::copy(population.a.row(i), a.row(i).begin());
  const auto fit =
      shrunk_regression(a.view(), population.b.view(), population.metric.view(), {.norm_exponent = GetParam()});
  const auto regression = lp_regression(RowMatrix(a.view()), population.b.view(), {.norm_exponent = GetParam()});
  EXPECT_NEAR(population.ratio(fit.x), population.ratio(regression.x), 2e-3);
  EXPECT_NEAR(fit.estimated_ratio, population.ratio(fit.x), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Exponents, ShrunkRegressionFor, testing::Values(1.0, 2.0, 4.0));

// Negative control of the estimate: the fitted rows have smaller errors than the others.
TEST(ShrunkRegression, FittedRowsAloneUnderestimateTheObjective) {
  const Population population(2);
  const Sample sample(population, 120, 1);
  const auto fit = sample.fit(population);
  double error = 0, norm = 0;
  for (Index i = 0; i < sample.a.rows(); ++i) {
    for (Index j = 0; j < kTargets; ++j) {
      double rest = sample.b(i, j);
      for (Index k = 0; k < kCols; ++k) rest -= sample.a(i, k) * fit.x(k, j);
      error += rest * rest;
      norm += sample.b(i, j) * sample.b(i, j);
    }
  }
  EXPECT_LT(error / norm, 0.8 * population.ratio(fit.x));
}

TEST(ShrunkRegression, SameBitsForAnyNumberOfThreads) {
  const Population population(1.5);
  const Sample sample(population, 100, 6);
  const auto solution = [&](int threads) {
    const test::ThreadCount count(threads);
    const auto fit = sample.fit(population);
    return std::vector<double>(fit.x.data(), fit.x.data() + fit.x.rows() * fit.x.cols());
  };
  const auto one = solution(1);
  EXPECT_EQ(solution(2), one);
  EXPECT_EQ(solution(8), one);
}

TEST(ShrunkRegression, RejectsBadArgumentsByName) {
  const Matrix<double> a(5, 2), b(5, 3), metric(2, 2), other(3, 3);
  const auto refusal = [&](MatrixView<const double> m, const ShrunkRegressionOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)shrunk_regression(a.view(), b.view(), m, options); });
  };
  const std::vector<double> zero(5, 0.0), few(4, 1.0);
  EXPECT_CONTAINS(refusal(other.view(), {}), "the metric must be 2 x 2, got 3 x 3");
  EXPECT_CONTAINS(refusal(metric.view(), {.probabilities = zero}), "probabilities must be in (0, 1], got 0");
  EXPECT_CONTAINS(refusal(metric.view(), {.probabilities = few}),
                  "probabilities must have one value per row (5), got 4");
  EXPECT_CONTAINS(refusal(metric.view(), {.folds = 1}), "folds must be at least 2, got 1");
}

}  // namespace
}  // namespace loewner::shrunk_regression_test
