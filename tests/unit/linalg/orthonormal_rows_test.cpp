// SPDX-License-Identifier: Apache-2.0
#include "linalg/orthonormal_rows.hpp"

#include <gtest/gtest.h>

#include "linalg/blas.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner::detail {
namespace {

constexpr double kRounding = 1e-13;

Matrix<double> gaussian(Index rows, Index cols, std::uint64_t seed) {
  return GaussianRows(seed, RandomPurpose::test_data).draw(rows, cols);
}

// max |block - L rows| relative to max |block|
double factor_error(const Matrix<double>& block, const Matrix<double>& l, MatrixView<const double> rows) {
  Matrix<double> rest = block.clone();
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, l.view(), rows, 1.0, rest.view());
  double worst = 0, scale = 0;
  for (Index i = 0; i < rest.rows() * rest.cols(); ++i) {
    worst = std::max(worst, std::abs(rest.data()[i]));
    scale = std::max(scale, std::abs(block.data()[i]));
  }
  return worst / scale;
}

TEST(OrthonormalRows, BlocksAreCombinationsOfOrthonormalRows) {
  OrthonormalRows rows(12, 40);
  rows.append(gaussian(5, 40, 1), nullptr);
  const auto block = gaussian(7, 40, 2);
  const auto l = rows.append(block.clone(), nullptr);
  EXPECT_EQ(rows.size(), 12);
  EXPECT_LE(test::orthonormality_error(rows.view()), kRounding);
  EXPECT_LE(factor_error(block, l, rows.view()), kRounding);
}

TEST(OrthonormalRows, AlmostDependentRowsComeOutOrthonormal) {
  const auto first = gaussian(4, 30, 3), noise = gaussian(4, 30, 4);
  auto block = first.clone();
  for (Index i = 0; i < 4 * 30; ++i) block.data()[i] += 1e-10 * noise.data()[i];
  OrthonormalRows rows(8, 30);
  rows.append(first.clone(), nullptr);
  const auto l = rows.append(block.clone(), nullptr);
  EXPECT_EQ(rows.size(), 8);
  EXPECT_LE(test::orthonormality_error(rows.view()), kRounding);
  EXPECT_LE(factor_error(block, l, rows.view()), kRounding);
}

TEST(OrthonormalRows, DependentRowsAreLeftOutOrReplacedByRandomOnes) {
  auto block = gaussian(4, 30, 5);
  std::ranges::copy(block.row(0), block.row(1).begin());
  std::ranges::fill(block.row(2), 0.0);
  OrthonormalRows dropped(4, 30), refilled(4, 30);
  GaussianRows random(6, RandomPurpose::initial_guess);
  const auto l = dropped.append(block.clone(), nullptr), m = refilled.append(block.clone(), &random);
  EXPECT_EQ(dropped.size(), 2);
  EXPECT_LE(factor_error(block, l, dropped.view()), kRounding);
  EXPECT_EQ(refilled.size(), 4);
  EXPECT_LE(test::orthonormality_error(refilled.view()), kRounding);
  EXPECT_LE(factor_error(block, m, refilled.view()), kRounding);
}

TEST(OrthonormalRows, NoMoreRowsThanTheDimensionHasRoomFor) {
  OrthonormalRows rows(10, 5);
  GaussianRows random(7, RandomPurpose::initial_guess);
  rows.append(gaussian(3, 5, 8), &random);
  const auto block = gaussian(4, 5, 9);
  const auto l = rows.append(block.clone(), &random);
  EXPECT_EQ(rows.size(), 5);
  EXPECT_LE(factor_error(block, l, rows.view()), kRounding);
}

TEST(OrthonormalRows, SameBitsForAnyNumberOfThreads) {
  constexpr Index kDimension = 20000;  // five pieces
  const auto rows_with = [](int threads) {
    const test::ThreadCount scope(threads);
    OrthonormalRows rows(12, kDimension);
    rows.append(gaussian(6, kDimension, 10), nullptr);
    rows.append(gaussian(6, kDimension, 11), nullptr);
    return rows;
  };
  const auto one = rows_with(1);
  for (const int threads : {2, 8}) {
    const auto many = rows_with(threads);
    EXPECT_TRUE(std::equal(one.view().data(), one.view().data() + 12 * kDimension, many.view().data())) << threads;
  }
}

}  // namespace
}  // namespace loewner::detail
