// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "loewner/linalg/matrix_operator.hpp"
#include "support/krylov_svd.hpp"
#include "support/matrices.hpp"
#include "support/tolerance.hpp"

namespace loewner::block_krylov_float32_test {
namespace {

KrylovSvd stored_krylov(const Matrix<float>& a, const BlockKrylovOptions& options) {
  return block_krylov(RowMatrix(a.view()), options);
}

double error_ratio(const Matrix<float>& a, const KrylovSvd& svd, std::span<const double> spectrum) {
  double all = 0, kept = 0, best = 0;
  const Matrix<double> v = test::transposed(svd.vt);
  Matrix<double> image(a.rows(), v.cols());
  MatrixOperator(a.view()).apply(v.view(), image.view());
  for (Index i = 0; i < image.rows() * image.cols(); ++i) kept += image.data()[i] * image.data()[i];
  for (std::size_t i = 0; i < spectrum.size(); ++i) {
    all += spectrum[i] * spectrum[i];
    if (static_cast<Index>(i) >= svd.vt.rows()) best += spectrum[i] * spectrum[i];
  }
  return std::sqrt((all - kept) / best);
}

TEST(BlockKrylov, Float32ProductsSufficeForLargeResiduals) {
  std::vector<double> power(150), equal(150, 0.2);
  for (std::size_t i = 0; i < power.size(); ++i) power[i] = 1 / std::sqrt(1.0 + static_cast<double>(i));
  std::fill_n(equal.begin(), 20, 1.0);
  for (const auto& spectrum : {power, equal}) {
    const auto a = test::matrix_with_spectrum({.rows = 600, .cols = 150, .seed = 4}, spectrum);
    const BlockKrylovOptions options{.rank = 20, .eps = 1e-2, .block = 8};
    const auto rounded = stored_krylov(a, options), exact = test::krylov(a, options);
    EXPECT_EQ(rounded.status, Status::converged);
    EXPECT_LE(error_ratio(a, rounded, spectrum), 1.01);
    EXPECT_FALSE(test::same_bits(rounded.vt, exact.vt));
    test::expect_orthonormal(rounded);
    EXPECT_LE(rounded.products, exact.products);
  }
}

TEST(BlockKrylov, Float32ProductsAreReplacedForSmallResiduals) {
  std::vector<double> spectrum(100, 1e-6);
  for (std::size_t i = 0; i < 10; ++i) spectrum[i] = std::pow(0.8, i);
  spectrum[10] = 2e-6;
  const auto a = test::matrix_with_spectrum({.rows = 400, .cols = 100, .seed = 5}, spectrum);
  for (const Index steps : {0, 6}) {
    const BlockKrylovOptions options{.rank = 10, .eps = 1e-3, .steps = steps};
    const auto svd = stored_krylov(a, options), exact = test::krylov(a, options);
    EXPECT_TRUE(test::same_bits(svd.vt, exact.vt));
    EXPECT_EQ(svd.singular_values, exact.singular_values);
    EXPECT_GT(svd.products, exact.products);  // the first attempt counts
  }
  const auto coarse = block_krylov(MatrixOperator(a.view(), ProductPrecision::float32), {.rank = 10, .steps = 6});
  const auto exact = test::krylov(a, {.rank = 10, .steps = 6}),
             other_seed = test::krylov(a, {.rank = 10, .steps = 6, .seed = 1});
  EXPECT_GT(test::subspace_distance(coarse.vt.view(), exact.vt.view()),
            100 * test::subspace_distance(exact.vt.view(), other_seed.vt.view()));
}

TEST(BlockKrylov, OmittingLeftVectorsChangesNothingElse) {
  const auto a = test::gaussian_matrix({.rows = 400, .cols = 60, .seed = 31});
  const BlockKrylovOptions all{.rank = 8, .eps = 1e-3};
  BlockKrylovOptions right_only = all;
  right_only.left_vectors = false;
  const auto expect_the_same = [&](const KrylovSvd& wanted, const KrylovSvd& found, double tolerance) {
    EXPECT_EQ(wanted.u.rows(), 400);
    EXPECT_EQ(found.u.rows(), 0);
    EXPECT_LE(test::subspace_distance(wanted.vt.view(), found.vt.view()), 1e-10);
    EXPECT_NEAR(wanted.residual_norm, found.residual_norm, tolerance * wanted.residual_norm);
    for (Index i = 0; i < 8; ++i) {
      EXPECT_NEAR(wanted.singular_values[i], found.singular_values[i], tolerance * wanted.singular_values[0]);
    }
  };
  expect_the_same(block_krylov(MatrixOperator(a.view()), all), block_krylov(MatrixOperator(a.view()), right_only),
                  1e-13);
  expect_the_same(block_krylov(a.view(), all), block_krylov(a.view(), right_only), 1e-6);
}

}  // namespace
}  // namespace loewner::block_krylov_float32_test
