// SPDX-License-Identifier: Apache-2.0
#include "linalg/tile_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/matrices.hpp"
#include "support/sketching.hpp"

namespace loewner::detail {
namespace {

// A stride above the number of columns, which is no multiple of eight.
constexpr Index kCols = 29;

class TileKernels : public testing::Test {
 protected:
  Matrix<double> all_ = test::gaussian_matrix64(kTile, kCols + 3, 1);
  MatrixView<const double> a_ = std::as_const(all_).view().col_block(2, kCols);
  Matrix<double> x_ = test::gaussian_matrix64(kCols, kTile, 2);
  Matrix<double> u_ = test::gaussian_matrix64(kTile, kTile, 3);
};

// One or two roundings per product: equal up to some rounding errors of sums of at most 29 products.
TEST_F(TileKernels, AProductAddsTheColumnsInTheirOrder) {
  for (const auto isa : {Isa::scalar, Isa::avx512_vnni}) {
    limit_isa(isa);
    Matrix<double> found = u_.clone();
    add_tile_product(a_, {x_.data()}, {found.data()});
    for (Index i = 0; i < kTile; ++i) {
      for (Index c = 0; c < kTile; ++c) {
        double sum = u_(i, c);
        for (Index j = 0; j < kCols; ++j) sum += a_(i, j) * x_(j, c);
        EXPECT_NEAR(found(i, c), sum, 1e-14);
      }
    }
  }
}

TEST_F(TileKernels, ATransposedProductAddsTheRowsInTheirOrder) {
  for (const auto isa : {Isa::scalar, Isa::avx512_vnni}) {
    limit_isa(isa);
    Matrix<double> found = x_.clone();
    add_transposed_tile_product(a_, {u_.data()}, {found.data()});
    for (Index j = 0; j < kCols; ++j) {
      for (Index c = 0; c < kTile; ++c) {
        double sum = x_(j, c);
        for (Index i = 0; i < kTile; ++i) sum += a_(i, j) * u_(i, c);
        EXPECT_NEAR(found(j, c), sum, 1e-14);
      }
    }
  }
}

// An even and an odd number: panels are multiplied in pairs.
TEST_F(TileKernels, PanelsGiveTheProductsOfSinglePanels) {
  for (const Index count : {2, 3}) {
    const auto x = test::gaussian_matrix64(count * kCols, kTile, 4),
               u = test::gaussian_matrix64(count * kTile, kTile, 5);
    Matrix<double> product = u.clone(), transposed = x.clone(), one_by_one = u.clone(),
                   transposed_one_by_one = x.clone();
    add_tile_product(a_, {x.data(), kCols * kTile, count}, {product.data(), kTile * kTile, count});
    add_transposed_tile_product(a_, {u.data(), kTile * kTile, count}, {transposed.data(), kCols * kTile, count});
    for (Index p = 0; p < count; ++p) {
      add_tile_product(a_, {x.row(p * kCols).data()}, {one_by_one.row(p * kTile).data()});
      add_transposed_tile_product(a_, {u.row(p * kTile).data()}, {transposed_one_by_one.row(p * kCols).data()});
    }
    EXPECT_TRUE(test::same_bits(product, one_by_one));
    EXPECT_TRUE(test::same_bits(transposed, transposed_one_by_one));
  }
}

TEST_F(TileKernels, AreFusedWithTheSameBitsFromAvx2On) {
  const auto product = [&] {
    Matrix<double> found = u_.clone();
    add_tile_product(a_, {x_.data()}, {found.data()});
    return found;
  };
  const auto transposed_product = [&] {
    Matrix<double> found = x_.clone();
    add_transposed_tile_product(a_, {u_.data()}, {found.data()});
    return found;
  };
  EXPECT_TRUE(test::same_bits_everywhere(product, test::kFused));
  EXPECT_TRUE(test::same_bits_everywhere(transposed_product, test::kFused));
#if defined(NDEBUG) && !defined(__clang__)  // GCC fuses from -O2 on only
  if (isa() >= Isa::avx2) {
    EXPECT_FALSE(test::same_bits_everywhere(product));
    EXPECT_FALSE(test::same_bits_everywhere(transposed_product));
  }
#endif
}

}  // namespace
}  // namespace loewner::detail
