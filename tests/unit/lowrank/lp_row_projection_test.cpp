// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_row_projection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "loewner/base/error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner::lp_row_projection_test {
namespace {

LpRowProjection project(const Matrix<float>& a, const Matrix<float>& right, double p) {
  return lp_row_projection(DenseRows(a.view()), right.view(), {.norm_exponent = p});
}

Matrix<float> projected(const Matrix<float>& a, const Matrix<float>& right, double p) {
  const auto fit = project(a, right, p);
  return test::product(fit.left.view(), right.view());
}

double row_error(const Matrix<float>& a, const Matrix<float>& b, Index i, double p) {
  double sum = 0;
  for (Index j = 0; j < a.cols(); ++j) sum += std::pow(std::abs(static_cast<double>(a(i, j)) - b(i, j)), p);
  return sum;
}

// min over z of sum_j |a_j - z r_j|, at the best breakpoint a_j / r_j.
double best_multiple(std::span<const float> a, std::span<const float> r) {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t candidate = 0; candidate < a.size(); ++candidate) {
    const double z = static_cast<double>(a[candidate]) / r[candidate];
    double sum = 0;
    for (std::size_t j = 0; j < a.size(); ++j) sum += std::abs(a[j] - z * r[j]);
    best = std::min(best, sum);
  }
  return best;
}

TEST(LpRowProjection, ForTwoIsTheOrthogonalProjection) {
  const auto a = test::gaussian_matrix({.rows = 50, .cols = 12, .seed = 1});
  const auto right = test::gaussian_matrix({.rows = 4, .cols = 12, .seed = 2});
  const auto b = projected(a, right, 2);
  for (Index i = 0; i < 50; ++i) {  // the residual is orthogonal to the rows of right
    for (Index k = 0; k < 4; ++k) {
      double dot = 0;
      for (Index j = 0; j < 12; ++j) dot += (static_cast<double>(a(i, j)) - b(i, j)) * right(k, j);
      EXPECT_NEAR(dot, 0, test::rounding_tolerance(a.view()));
    }
  }
}

TEST(LpRowProjection, OnALineIsTheWeightedMedian) {
  const auto a = test::gaussian_matrix({.rows = 40, .cols = 15, .seed = 3});
  const auto right = test::gaussian_matrix({.rows = 1, .cols = 15, .seed = 4});
  const auto quick = projected(a, right, 1);
  const auto fit = lp_row_projection(DenseRows(a.view()), right.view(), {.max_iterations = 200, .tolerance = 1e-12});
  const auto slow = test::product(fit.left.view(), right.view());
  for (Index i = 0; i < 40; ++i) {
    const double best = best_multiple(a.row(i), right.row(0));
    EXPECT_LE(row_error(a, quick, i, 1), 1.01 * best) << "row " << i;
    EXPECT_LE(row_error(a, slow, i, 1), (1 + 1e-4) * best) << "row " << i;
  }
}

TEST(LpRowProjection, SatisfiesTheFirstOrderConditionsByEitherSystem) {
  const auto a = test::gaussian_matrix({.rows = 30, .cols = 20, .seed = 5});
  for (const Index k : {3, 15}) {  // coefficients are fewer; free residuals are fewer
    const auto right = test::gaussian_matrix({.rows = k, .cols = 20, .seed = 6});
    for (const double p : {1.5, 3.0}) {
      const auto fit = lp_row_projection(DenseRows(a.view()), right.view(),
                                         {.norm_exponent = p, .max_iterations = 200, .tolerance = 1e-12});
      const auto b = test::product(fit.left.view(), right.view());
      for (Index i = 0; i < 30; ++i) {
        double slope_norm = 0, terms = 0;
        for (Index c = 0; c < k; ++c) {
          double slope = 0;
          for (Index j = 0; j < 20; ++j) {
            const double r = static_cast<double>(a(i, j)) - b(i, j);
            slope += std::copysign(std::pow(std::abs(r), p - 1), r) * right(c, j);
            terms += std::pow(std::abs(r), p - 1) * std::abs(right(c, j));
          }
          slope_norm += std::abs(slope);
        }
        EXPECT_LE(slope_norm, 0.02 * terms) << "k = " << k << ", p = " << p << ", row " << i;
      }
    }
  }
}

TEST(LpRowProjection, RecoversRowsWithGrossErrorsAndTheOrthogonalProjectionDoesNot) {
  const auto left = test::gaussian_matrix({.rows = 40, .cols = 3, .seed = 7});
  const auto right = test::gaussian_matrix({.rows = 3, .cols = 40, .seed = 8});
  const auto truth = test::product(left.view(), right.view());
  Matrix<float> a = truth.clone();
  for (Index i = 0; i < 40; ++i) {
    for (Index hit = 0; hit < 4; ++hit) a(i, (7 * i + 11 * hit) % 40) += 100;
  }
  const auto by_l1 = projected(a, right, 1);
  const auto by_l2 = projected(a, right, 2);
  EXPECT_LE(test::frobenius_distance(by_l1.view(), truth.view()), 1e-3 * test::frobenius_norm(truth.view()));
  EXPECT_GE(test::frobenius_distance(by_l2.view(), truth.view()), test::frobenius_norm(truth.view()));
}

TEST(LpRowProjection, NoRowIsWorseThanItsOrthogonalProjection) {
  const auto a = test::student_t_with_decay({.rows = 100, .cols = 16, .seed = 9}, 2, 0.9);
  for (const Index k : {2, 8, 13, 16}) {
    const auto right = test::gaussian_matrix({.rows = k, .cols = 16, .seed = 10});
    const auto start = projected(a, right, 2);
    for (const double p : {1.0, 1.3, 3.0, 8.0}) {
      const auto fit = project(a, right, p);
      const auto b = test::product(fit.left.view(), right.view());
      EXPECT_LE(fit.report.final_objective, fit.report.initial_objective);
      for (Index i = 0; i < 100; ++i) {
        const double slack = p * std::pow(test::rounding_tolerance(a.view()), std::min(p, 2.0));
        EXPECT_LE(row_error(a, b, i, p), row_error(a, start, i, p) * (1 + 1e-4) + slack)
            << "k = " << k << ", p = " << p;
      }
    }
  }
}

TEST(LpRowProjection, ObjectiveNeverIncreasesFromStepToStep) {
  const auto a = test::student_t_with_decay({.rows = 1, .cols = 30, .seed = 19}, 1, 1);
  for (const Index k : {4, 24}) {
    const auto right = test::gaussian_matrix({.rows = k, .cols = 30, .seed = 20});
    for (const double p : {1.0, 1.5, 8.0, 20.0}) {
      double before = std::numeric_limits<double>::infinity();
      for (int steps = 0; steps <= 25; ++steps) {
        const auto fit = lp_row_projection(DenseRows(a.view()), right.view(),
                                           {.norm_exponent = p, .max_iterations = steps, .tolerance = 0});
        EXPECT_LE(fit.report.final_objective, before * (1 + 1e-12)) << "p = " << p << ", step " << steps;
        before = fit.report.final_objective;
      }
    }
  }
}

TEST(LpRowProjection, ScalesWithTheRows) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 10, .seed = 11});
  const auto right = test::gaussian_matrix({.rows = 4, .cols = 10, .seed = 12});
  Matrix<float> scaled = a.clone();
  for (Index i = 0; i < 200; ++i) scaled.data()[i] *= 0x1p-80F;
  for (const double p : {1.0, 3.0, 10.0}) {
    const auto left = project(a, right, p).left, left_scaled = project(scaled, right, p).left;
    for (Index i = 0; i < 80; ++i) EXPECT_NEAR(left_scaled.data()[i] * 0x1p80, left.data()[i], 1e-4);
  }
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { project(scaled, right, 20); }), "the objective underflows");
}

TEST(LpRowProjection, AcceptsDependentRowsOfTheRightFactor) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 10, .seed = 13});
  const auto independent = test::gaussian_matrix({.rows = 2, .cols = 10, .seed = 14});
  Matrix<float> right(4, 10);  // rows 0, 1, 0 and a zero row
  for (const Index i : {0, 1, 2}) std::ranges::copy(independent.row(i % 2), right.row(i).begin());
  const auto b = projected(a, right, 1);
  const auto expected = projected(a, independent, 1);
  EXPECT_LE(test::frobenius_distance(b.view(), expected.view()), 1e-3 * test::frobenius_norm(expected.view()));
}

TEST(LpRowProjection, DegenerateShapesAndRowsGiveFiniteFactors) {
  Matrix<float> a(5, 6);  // zero rows but one
  a(2, 3) = 1e30F;
  for (const Index k : {0, 1, 6}) {
    const auto right = test::gaussian_matrix({.rows = k, .cols = 6, .seed = 15});
    const auto fit = project(a, right, 1);
    ASSERT_EQ(fit.left.cols(), k);
    for (Index i = 0; i < 5 * k; ++i) EXPECT_TRUE(std::isfinite(fit.left.data()[i]));
  }
  EXPECT_EQ(project(Matrix<float>(3, 1), Matrix<float>(1, 1), 1).report.final_objective, 0);
}

TEST(LpRowProjection, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 40, .seed = 16});
  const auto right = test::gaussian_matrix({.rows = 5, .cols = 40, .seed = 17});
  const auto run = [&](int threads) {
    const test::ThreadCount scope(threads);
    const auto fit = lp_row_projection(DenseRows(a.view()), right.view(), {.norm_exponent = 1, .max_iterations = 3});
    std::vector<double> bits(fit.left.data(), fit.left.data() + 9000 * 5);
    bits.push_back(fit.report.final_objective);
    return bits;
  };
  const auto one = run(1);
  EXPECT_EQ(one, run(2));
  EXPECT_EQ(one, run(8));
}

TEST(LpRowProjection, RejectsBadOptionsAndFactors) {
  const auto a = test::gaussian_matrix({.rows = 5, .cols = 4, .seed = 18});
  EXPECT_THROW((void)project(a, Matrix<float>(2, 3), 1), InvalidArgument);
  EXPECT_THROW((void)project(a, Matrix<float>(5, 4), 1), InvalidArgument);
  EXPECT_THROW((void)project(a, Matrix<float>(2, 4), 0.5), InvalidArgument);
  Matrix<float> infinite(2, 4);
  infinite(1, 1) = std::numeric_limits<float>::infinity();
  EXPECT_THROW((void)project(a, infinite, 1), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lp_row_projection_test
