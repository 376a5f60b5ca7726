// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_low_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/ellipsoid_search.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner::lp_low_rank_test {
namespace {

// The four kinds of data of the published comparison, with the distortions that its local search found for Lewis
// weights at p = 1.
struct Kind {
  const char* name;
  Matrix<float> a;
  double published_distortion;
};

std::vector<Kind> four_kinds(const test::Shape& shape) {
  std::vector<Kind> kinds;
  kinds.push_back({"Gaussian", test::gaussian_matrix(shape), 1.19});
  kinds.push_back({"entry outliers", test::low_rank_plus_entry_outliers(shape, 10, 0.1, 0.05, 10), 2.41});
  kinds.push_back({"row outliers", test::low_rank_plus_row_outliers(shape, 10, 0.1, 0.02, 20), 5.69});
  kinds.push_back({"Student t3", test::student_t_with_decay(shape, 3, 0.95), 1.45});
  return kinds;
}

LpLowRank fit(const Matrix<float>& a, Index rank, double p, std::span<const double> weights = {}) {
  return lp_low_rank(DenseRows(a.view()), {.rank = rank, .norm_exponent = p, .row_weights = weights});
}

double lp_error(const Matrix<float>& a, const LpLowRank& b, double p, const std::vector<double>& weights) {
  const auto product = test::product(b.left.view(), b.right.view());
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      sum += weights[i] * std::pow(std::abs(static_cast<double>(a(i, j)) - product(i, j)), p);
    }
  }
  return std::pow(sum, 1 / p);
}

Matrix<double> form_of(const LpFactorization& f) {  // F^T F
  Matrix<double> q(f.vt.cols(), f.vt.cols());
  for (Index i = 0; i < f.vt.rows(); ++i) {
    for (Index j = 0; j < f.vt.cols(); ++j) {
      for (Index l = 0; l < f.vt.cols(); ++l) q(j, l) += f.scales[i] * f.scales[i] * f.vt(i, j) * f.vt(i, l);
    }
  }
  return q;
}

TEST(LpFactorization, IsTheSingularValueDecompositionForTwo) {
  const auto a = test::matrix_with_spectrum({.rows = 200, .cols = 20, .seed = 1}, test::exponential_decay(20, 0.8));
  const auto f = lp_factorization(DenseRows(a.view()), {.norm_exponent = 2});
  const auto svd = truncated_svd(DenseRows(a.view()), {.rank = 20});
  EXPECT_EQ(f.distortion, 1);
  for (Index i = 0; i < 20; ++i) EXPECT_NEAR(f.scales[i], svd.singular_values[i], test::rounding_tolerance64(a.view()));
  EXPECT_LE(test::subspace_distance(f.basis(7), svd.vt.view().row_block(0, 7)), 1e-7);
}

TEST(LpFactorization, TendsToTheSingularValueDecompositionAsTheExponentTendsToTwo) {
  const auto a = test::matrix_with_spectrum({.rows = 200, .cols = 20, .seed = 2}, test::exponential_decay(20, 0.8));
  const auto two = lp_factorization(DenseRows(a.view()), {.norm_exponent = 2});
  for (const double p : {2 - 1e-6, 2 + 1e-6}) {
    const auto close = lp_factorization(DenseRows(a.view()), {.norm_exponent = p});
    for (Index i = 0; i < 20; ++i) EXPECT_NEAR(close.scales[i], two.scales[i], 1e-4 * two.scales[i]);
    EXPECT_LE(test::subspace_distance(close.basis(7), two.basis(7)), 1e-4);
  }
}

TEST(LpFactorization, NormsOfRandomAndAdversarialVectorsLieBetweenTheBounds) {
  for (const double p : {1.0, 1.5, 3.0, 6.0}) {
    for (const auto& kind : four_kinds({.rows = 300, .cols = 12, .seed = 3})) {
      const auto f = lp_factorization(DenseRows(kind.a.view()), {.norm_exponent = p});
      const auto range = test::EllipsoidSearch(kind.a, form_of(f), p).run(6, 25);
      EXPECT_GE(range.smallest, 1 - 1e-12) << kind.name << ", p = " << p;
      EXPECT_LE(range.largest, f.distortion * (1 + 1e-12)) << kind.name << ", p = " << p;
      EXPECT_LE(f.distortion, 1.06 * std::pow(12, std::abs(1 / p - 0.5))) << kind.name << ", p = " << p;
    }
  }
}

TEST(LpFactorization, DistortionIsAtMostThePublishedOneOnFourKindsOfData) {
  for (const auto& kind : four_kinds({.rows = 1000, .cols = 50, .seed = 4})) {
    const auto f = lp_factorization(DenseRows(kind.a.view()), {.norm_exponent = 1});
    const double found = test::EllipsoidSearch(kind.a, form_of(f), 1).run(3, 15).distortion();
    // Exact Lewis weights are unique, so a difference comes from the data, which are other draws of the same kinds.
    EXPECT_LE(found, 1.1 * kind.published_distortion) << kind.name;
    EXPECT_LE(f.distortion, 1.05 * std::sqrt(50.0)) << kind.name;
  }
}

TEST(LpFactorization, TruncatedFactorizationEqualsTheProjectionOfTheRows) {
  // U_k D_k V_k^T with U = A V D^-1, multiplied without the identity that the library uses.
  const auto a = test::student_t_with_decay({.rows = 100, .cols = 9, .seed = 5}, 3, 0.8);
  const auto f = lp_factorization(DenseRows(a.view()), {.norm_exponent = 1});
  const auto left = project_rows(DenseRows(a.view()), f.basis(4));
  Matrix<float> by_factors(100, 9), by_projection(100, 9);
  for (Index i = 0; i < 100; ++i) {
    for (Index k = 0; k < 4; ++k) {
      double u = 0;
      for (Index j = 0; j < 9; ++j) u += a(i, j) * f.vt(k, j) / f.scales[k];
      for (Index j = 0; j < 9; ++j) {
        by_factors(i, j) += static_cast<float>(u * f.scales[k] * f.vt(k, j));
        by_projection(i, j) += static_cast<float>(left(i, k) * f.vt(k, j));
      }
    }
  }
  EXPECT_LE(test::frobenius_distance(by_factors.view(), by_projection.view()), test::rounding_tolerance(a.view()));
}

class LpLowRankFor : public testing::TestWithParam<double> {};

TEST_P(LpLowRankFor, ErrorLiesBetweenItsBounds) {
  const double p = GetParam();
  std::vector<double> ones(300, 1.0), zipf(300);
  for (Index i = 0; i < 300; ++i) zipf[i] = 1.0 / static_cast<double>(1 + i);
  for (const auto& kind : four_kinds({.rows = 300, .cols = 20, .seed = 6})) {
    for (const Index k : {1, 8, 19}) {
      for (const auto* weights : {&ones, &zipf}) {
        const auto result = fit(kind.a, k, p, weights == &ones ? std::span<const double>{} : *weights);
        EXPECT_NEAR(result.error, lp_error(kind.a, result, p, *weights), 1e-5 * result.error) << kind.name;
        EXPECT_LE(result.lower_bound, result.error * (1 + 1e-5)) << kind.name << ", k = " << k;
        EXPECT_GE(result.upper_bound, result.error * (1 - 1e-5)) << kind.name << ", k = " << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Exponents, LpLowRankFor, testing::Values(1.0, 1.4, 2.0, 3.0, 6.0));

TEST(LpLowRank, BoundWithoutTheDistortionIsViolated) {  // negative control of the bound
  // With c = 1 the left inequality makes the bound a lower one, which gross entries violate.
  const auto a = test::low_rank_plus_entry_outliers({.rows = 300, .cols = 20, .seed = 7}, 5, 0.1, 0.05, 10);
  const auto f = lp_factorization(DenseRows(a.view()), {.norm_exponent = 1});
  const auto result = fit(a, 5, 1);
  EXPECT_LT(f.error_bound(5) / f.distortion, result.error);
}

TEST(LpLowRank, ForTwoIsTheTruncatedSvd) {
  const auto a = test::matrix_with_spectrum({.rows = 150, .cols = 30, .seed = 8}, test::exponential_decay(30, 0.9));
  const auto result = fit(a, 10, 2);
  const auto svd = truncated_svd(DenseRows(a.view()), {.rank = 10});
  double tail = 0;
  for (Index i = 10; i < 30; ++i) tail += svd.singular_values[i] * svd.singular_values[i];
  EXPECT_NEAR(result.error, std::sqrt(tail), test::rounding_tolerance(a.view()));
  EXPECT_NEAR(result.lower_bound, result.error, test::rounding_tolerance(a.view()));
  EXPECT_NEAR(result.upper_bound, result.error, test::rounding_tolerance(a.view()));
}

TEST(LpLowRank, BeatsTheSvdIfRowsAreOutliers) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 1000, .cols = 50, .seed = 9}, 10, 0.1, 0.02, 20);
  const std::vector<double> ones(1000, 1.0);
  const double by_lewis = fit(a, 20, 1).error, by_svd = lp_error(a, fit(a, 20, 2), 1, ones);
  EXPECT_LE(by_lewis, 0.75 * by_svd);
}

TEST(LpLowRank, LpProjectionOfTheRowsNeverIncreasesTheError) {
  for (const auto& kind : four_kinds({.rows = 200, .cols = 20, .seed = 10})) {
    LpLowRankOptions options{.rank = 8, .norm_exponent = 1};
    const auto orthogonal = lp_low_rank(DenseRows(kind.a.view()), options);
    options.row_projection = RowProjection::lp;
    const auto lp = lp_low_rank(DenseRows(kind.a.view()), options);
    EXPECT_LT(lp.error, orthogonal.error) << kind.name;
    EXPECT_LE(lp.lower_bound, lp.error) << kind.name;
  }
}

TEST(LpLowRank, FactorsOfTheTransposeAreTransposed) {
  const auto a = test::student_t_with_decay({.rows = 80, .cols = 25, .seed = 11}, 3, 0.9);
  Matrix<float> flipped(25, 80);
  for (Index i = 0; i < 80; ++i) {
    for (Index j = 0; j < 25; ++j) flipped(j, i) = a(i, j);
  }
  const auto tall = fit(a, 6, 1), wide = fit(flipped, 6, 1);
  EXPECT_EQ(wide.left.rows(), 25);
  EXPECT_EQ(wide.right.cols(), 80);
  EXPECT_EQ(wide.error, tall.error);
  EXPECT_NEAR(lp_error(flipped, wide, 1, std::vector<double>(25, 1.0)), tall.error, 1e-5 * tall.error);
}

TEST(LpLowRank, FollowsScalingPermutationsAndSigns) {
  const auto a = test::student_t_with_decay({.rows = 120, .cols = 15, .seed = 12}, 3, 0.9);
  Matrix<float> moved(120, 15);
  for (Index i = 0; i < 120; ++i) {
    for (Index j = 0; j < 15; ++j) {
      const float sign = (i % 3 == 0) != (j % 2 == 0) ? -1.0F : 1.0F;
      moved((i * 7 + 2) % 120, (j * 4 + 1) % 15) = 8 * sign * a(i, j);
    }
  }
  for (const double p : {1.0, 1.5, 4.0}) {
    const auto plain = fit(a, 6, p), image = fit(moved, 6, p);
    EXPECT_NEAR(image.error, 8 * plain.error, 1e-4 * image.error) << "p = " << p;
    EXPECT_NEAR(image.upper_bound, 8 * plain.upper_bound, 1e-3 * image.upper_bound) << "p = " << p;
  }
}

TEST(LpLowRank, DegenerateMatricesHaveFiniteFactorsAndTheErrorOfTheirRank) {
  auto huge_row = test::gaussian_matrix({.rows = 60, .cols = 8, .seed = 13});
  for (float& x : huge_row.row(5)) x *= 1e6F;
  auto with_zeros = test::gaussian_matrix({.rows = 60, .cols = 8, .seed = 14});
  for (float& x : with_zeros.row(9)) x = 0;
  for (Index i = 0; i < 60; ++i) with_zeros(i, 3) = 0;
  const auto rank_one = test::matrix_with_spectrum({.rows = 60, .cols = 8, .seed = 15}, {1.0});
  for (const double p : {1.0, 3.0}) {
    for (const auto* a : std::initializer_list<const Matrix<float>*>{&huge_row, &with_zeros, &rank_one}) {
      const auto result = fit(*a, 4, p);
      EXPECT_TRUE(std::isfinite(result.error) && std::isfinite(result.upper_bound)) << "p = " << p;
      EXPECT_LE(result.error, fit(*a, 1, p).error + test::rounding_tolerance(a->view()));
    }
    EXPECT_LE(fit(rank_one, 1, p).error, 60 * test::rounding_tolerance(rank_one.view()));
    EXPECT_EQ(fit(Matrix<float>(7, 3), 2, p).error, 0);
    for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 6}, {6, 1}, {1, 1}}) {
      const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 16});
      EXPECT_LE(fit(a, 1, p).error, 60 * test::rounding_tolerance(a.view()));
    }
  }
}

TEST(LpLowRank, WideMatrixWithRowWeightsKeepsItsOrientation) {
  const auto a = test::gaussian_matrix({.rows = 8, .cols = 30, .seed = 17});
  std::vector<double> u(8);
  for (Index i = 0; i < 8; ++i) u[i] = 1.0 / static_cast<double>(1 + i);
  const auto result = fit(a, 3, 1, u);
  EXPECT_EQ(result.left.rows(), 8);
  EXPECT_NEAR(result.error, lp_error(a, result, 1, u), 1e-5 * result.error);
  EXPECT_GE(result.upper_bound, result.error);
  EXPECT_LE(result.lower_bound, result.error);
}

TEST(LpLowRank, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 6000, .cols = 60, .seed = 18});
  const auto run = [&](int threads) {
    const test::ThreadCount scope(threads);
    const auto result = fit(a, 20, 1);
    std::vector<double> bits(result.left.data(), result.left.data() + 6000 * 20);
    bits.insert(bits.end(), {result.error, result.upper_bound, result.lower_bound, result.distortion});
    return bits;
  };
  const auto one = run(1);
  EXPECT_EQ(one, run(2));
  EXPECT_EQ(one, run(8));
}

TEST(LpLowRank, RejectsRanksOutsideTheMatrix) {
  const auto a = test::gaussian_matrix({.rows = 10, .cols = 5, .seed = 19});
  EXPECT_THROW((void)fit(a, 0, 1), InvalidArgument);
  EXPECT_THROW((void)fit(a, 6, 1), InvalidArgument);
  EXPECT_THROW((void)fit(a, 2, 0.5), InvalidArgument);
  const auto f = lp_factorization(DenseRows(a.view()));
  EXPECT_THROW((void)f.basis(6), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lp_low_rank_test
