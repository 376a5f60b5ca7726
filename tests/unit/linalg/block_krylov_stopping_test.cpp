// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/krylov_svd.hpp"
#include "support/matrices.hpp"
#include "support/operators.hpp"
#include "support/tolerance.hpp"

namespace loewner::block_krylov_stopping_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A small error needs accurate subspaces only where singular values differ; accurate vectors need more steps.
TEST(BlockKrylov, VectorsMeetTheRequestedTolerance) {
  std::vector<double> spectrum(200);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = std::pow(1 + 0.05 * static_cast<double>(i), -1);
  const test::DiagonalOperator a(200, 200, spectrum);
  const auto worst_residual = [&](const KrylovSvd& svd) {
    double worst = 0;
    for (Index k = 0; k < svd.vt.rows(); ++k) {
      double sum = 0;
      for (Index i = 0; i < 200; ++i) {
        const double rest = spectrum[i] * svd.u(i, k) - svd.singular_values[k] * svd.vt(k, i);
        sum += rest * rest;
      }
      worst = std::max(worst, std::sqrt(sum));
    }
    return worst;
  };
  const auto svd = block_krylov(a, {.rank = 6, .eps = 0.1, .vector_tolerance = 1e-6});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_LE(worst_residual(svd), 1e-6);
  EXPECT_GT(worst_residual(block_krylov(a, {.rank = 6, .eps = 0.1})), 1e-4);  // the control
}

// A block with fewer vectors than copies of a singular value finds as many copies as it has vectors and converges.
TEST(BlockKrylov, TheClosingCheckFindsRepeatedSingularValuesBeyondTheBlock) {
  std::vector<double> spectrum(300, 0.0);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = i < 8 ? 1 : 0.5 * std::pow(0.95, i);
  for (const Index block : {1, 2, 4}) {
    const test::DiagonalOperator a(300, 300, spectrum);
    const BlockKrylovOptions options{.rank = 8, .eps = 1e-3, .block = block};
    auto unchecked = options;
    unchecked.closing_check = false;
    EXPECT_LE(test::schatten_excess_of(a, block_krylov(a, options).vt, 2), 1e-3) << block;
    EXPECT_GT(test::schatten_excess_of(a, block_krylov(a, unchecked).vt, 2), 1e-2) << block;  // the control
  }
}

// Held-out vectors are part of the block: without copies no others join it.
TEST(BlockKrylov, TheClosingCheckIsNearlyFreeForDistinctValues) {
  const test::DiagonalOperator a(300, 300, test::exponential_decay(300, 0.9));
  const BlockKrylovOptions options{.rank = 8, .eps = 1e-2};
  auto unchecked = options;
  unchecked.closing_check = false;
  EXPECT_LE(block_krylov(a, options).products, block_krylov(a, unchecked).products + 2 * 8);
}

TEST(BlockKrylov, TheClosingCheckFindsRepeatedSingularValuesAfterRestarts) {
  std::vector<double> spectrum(300, 0.0);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = i < 8 ? 1 : 0.5 * std::pow(0.95, i);
  const test::DiagonalOperator a(300, 300, spectrum);
  const BlockKrylovOptions options{.rank = 8, .eps = 1e-3, .block = 4, .max_bytes = 8 * 600 * 36};
  auto unchecked = options;
  unchecked.closing_check = false;
  EXPECT_LE(test::schatten_excess_of(a, block_krylov(a, options).vt, 2), 1e-3);
  EXPECT_GT(test::schatten_excess_of(a, block_krylov(a, unchecked).vt, 2), 1e-2);  // the control
}

TEST(BlockKrylov, ReachesEveryDirectionOfFewDistinctSingularValues) {
  std::vector<double> spectrum(80, 1.0);
  std::fill_n(spectrum.begin(), 30, 2.0);
  const test::DiagonalOperator a(80, 80, spectrum);
  const auto svd = block_krylov(a, {.rank = 20, .block = 2});
  EXPECT_NEAR(svd.singular_values[19], 2, 1e-6);
}

TEST(BlockKrylov, StartsFromGivenVectors) {
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 80, .seed = 6}, test::exponential_decay(80, 0.97));
  const DenseRows rows(a.view());
  const auto exact = truncated_svd(rows, {.rank = 10, .route = SvdRoute::direct});
  const auto from_the_best = test::krylov(a, {.rank = 8, .steps = 1, .start = exact.vt.view()});
  const auto from_random = test::krylov(a, {.rank = 8, .block = 10, .steps = 1});
  EXPECT_EQ(from_the_best.products, 10 * 3);
  for (Index i = 0; i < 8; ++i) EXPECT_NEAR(from_the_best.singular_values[i], exact.singular_values[i], 1e-6);
  EXPECT_LT(from_random.singular_values[7], 0.99 * exact.singular_values[7]);  // the control
  const auto adaptive = test::krylov(a, {.rank = 8, .eps = 1e-4, .start = exact.vt.view()});
  EXPECT_EQ(adaptive.status, Status::converged);
  EXPECT_NEAR(adaptive.residual_norm, from_the_best.residual_norm, 1e-4 * from_the_best.residual_norm);
}

TEST(BlockKrylov, RandomVectorsReplaceDependentStarts) {
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 80, .seed = 6}, test::exponential_decay(80, 0.8));
  const auto exact = truncated_svd(DenseRows(a.view()), {.rank = 4, .route = SvdRoute::direct});
  Matrix<double> copies(6, 80);
  for (Index i = 0; i < 6; ++i) std::ranges::copy(exact.vt.row(i % 2), copies.row(i).begin());
  const auto svd = test::krylov(a, {.rank = 4, .eps = 1e-3, .start = copies.view()});
  for (Index i = 0; i < 4; ++i) EXPECT_NEAR(svd.singular_values[i], exact.singular_values[i], 1e-3);
  test::expect_orthonormal(svd);
}

TEST(BlockKrylov, CountsEveryProduct) {
  const std::vector<double> spectrum = test::exponential_decay(120, 0.95);
  for (const Index steps : {2, 5}) {
    const test::DiagonalOperator a(120, 120, spectrum);
    const auto svd = block_krylov(a, {.rank = 6, .block = 4, .steps = steps});
    EXPECT_EQ(svd.products, 4 * (2 * steps + 1) + 16);  // the diagonal has no norm, so there are probes
    EXPECT_EQ(a.products(), svd.products);
  }
  const test::DiagonalOperator a(120, 120, spectrum);
  const auto svd = block_krylov(a, {.rank = 10});
  EXPECT_EQ(a.products(), svd.products);
  const auto stored = test::gaussian_matrix({.rows = 50, .cols = 40, .seed = 11});  // its norm is at hand
  EXPECT_EQ(test::krylov(stored, {.rank = 6, .block = 4, .steps = 3}).products, 4 * (2 * 3 + 1));
}

TEST(BlockKrylov, StopsAtTheLimitOfProducts) {
  // A slow spectrum and a small eps: 200 products are not enough.
  std::vector<double> spectrum(400);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 1 - 0.001 * static_cast<double>(i);
  for (const Index limit : {100, 150, 200}) {
    const test::DiagonalOperator a(400, 400, spectrum);
    const auto svd = block_krylov(a, {.rank = 20, .norm_exponent = kInfinity, .eps = 1e-6, .max_products = limit});
    EXPECT_EQ(svd.status, Status::max_iterations);
    EXPECT_LE(a.products(), limit);
    EXPECT_GT(svd.excess_estimate, 1e-6);
    test::expect_orthonormal(svd);
  }
}

// Counts the reads of its rows.
class CountedRows final : public RowSource {
 public:
  explicit CountedRows(const Matrix<float>& a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    rows_read_ += count;
    return a_.view().row_block(first, count);
  }
  Index passes() const { return rows_read_ / a_.rows(); }

 private:
  const Matrix<float>& a_;
  mutable std::atomic<Index> rows_read_ = 0;
};

TEST(BlockKrylov, AStepReadsTheRowsOnce) {
  const auto a = test::gaussian_matrix({.rows = 200, .cols = 80, .seed = 9});
  const CountedRows rows(a);
  (void)block_krylov(MatrixOperator(RowMatrix(rows)), {.rank = 5, .steps = 6});
  EXPECT_EQ(rows.passes(), 6 + 2);  // the norm before and the last block's image after
}

TEST(BlockKrylov, RestartsWithinItsMemory) {
  std::vector<double> spectrum(400);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 1 / (1 + 0.02 * static_cast<double>(i));
  const Index bytes_per_vector = 8 * 800;
  const BlockKrylovOptions options{.rank = 6, .norm_exponent = kInfinity, .eps = 1e-3, .block = 4};
  auto small = options;
  small.max_bytes = (2 * 6 + 3 * (4 + 1)) * bytes_per_vector;
  const test::DiagonalOperator a(400, 400, spectrum);
  const auto free = block_krylov(a, options), restarted = block_krylov(a, small);
  EXPECT_GT(free.products / 2, small.max_bytes / bytes_per_vector);  // it would not have fitted
  EXPECT_EQ(restarted.status, Status::converged);
  EXPECT_LE(test::schatten_excess_of(a, restarted.vt, kInfinity), 1e-3);
  small.max_bytes -= 1;
  EXPECT_THROW((void)block_krylov(a, small), InvalidArgument);
}

}  // namespace
}  // namespace loewner::block_krylov_stopping_test
