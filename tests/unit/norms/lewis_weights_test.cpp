// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lewis_weights.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "support/ellipsoid_search.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner::lewis_weights_test {
namespace {

LewisOptions until_converged(double p) {
  return {.norm_exponent = p, .max_iterations = 300, .tolerance = 1e-10};
}

LewisWeights lewis(const Matrix<float>& a, const LewisOptions& options) {
  return lewis_weights(DenseRows(a.view()), options);
}

double limit_of(const LewisWeights& result, double p) {
  return std::pow(static_cast<double>(result.rank), std::abs(1 / p - 0.5));
}

// Gaussian rows of very different lengths: Student t with 2 degrees of freedom.
Matrix<float> heavy_rows(const test::Shape& shape) {
  Matrix<float> a = test::gaussian_matrix(shape);
  const Matrix<float> lengths = test::student_t_with_decay({.rows = shape.rows, .cols = 1, .seed = shape.seed}, 2, 1);
  for (Index i = 0; i < a.rows(); ++i) {
    for (float& x : a.row(i)) x *= lengths(i, 0);
  }
  return a;
}

class LewisWeightsFor : public testing::TestWithParam<double> {};

TEST_P(LewisWeightsFor, ConvergeToTheFixedPointWithCertificateRankToTheS) {
  const double p = GetParam();
  const Matrix<float> tables[] = {test::gaussian_matrix({.rows = 2000, .cols = 40, .seed = 1}),
                                  heavy_rows({.rows = 2000, .cols = 40, .seed = 2})};
  for (const auto& a : tables) {
    const auto result = lewis(a, until_converged(p));
    EXPECT_EQ(result.status, Status::converged);
    EXPECT_NEAR(result.certificate, limit_of(result, p), 1e-8);
    EXPECT_NEAR(result.omega, 40, 1e-9);
    EXPECT_NEAR(result.alpha, 1, 1e-7);
  }
}

TEST_P(LewisWeightsFor, FiveStepsMeetTheDefaultTolerance) {
  const double p = GetParam();
  const auto a = heavy_rows({.rows = 2000, .cols = 40, .seed = 2});
  const auto result = lewis(a, {.norm_exponent = p});
  EXPECT_LE(result.certificate, (p <= 6 ? 1.05 : 1.6) * limit_of(result, p));
}

INSTANTIATE_TEST_SUITE_P(Exponents, LewisWeightsFor,
                         testing::Values(1.0, 1.2, 1.5, 1.8, 2.0, 3.0, 3.9, 4.0, 6.0, 10.0, 20.0));

TEST(LewisWeights, PlainStepsDivergeAboveFour) {  // the negative control of the damping
  const double p = 8;
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 30, .seed = 3});
  const DenseRows rows(a.view());
  auto weights = lewis_weights(rows, until_converged(p)).weights;
  for (Index i = 0; i < 60; ++i) weights[i] *= i % 2 == 0 ? 1.001 : 0.999;
  const auto excess = [](const LewisWeights& w) { return w.alpha * w.omega / static_cast<double>(w.rank) - 1; };
  const double before = excess(certify_weights(rows, weights, until_converged(p)));
  for (int step = 0; step < 4; ++step) {
    const auto current = certify_weights(rows, weights, until_converged(p));
    for (Index i = 0; i < 60; ++i) {
      const std::vector<double> row(a.row(i).begin(), a.row(i).end()), solved = test::solve_spd(current.q, row);
      weights[i] = std::pow(std::inner_product(row.begin(), row.end(), solved.begin(), 0.0), p / 2);
    }
  }
  EXPECT_GT(excess(certify_weights(rows, weights, until_converged(p))), before);
}

TEST(LewisWeights, ForTwoAreTheLeverageScores) {
  const auto a = heavy_rows({.rows = 300, .cols = 10, .seed = 4});
  const auto result = lewis(a, until_converged(2));
  EXPECT_NEAR(result.certificate, 1, 1e-12);
  EXPECT_NEAR(result.alpha, 1, 1e-9);  // max leverage_i / w_i
  EXPECT_NEAR(result.omega, 10, 1e-9);
}

TEST(LewisWeights, CertificateBoundsTheMeasuredDistortion) {
  for (const double p : {1.0, 1.5, 3.0, 6.0}) {
    const auto a = heavy_rows({.rows = 300, .cols = 12, .seed = 5});
    const auto result = lewis(a, {.norm_exponent = p});
    const auto range = test::EllipsoidSearch(a, result.q, p).run(10, 30);
    EXPECT_LE(range.distortion(), result.certificate) << "p = " << p;
    const double s = std::abs(1 / p - 0.5);
    EXPECT_GE(range.smallest, std::pow(p <= 2 ? result.alpha : result.omega, -s)) << "p = " << p;
    EXPECT_LE(range.largest, std::pow(p <= 2 ? result.omega : result.alpha, s)) << "p = " << p;
  }
}

TEST(LewisWeights, CertificateOfLewisWeightsFailsForEqualWeights) {
  // Negative control: the search is strong enough to refute c = sqrt(d) for the ellipsoid of equal weights.
  auto a = test::gaussian_matrix({.rows = 400, .cols = 6, .seed = 6});
  for (float& x : a.row(17)) x *= 1000;
  const DenseRows rows(a.view());
  const auto equal = certify_weights(rows, std::vector<double>(400, 1.0), {.norm_exponent = 1});
  const auto range = test::EllipsoidSearch(a, equal.q, 1).run(10, 30);
  EXPECT_GT(range.distortion(), std::sqrt(6.0));
  EXPECT_LE(range.distortion(), equal.certificate) << "the certificate of the weights at hand holds";
}

TEST(LewisWeights, RowWeightsEqualScaledRows) {
  const auto a = test::gaussian_matrix({.rows = 200, .cols = 8, .seed = 7});
  std::vector<double> u(200);
  Matrix<float> scaled = a.clone();
  for (const double p : {1.0, 3.0}) {
    for (Index i = 0; i < 200; ++i) {
      u[i] = i % 5 == 0 ? 0.0 : 1.0 / static_cast<double>(i);
      for (Index j = 0; j < 8; ++j) scaled(i, j) = static_cast<float>(std::pow(u[i], 1 / p) * a(i, j));
    }
    auto options = until_converged(p);
    const auto direct = lewis(scaled, options);
    options.row_weights = u;
    const auto weighted = lewis(a, options);
    for (Index i = 0; i < 200; ++i) EXPECT_NEAR(weighted.weights[i], direct.weights[i], 1e-6) << "row " << i;
    EXPECT_EQ(weighted.weights[0], 0);
  }
}

TEST(LewisWeights, DoNotDependOnTheScale) {
  const auto a = heavy_rows({.rows = 500, .cols = 15, .seed = 8});
  for (const double p : {1.0, 4.0}) {
    const auto reference = lewis(a, until_converged(p));
    for (const float scale : {1e-18F, 1e18F}) {
      Matrix<float> scaled = a.clone();
      for (Index i = 0; i < 500 * 15; ++i) scaled.data()[i] *= scale;
      const auto result = lewis(scaled, until_converged(p));
      for (Index i = 0; i < 500; ++i) EXPECT_NEAR(result.weights[i], reference.weights[i], 1e-6);
      EXPECT_NEAR(lewis(scaled, {.norm_exponent = p}).certificate, lewis(a, {.norm_exponent = p}).certificate, 0.02);
    }
  }
}

TEST(LewisWeights, FollowThePermutationOfRowsAndIgnoreSigns) {
  const auto a = heavy_rows({.rows = 200, .cols = 7, .seed = 9});
  Matrix<float> shuffled(200, 7);
  for (Index i = 0; i < 200; ++i) {
    for (Index j = 0; j < 7; ++j) shuffled((i * 77 + 5) % 200, j) = (i % 2 == 0 ? -1.0F : 1.0F) * a(i, j);
  }
  const auto plain = lewis(a, until_converged(1)), moved = lewis(shuffled, until_converged(1));
  for (Index i = 0; i < 200; ++i) EXPECT_NEAR(moved.weights[(i * 77 + 5) % 200], plain.weights[i], 1e-9);
}

TEST(LewisWeights, SumToTheRankOfARankDeficientMatrix) {
  auto a = test::matrix_with_spectrum({.rows = 300, .cols = 20, .seed = 10}, test::exponential_decay(6, 0.8));
  for (Index i = 0; i < 300; ++i) a(i, 19) = 0;     // a zero column
  for (float& x : a.row(11)) x = 0;                 // a zero row
  std::ranges::copy(a.row(12), a.row(13).begin());  // duplicates
  for (const double p : {1.0, 3.0}) {
    const auto result = lewis(a, {.norm_exponent = p, .max_iterations = 60, .tolerance = 1e-6});
    EXPECT_EQ(result.status, Status::converged);
    EXPECT_EQ(result.weights[11], 0);
    EXPECT_NEAR(result.weights[12], result.weights[13], 1e-6);
    EXPECT_NEAR(result.omega, static_cast<double>(result.rank), 1e-6);
  }
}

TEST(LewisWeights, RankOfAnExactProductIsFound) {
  const auto left = test::gaussian_matrix({.rows = 300, .cols = 3, .seed = 11});
  Matrix<float> a(300, 6);  // columns repeated: exactly rank 3 in float32
  for (Index i = 0; i < 300; ++i) {
    for (Index j = 0; j < 6; ++j) a(i, j) = left(i, j % 3);
  }
  const auto result = lewis(a, until_converged(1));
  EXPECT_EQ(result.rank, 3);
  EXPECT_NEAR(result.certificate, std::sqrt(3.0), 1e-6);
}

TEST(LewisWeights, AHugeRowHasWeightOne) {
  auto a = test::gaussian_matrix({.rows = 500, .cols = 8, .seed = 12});
  for (float& x : a.row(3)) x *= 1e6F;
  const auto result = lewis(a, until_converged(1));
  EXPECT_EQ(result.rank, 8);
  EXPECT_NEAR(result.weights[3], 1, 1e-4);
  EXPECT_NEAR(result.certificate, std::sqrt(8.0), 1e-4);  // Q has condition 1e6: the margin for its rounding shows
}

TEST(LewisWeights, ReportTheRankOfDegenerateShapes) {
  const auto rank = [](Index n, Index d) {
    const auto result = lewis(test::gaussian_matrix({.rows = n, .cols = d, .seed = 13}), {.norm_exponent = 1});
    EXPECT_NEAR(result.omega, static_cast<double>(result.rank), 1e-6);
    EXPECT_LE(result.certificate, 1.05 * limit_of(result, 1));
    return result.rank;
  };
  EXPECT_EQ(rank(1, 5), 1);
  EXPECT_EQ(rank(5, 1), 1);
  EXPECT_EQ(rank(4, 9), 4);
  const auto zero = lewis(Matrix<float>(6, 3), {.norm_exponent = 1});
  EXPECT_EQ(zero.rank, 0);
  EXPECT_EQ(zero.certificate, 1);
  EXPECT_EQ(zero.weights, std::vector<double>(6, 0.0));
}

TEST(LewisWeights, Float32IterationsChangeTheCertificateByLessThanTheirMargin) {
  const auto a = heavy_rows({.rows = 3000, .cols = 60, .seed = 14});
  for (const double p : {1.0, 6.0}) {
    const auto fast = lewis(a, {.norm_exponent = p, .max_iterations = 3, .tolerance = 1e-3});
    const auto slow = lewis(a, {.norm_exponent = p, .max_iterations = 3, .tolerance = 9e-4});
    EXPECT_GE(fast.certificate, slow.certificate * (1 - 1e-4));
    EXPECT_LE(fast.certificate, slow.certificate * 1.01);
  }
}

TEST(LewisWeights, WideMatricesUseFloat32Steps) {
  const auto a = test::gaussian_matrix({.rows = 2500, .cols = 1100, .seed = 15});
  const LewisOptions coarse{}, fine{.tolerance = 1e-6};
  const auto result = lewis(a, coarse);
  EXPECT_EQ(result.status, Status::converged);
  const auto exact = certify_weights(DenseRows(a.view()), result.weights, fine).certificate;
  EXPECT_GT(result.certificate, 1.0001 * exact);  // the margin for float32
  EXPECT_LT(result.certificate, 1.01 * exact);
}

TEST(LewisWeights, SameBitsForAnyNumberOfThreads) {
  const auto a = heavy_rows({.rows = 6000, .cols = 70, .seed = 15});
  const auto run = [&](int threads, double tolerance) {
    const test::ThreadCount scope(threads);
    auto result = lewis(a, {.norm_exponent = 1, .tolerance = tolerance});
    result.weights.push_back(result.certificate);
    return result.weights;
  };
  for (const double tolerance : {0.05, 1e-9}) {
    const auto one = run(1, tolerance);
    EXPECT_EQ(one, run(2, tolerance));
    EXPECT_EQ(one, run(8, tolerance));
  }
}

TEST(LewisWeights, AZeroWeightMakesTheCertificateInfinite) {
  const auto a = test::gaussian_matrix({.rows = 30, .cols = 4, .seed = 16});
  std::vector<double> weights(30, 1.0);
  weights[7] = 0;
  EXPECT_EQ(certify_weights(DenseRows(a.view()), weights).certificate, std::numeric_limits<double>::infinity());
}

TEST(LewisWeights, RejectsBadOptionsAndNonFiniteEntries) {
  auto a = test::gaussian_matrix({.rows = 10, .cols = 3, .seed = 17});
  EXPECT_THROW((void)lewis(a, {.norm_exponent = 0.9}), InvalidArgument);
  EXPECT_THROW((void)lewis(a, {.norm_exponent = std::numeric_limits<double>::infinity()}), InvalidArgument);
  EXPECT_THROW((void)lewis(a, {.tolerance = -1}), InvalidArgument);
  const std::vector<double> negative(10, -1.0), few(9, 1.0);
  EXPECT_THROW((void)lewis(a, {.row_weights = negative}), InvalidArgument);
  EXPECT_THROW((void)lewis(a, {.row_weights = few}), InvalidArgument);
  EXPECT_THROW((void)certify_weights(DenseRows(a.view()), few), InvalidArgument);
  a(4, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)lewis(a, {}), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lewis_weights_test
