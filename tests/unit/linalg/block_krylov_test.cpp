// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/krylov_svd.hpp"
#include "support/matrices.hpp"
#include "support/operators.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner::block_krylov_test {
namespace {

TEST(BlockKrylov, FindsThePrescribedSpectrumAndItsVectors) {
  const auto spectrum = test::exponential_decay(40, 0.8);
  const auto a = test::matrix_with_spectrum({.rows = 120, .cols = 60, .seed = 1}, spectrum);
  const auto svd = test::krylov(a, {.rank = 12, .eps = 1e-6});
  const auto exact = truncated_svd(DenseRows(a.view()), {.rank = 12, .route = SvdRoute::direct});
  EXPECT_EQ(svd.status, Status::converged);
  for (Index i = 0; i < 12; ++i) EXPECT_NEAR(svd.singular_values[i], spectrum[i], test::rounding_tolerance(a.view()));
  EXPECT_LE(test::subspace_distance(svd.vt.view(), exact.vt.view()),
            1e-3);  // an excess of eps is an angle of sqrt(eps)
  test::expect_orthonormal(svd);
}

TEST(BlockKrylov, UAndSigmaAreTheImageOfV) {
  const auto a = test::gaussian_matrix({.rows = 90, .cols = 50, .seed = 2});
  const auto svd = test::krylov(a, {.rank = 7});
  const auto v = test::transposed(svd.vt);
  Matrix<double> image(90, 7);
  MatrixOperator(a.view()).apply(v.view(), image.view());
  for (Index i = 0; i < 90; ++i) {
    for (Index j = 0; j < 7; ++j) {
      EXPECT_NEAR(image(i, j), svd.singular_values[j] * svd.u(i, j), test::rounding_tolerance64(a.view()));
    }
  }
}

TEST(BlockKrylov, SingularValuesNeverExceedThoseOfTheMatrixAndGrowWithTheSteps) {
  const test::DiagonalOperator a(150, 100, test::exponential_decay(100, 0.97));
  std::vector<double> before(6, 0.0);
  for (Index steps = 1; steps <= 6; ++steps) {
    const auto svd = block_krylov(a, {.rank = 6, .block = 3, .steps = steps});
    for (Index i = 0; i < 6; ++i) {
      EXPECT_LE(svd.singular_values[i], a.spectrum()[i] + 1e-13);
      EXPECT_GE(svd.singular_values[i], before[i] - 1e-13);
    }
    before = svd.singular_values;
  }
}

TEST(BlockKrylov, ResidualNormIsTheNormOfTheResidual) {
  const auto a = test::gaussian_matrix({.rows = 80, .cols = 60, .seed = 3});
  const auto svd = test::krylov(a, {.rank = 9});
  const auto vt = detail::narrowed(svd.vt.view());
  Matrix<float> left(80, 9);
  for (Index i = 0; i < 80; ++i) {
    for (Index j = 0; j < 9; ++j) left(i, j) = static_cast<float>(svd.u(i, j) * svd.singular_values[j]);
  }
  const auto b = test::product(left.view(), vt.view());
  EXPECT_NEAR(svd.residual_norm, test::frobenius_distance(a.view(), b.view()), test::rounding_tolerance(a.view()));
}

TEST(BlockKrylov, FullRankIsTheWholeSvd) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{12, 12}, {30, 9}, {9, 30}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 4});
    const Index k = std::min(rows, cols);
    const auto svd = test::krylov(a, {.rank = k});
    const auto exact = test::singular_values(detail::widened(a.view()));
    for (Index i = 0; i < k; ++i) EXPECT_NEAR(svd.singular_values[i], exact[i], test::rounding_tolerance64(a.view()));
    EXPECT_LE(svd.residual_norm, test::rounding_tolerance64(a.view()));
    test::expect_orthonormal(svd);
  }
}

TEST(BlockKrylov, AcceptsMatricesOfOneRowOneColumnAndOneEntry) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {1, 50}, {50, 1}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 5});
    const auto svd = test::krylov(a, {.rank = 1});
    EXPECT_NEAR(svd.singular_values[0], test::frobenius_norm(a.view()), test::rounding_tolerance64(a.view()));
    test::expect_orthonormal(svd);
  }
}

TEST(BlockKrylov, SingularValuesBeyondTheRankAreZeroWithOrthonormalVectors) {
  const test::DiagonalOperator a(60, 40, {4, 3, 2, 1, 0.5});
  const auto svd = block_krylov(a, {.rank = 8});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_EQ(svd.numerical_rank, 5);
  for (Index i = 5; i < 8; ++i) EXPECT_LE(svd.singular_values[i], 1e-13);
  EXPECT_LE(svd.residual_norm, 1e-12);
  test::expect_orthonormal(svd);
}

TEST(BlockKrylov, ZeroMatrixHasZeroSpectrumAndFiniteVectors) {
  const Matrix<float> a(30, 20);
  const auto svd = test::krylov(a, {.rank = 3});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_EQ(svd.singular_values, std::vector<double>(3, 0.0));
  EXPECT_EQ(svd.numerical_rank, 0);
  EXPECT_EQ(svd.residual_norm, 0);
  test::expect_orthonormal(svd);
}

TEST(BlockKrylov, ScalingTheMatrixScalesTheResultOnly) {
  const auto spectrum = test::exponential_decay(60, 0.9);
  const auto plain = block_krylov(test::DiagonalOperator(60, 60, spectrum), {.rank = 5});
  for (const double scale : {0x1.0p-60, 0x1.0p+60}) {
    auto scaled = spectrum;
    for (double& value : scaled) value *= scale;
    const auto svd = block_krylov(test::DiagonalOperator(60, 60, scaled), {.rank = 5});
    EXPECT_TRUE(test::same_bits(svd.vt, plain.vt));
    EXPECT_EQ(svd.products, plain.products);
    EXPECT_EQ(svd.singular_values[4], scale * plain.singular_values[4]);
  }
}

TEST(BlockKrylov, SparseRowsGiveTheSubspaceOfTheDenseMatrix) {
  Matrix<double> dense(200, 50);
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  RandomStream random(7, RandomPurpose::test_data);
  for (Index i = 0; i < 200; ++i) {
    for (Index j = 0; j < 50; ++j) {
      if (random.uniform() >= 0.1) continue;
      dense(i, j) = random.normal() / static_cast<double>(1 + j);
      columns.push_back(static_cast<std::int32_t>(j));
      values.push_back(dense(i, j));
    }
    offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  const auto sparse =
      block_krylov(MatrixOperator(CsrView<double>::checked(50, offsets, columns, values)), {.rank = 4, .eps = 1e-8});
  const auto full = block_krylov(MatrixOperator(MatrixView<const double>(dense.view())), {.rank = 4, .eps = 1e-8});
  EXPECT_LE(test::subspace_distance(sparse.vt.view(), full.vt.view()), 1e-6);
}

TEST(BlockKrylov, SameSeedGivesTheSameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 60, .seed = 8});
  const auto svd_with = [&](int threads, std::uint64_t seed) {
    const test::ThreadCount scope(threads);
    return test::krylov(a, {.rank = 6, .seed = seed});
  };
  const auto one = svd_with(1, 1);
  for (const int threads : {1, 2, 8}) EXPECT_TRUE(test::same_bits(one, svd_with(threads, 1))) << threads << " threads";
  EXPECT_FALSE(test::same_bits(one, svd_with(1, 2)));
}

}  // namespace
}  // namespace loewner::block_krylov_test
