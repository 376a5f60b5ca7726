// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/matrix.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace loewner {
namespace {

TEST(Matrix, IsZeroFilledAndAligned) {
  const Matrix<float> a(3, 5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0U);
  for (Index i = 0; i < 15; ++i) EXPECT_EQ(a.data()[i], 0);
}

TEST(Matrix, OfSeveralMegabytesStartsAtAHugePage) {
  const auto a = Matrix<float>::uninitialized(1 << 10, 1 << 10);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % (1U << 21), 0U);
}

TEST(Matrix, RejectsSizesThatAreNegativeOrOverflow) {
  const Index huge = std::numeric_limits<Index>::max() / 2;
  EXPECT_THROW(Matrix<double>(-1, 3), InvalidArgument);
  EXPECT_THROW(Matrix<double>(huge, 3), InvalidArgument);
  EXPECT_THROW(Matrix<double>(huge, 1), InvalidArgument);  // the count fits, the bytes do not
}

TEST(Matrix, EmptyShapesKeepTheirSides) {
  const Matrix<float> a(0, 7);
  EXPECT_EQ(a.rows(), 0);
  EXPECT_EQ(a.cols(), 7);
}

TEST(MatrixView, BlocksAddressTheOwnersEntries) {
  Matrix<float> a(4, 6);
  const auto block = a.view().row_block(1, 2).col_block(2, 3);
  block(1, 2) = 9;
  EXPECT_EQ(a(2, 4), 9);
  EXPECT_EQ(block.stride(), 6);
}

TEST(CheckedSize, OverflowAndNegativeFactorsGiveNothing) {
  EXPECT_EQ(checked_product(6, 7), 42);
  EXPECT_FALSE(checked_product(Index{1} << 40, Index{1} << 40));
  EXPECT_FALSE(checked_product(-1, 2));
  EXPECT_FALSE(checked_sum(std::numeric_limits<Index>::max(), 1));
}

}  // namespace
}  // namespace loewner
