// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/enclosing_ellipsoid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "loewner/base/parallel.hpp"
#include "support/matrices.hpp"

namespace loewner::enclosing_ellipsoid_test {
namespace {

EnclosingEllipsoid enclose(const Matrix<float>& a, double epsilon = 1e-8) {
  return enclosing_ellipsoid(DenseRows(a.view()), {.epsilon = epsilon});
}

Matrix<float> cube_corners(Index d) {
  Matrix<float> corners(Index{1} << d, d);
  for (Index i = 0; i < corners.rows(); ++i) {
    for (Index j = 0; j < d; ++j) corners(i, j) = (i >> j) % 2 == 0 ? 1.0F : -1.0F;
  }
  return corners;
}

// largest * G: the ellipsoid is {y : y^T (largest G)^{-1} y <= 1}
Matrix<double> shape(const EnclosingEllipsoid& e) {
  const Index d = e.factor.cols();
  Matrix<double> shape(d, d);
  for (Index k = 0; k < d; ++k) {
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < d; ++j) shape(i, j) += e.largest * e.factor(k, i) * e.factor(k, j);
    }
  }
  return shape;
}

TEST(EnclosingEllipsoid, OfTheCornersOfACubeIsTheirCircumscribedBall) {
  const auto result = enclose(cube_corners(4));
  const Matrix<double> s = shape(result);
  for (Index i = 0; i < 4; ++i) {
    for (Index j = 0; j < 4; ++j) EXPECT_NEAR(s(i, j), i == j ? 4.0 : 0.0, 1e-6);  // radius sqrt(4)
  }
  EXPECT_EQ(result.report.status, Status::converged);
}

TEST(EnclosingEllipsoid, OfPointsOnTheAxesHasTheseSemiAxes) {
  Matrix<float> points(9, 3);
  const float lengths[] = {2, 5, 0.25F};
  for (Index i = 0; i < 9; ++i) points(i, i % 3) = lengths[i % 3] * (i < 3 ? 1.0F : 0.9F);  // six points lie inside
  const auto result = enclose(points);
  const Matrix<double> s = shape(result);
  for (Index i = 0; i < 3; ++i) EXPECT_NEAR(s(i, i), lengths[i] * lengths[i], 1e-6 * s(i, i));
  for (Index i = 3; i < 9; ++i) EXPECT_EQ(result.weights[i], 0) << "an inner point has weight";
}

// a_i^T G^{-1} a_i from the weights alone, by plain Gaussian elimination.
std::vector<double> leverages(const Matrix<float>& a, const std::vector<double>& weights) {
  const Index d = a.cols();
  std::vector<double> result;
  for (Index r = 0; r < a.rows(); ++r) {
    Matrix<double> g(d, d + 1);
    for (Index i = 0; i < d; ++i) g(i, d) = a(r, i);
    for (Index s = 0; s < a.rows(); ++s) {
      for (Index i = 0; i < d; ++i) {
        for (Index j = 0; j < d; ++j) g(i, j) += weights[s] * a(s, i) * a(s, j);
      }
    }
    for (Index k = 0; k < d; ++k) {
      for (Index i = 0; i < d; ++i) {
        const double factor = g(i, k) / g(k, k);
        for (Index j = k; i != k && j <= d; ++j) g(i, j) -= factor * g(k, j);
      }
    }
    double sum = 0;
    for (Index i = 0; i < d; ++i) sum += a(r, i) * g(i, d) / g(i, i);
    result.push_back(sum);
  }
  return result;
}

TEST(EnclosingEllipsoid, CertificateHoldsForTheReturnedWeights) {
  const auto a = test::gaussian_matrix({.rows = 80, .cols = 5, .seed = 31});
  const auto result = enclose(a, 1e-4);
  const auto kappa = leverages(a, result.weights);
  EXPECT_NEAR(std::accumulate(result.weights.begin(), result.weights.end(), 0.0), 1, 1e-12);
  EXPECT_GE(*std::ranges::min_element(result.weights), 0);
  EXPECT_NEAR(*std::ranges::max_element(kappa), result.largest, 1e-9);
  EXPECT_LE(result.largest, 5 * (1 + 1e-4));
}

TEST(EnclosingEllipsoid, ALooseToleranceMissesATighterOne) {  // negative control
  const auto a = test::gaussian_matrix({.rows = 80, .cols = 5, .seed = 31});
  EXPECT_GT(enclose(a, 0.2).largest, 5 * (1 + 1e-4));
}

TEST(EnclosingEllipsoid, WeightsDoNotChangeUnderALinearMapOfThePoints) {
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 4, .seed = 32});
  Matrix<float> mapped(60, 4);
  for (Index i = 0; i < 60; ++i) {
    for (Index j = 0; j < 4; ++j) mapped(i, j) = std::ldexp(a(i, j), static_cast<int>(9 * j));  // condition 2^27, exact
  }
  const auto plain = enclose(a), image = enclose(mapped);
  for (Index i = 0; i < 60; ++i) EXPECT_NEAR(plain.weights[i], image.weights[i], 1e-4);
}

TEST(EnclosingEllipsoid, OfOneColumnIsGivenByTheLongestPoint) {
  Matrix<float> a(3, 1);
  a(0, 0) = 1, a(1, 0) = -4, a(2, 0) = 2;
  const auto result = enclose(a);
  EXPECT_NEAR(result.largest * result.factor(0, 0) * result.factor(0, 0), 16, 1e-9);
}

TEST(EnclosingEllipsoid, IgnoresDuplicateAndZeroRows) {
  auto a = test::gaussian_matrix({.rows = 40, .cols = 3, .seed = 33});
  std::ranges::fill(a.row(5), 0.0F);
  for (Index i = 20; i < 40; ++i) std::ranges::copy(a.row(i - 20), a.row(i).begin());
  EXPECT_EQ(enclose(a).report.status, Status::converged);
}

TEST(EnclosingEllipsoid, StopsAtTheIterationLimitWithAValidCertificate) {
  const auto a = test::gaussian_matrix({.rows = 100, .cols = 6, .seed = 34});
  const auto result = enclosing_ellipsoid(DenseRows(a.view()), {.epsilon = 1e-10, .max_iterations = 5});
  EXPECT_EQ(result.report.status, Status::max_iterations);
  const auto kappa = leverages(a, result.weights);
  EXPECT_NEAR(*std::ranges::max_element(kappa), result.largest, 1e-9 * result.largest);
}

TEST(EnclosingEllipsoid, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 10000, .cols = 8, .seed = 35});
  const int before = num_threads();
  set_num_threads(1);
  const auto one = enclose(a, 1e-3);
  for (const int threads : {2, 8}) {
    set_num_threads(threads);
    EXPECT_EQ(one.weights, enclose(a, 1e-3).weights) << threads << " threads";
  }
  set_num_threads(before);
}

TEST(EnclosingEllipsoid, NamesTheRankOfADeficientMatrix) {
  const auto a = test::matrix_with_spectrum({.rows = 30, .cols = 5, .seed = 36}, {2.0, 1.0});
  Matrix<float> exact(30, 5);  // rank 2 without rounding: two columns of a, copied
  for (Index i = 0; i < 30; ++i) {
    for (Index j = 0; j < 5; ++j) exact(i, j) = a(i, j % 2);
  }
  try {
    (void)enclose(exact);
    FAIL() << "a matrix of rank 2 was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("rank 2"), std::string::npos) << error.what();
  }
  EXPECT_THROW((void)enclose(test::gaussian_matrix({.rows = 3, .cols = 5, .seed = 37})), InvalidArgument);
  EXPECT_THROW((void)enclose(a, 0), InvalidArgument);
}

}  // namespace
}  // namespace loewner::enclosing_ellipsoid_test
