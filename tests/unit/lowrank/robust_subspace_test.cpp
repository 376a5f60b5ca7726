// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/robust_subspace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loewner/base/parallel.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/matrices.hpp"

namespace loewner::robust_subspace_test {
namespace {

const std::vector<double> kPlantedSpectrum{60, 55, 50};

RobustSubspace fit(const Matrix<float>& a, Index rank, Loss loss, int max_iterations = 100) {
  return robust_subspace(DenseRows(a.view()), {.rank = rank, .loss = loss, .max_iterations = max_iterations});
}

Matrix<double> svd_basis(const Matrix<float>& a, Index rank) {
  return truncated_svd(DenseRows(a.view()), {.rank = rank}).vt;
}

struct Planted {
  Matrix<float> a;
  Matrix<double> vt;  // of the rows that are not outliers
};

// 270 rows of rank 3 and 30 long rows in one other direction, which dominates the truncated SVD.
Planted planted_subspace_with_outliers() {
  Planted planted{.a = test::matrix_with_spectrum({.rows = 300, .cols = 12, .seed = 11}, kPlantedSpectrum), .vt = {}};
  planted.vt = svd_basis(planted.a, 3);
  const auto noise = test::gaussian_matrix({.rows = 300, .cols = 12, .seed = 12});
  for (Index i = 0; i < 300; i += 10) {
    for (Index j = 0; j < 12; ++j) planted.a(i, j) = 0.3F * noise(i, j) + (j % 2 == 0 ? 3.5F : -3.5F);
  }
  return planted;
}

TEST(RobustSubspace, RecoversAPlantedSubspaceWithTenPercentOutlierRows) {
  const Planted planted = planted_subspace_with_outliers();
  const auto result = fit(planted.a, 3, Loss::power(1, 1e-6));
  EXPECT_LE(test::subspace_distance(result.vt.view(), planted.vt.view()), 1e-4);
  EXPECT_LE(test::orthonormality_error(result.vt.view()), 1e-12);
}

TEST(RobustSubspace, TheTruncatedSvdMissesThePlantedSubspace) {  // negative control
  const Planted planted = planted_subspace_with_outliers();
  const Matrix<double> vt = svd_basis(planted.a, 3);
  EXPECT_GE(test::subspace_distance(vt.view(), planted.vt.view()), 1.0);
}

TEST(RobustSubspace, BoundedLossesRecoverThePlantedSubspaceToo) {
  const Planted planted = planted_subspace_with_outliers();
  for (const Loss& loss : {Loss::huber(1e-3), Loss::geman_mcclure(1.0), Loss::tukey(4.0)}) {
    const auto result = fit(planted.a, 3, loss, 500);
    EXPECT_LE(test::subspace_distance(result.vt.view(), planted.vt.view()), 1e-2);
  }
}

TEST(RobustSubspace, SquaredLossIsTheTruncatedSvd) {
  const auto a = test::gaussian_matrix({.rows = 200, .cols = 15, .seed = 13});
  const auto result = fit(a, 5, Loss::power(2, 0));
  const Matrix<double> svd = svd_basis(a, 5);
  EXPECT_LE(test::subspace_distance(result.vt.view(), svd.view()), 1e-6);
  EXPECT_EQ(result.report.status, Status::converged);
}

TEST(RobustSubspace, ObjectiveNeverIncreasesFromStepToStep) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 300, .cols = 20, .seed = 14}, 4, 0.1, 0.05, 8);
  for (const Loss& loss : {Loss::power(1, 1e-3), Loss::power(1.5, 1e-3), Loss::power(3, 0), Loss::huber(0.2),
                           Loss::geman_mcclure(1), Loss::tukey(4)}) {
    double previous = fit(a, 4, loss, 0).report.final_objective;
    const double start = previous;
    for (int steps = 1; steps <= 8; ++steps) {
      const double objective = fit(a, 4, loss, steps).report.final_objective;
      EXPECT_LE(objective, previous);
      previous = objective;
    }
    EXPECT_LT(previous, start);
  }
}

TEST(RobustSubspace, ReportedObjectiveIsThatOfTheReturnedBasis) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 200, .cols = 10, .seed = 15}, 3, 0.1, 0.05, 8);
  const Loss loss = Loss::power(1.3, 1e-4);
  const auto result = fit(a, 3, loss);
  double objective = 0;
  for (const double r : distances_to_subspace(DenseRows(a.view()), result.vt.view())) objective += loss.value(r);
  EXPECT_NEAR(objective, result.report.final_objective, 1e-12 * objective);
}

TEST(RobustSubspace, WeightsEqualRepeatedRows) {
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 8, .seed = 16});
  Matrix<float> repeated(90, 8);
  std::vector<double> weights(60, 1.0);
  for (Index i = 0; i < 60; ++i) std::ranges::copy(a.row(i), repeated.row(i).begin());
  for (Index i = 0; i < 30; ++i) {
    weights[i] = 2;
    std::ranges::copy(a.row(i), repeated.row(60 + i).begin());
  }
  const RobustSubspaceOptions options{.rank = 3, .loss = Loss::power(1, 1e-3), .row_weights = weights};
  const auto weighted = robust_subspace(DenseRows(a.view()), options);
  const auto plain = fit(repeated, 3, Loss::power(1, 1e-3), options.max_iterations);
  EXPECT_LE(test::subspace_distance(weighted.vt.view(), plain.vt.view()), 1e-6);
}

TEST(RobustSubspace, FollowsRotationsAndIgnoresScaling) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 250, .cols = 10, .seed = 17}, 3, 0.1, 0.05, 8);
  const Matrix<double> rotation =
      svd_basis(test::gaussian_matrix({.rows = 40, .cols = 10, .seed = 18}), 10);  // 10 x 10, orthogonal
  Matrix<float> turned(250, 10);
  for (Index i = 0; i < 250; ++i) {
    for (Index j = 0; j < 10; ++j) {
      double sum = 0;
      for (Index k = 0; k < 10; ++k) sum += 4.0 * a(i, k) * rotation(j, k);
      turned(i, j) = static_cast<float>(sum);
    }
  }
  const auto original = fit(a, 3, Loss::power(1, 1e-3)), image = fit(turned, 3, Loss::power(1, 4e-3));
  Matrix<double> expected(3, 10);
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 10; ++j) {
      for (Index k = 0; k < 10; ++k) expected(i, j) += original.vt(i, k) * rotation(j, k);
    }
  }
  EXPECT_LE(test::subspace_distance(image.vt.view(), expected.view()), 1e-4);  // float32 rounding of the turned rows
  EXPECT_NEAR(image.report.final_objective, 4 * original.report.final_objective, 1e-5 * image.report.final_objective);
}

TEST(RobustSubspace, SameBitsForAnyNumberOfThreads) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 12000, .cols = 40, .seed = 19}, 5, 0.1, 0.02, 8);
  const int before = num_threads();
  set_num_threads(1);
  const auto one = fit(a, 5, Loss::power(1, 1e-4), 5);
  for (const int threads : {2, 8}) {
    set_num_threads(threads);
    const auto many = fit(a, 5, Loss::power(1, 1e-4), 5);
    EXPECT_TRUE(std::equal(one.vt.data(), one.vt.data() + 5 * 40, many.vt.data())) << threads << " threads";
  }
  set_num_threads(before);
}

TEST(RobustSubspace, DegenerateInputGivesAFiniteBasis) {
  const Matrix<float> zeros(20, 6);
  const auto of_zeros = fit(zeros, 2, Loss::power(1, 1e-6));
  EXPECT_LE(test::orthonormality_error(of_zeros.vt.view()), 1e-12);
  auto huge_row = test::gaussian_matrix({.rows = 50, .cols = 6, .seed = 20});
  for (float& x : huge_row.row(7)) x *= 1e12F;
  const auto of_huge_row = fit(huge_row, 2, Loss::power(1, 1e-6));
  EXPECT_LE(test::orthonormality_error(of_huge_row.vt.view()), 1e-12);
  const auto wide = test::gaussian_matrix({.rows = 4, .cols = 9, .seed = 21});
  EXPECT_EQ(fit(wide, 2, Loss::power(3, 0)).vt.cols(), 9);
  const auto exact = test::matrix_with_spectrum({.rows = 40, .cols = 6, .seed = 22}, {1.0, 0.5});
  EXPECT_LE(fit(exact, 2, Loss::power(4, 0)).report.final_objective, 1e-20);
}

TEST(RobustSubspace, AScaleBelowAllDistancesIsABreakdownThatReturnsTheSvd) {
  const auto a = test::gaussian_matrix({.rows = 100, .cols = 10, .seed = 23});
  const auto result = fit(a, 2, Loss::tukey(1e-3));
  const Matrix<double> svd = svd_basis(a, 2);
  EXPECT_EQ(result.report.status, Status::breakdown);
  EXPECT_LE(test::subspace_distance(result.vt.view(), svd.view()), 1e-12);
}

TEST(RobustSubspace, RejectsBadRankAndNonFiniteEntries) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 5, .seed = 24});
  EXPECT_THROW((void)fit(a, 0, Loss::huber(1)), InvalidArgument);
  EXPECT_THROW((void)fit(a, 6, Loss::huber(1)), InvalidArgument);
  a(3, 3) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)fit(a, 2, Loss::huber(1)), InvalidArgument);
}

TEST(DistancesToSubspace, DoNotCancelForRowsInTheSubspace) {
  const Matrix<double> axes = [] {
    Matrix<double> vt(2, 5);
    vt(0, 0) = vt(1, 1) = 1;
    return vt;
  }();
  Matrix<float> a(3, 5);
  a(0, 0) = 1e4F, a(0, 2) = 1e-4F;  // 1e8 + 1e-8 has no digit of 1e-8
  a(1, 1) = 3;
  a(2, 3) = 3, a(2, 4) = 4;
  const auto distances = distances_to_subspace(DenseRows(a.view()), axes.view());
  EXPECT_NEAR(distances[0], static_cast<double>(1e-4F), 1e-12);
  EXPECT_EQ(distances[1], 0);
  EXPECT_DOUBLE_EQ(distances[2], 5);
}

}  // namespace
}  // namespace loewner::robust_subspace_test
