// SPDX-License-Identifier: Apache-2.0
#include "linalg/input_scale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner::input_scale_test {
namespace {

using detail::ArgumentCheck;

TEST(InputExponent, IsZeroForOrdinarySizesAndForZero) {
  for (const double size : {0.0, 1.0, 0x1p40, 0x1p-40, 3e9}) EXPECT_EQ(detail::input_exponent(size, 40), 0) << size;
}

TEST(InputExponent, BringsOtherSizesIntoOneBinade) {
  for (const double size : {0x1p41, 1e30, 0x1p-41, 1e-30, 1e300, 5e-324}) {
    const double scaled = std::ldexp(size, -detail::input_exponent(size, 40));
    EXPECT_GE(scaled, 1) << size;
    EXPECT_LT(scaled, 2) << size;
  }
}

TEST(LargestMagnitude, IsThatOfTheMatrix) {
  Matrix<float> a = test::gaussian_matrix({700, 500, 1});
  a(650, 3) = -77;
  EXPECT_EQ(detail::largest_magnitude(DenseRows(a.view()), "a"), 77);
  const Matrix<double> wide = detail::widened(a.view());
  EXPECT_EQ(detail::largest_magnitude(RowMatrix(wide.view()), "a"), 77);
}

TEST(LargestMagnitude, NamesTheFirstEntryThatIsNotFinite) {
  Matrix<float> a = test::gaussian_matrix({700, 5, 1});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    a(650, 3) = bad;
    EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { detail::largest_magnitude(DenseRows(a.view()), "a"); }),
                    "a has a non-finite value at row 650, column 3");
  }
}

TEST(Restored, IsExactOrRefused) {
  const ArgumentCheck check("solver");
  EXPECT_EQ(detail::restored(check, "x", 1.5, 1000), std::ldexp(1.5, 1000));
  EXPECT_EQ(detail::restored(check, "x", 0, 5000), 0);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { detail::restored(check, "x", 1.5, 1024); }),
                  "solver: x overflows float64");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { detail::restored(check, "x", 1.5, -1030); }),
                  "solver: x underflows float64");
}

TEST(ScaledMatrix, HasExactlyTheEntriesTimesAPowerOfTwo) {
  const Matrix<float> a = test::gaussian_matrix({40, 7, 1});
  const Matrix<double> wide = detail::widened(a.view());
  const std::vector<std::int64_t> offsets{0, 1, 3};
  const std::vector<std::int32_t> columns{2, 0, 1};
  const std::vector<double> values{1e200, -3, 7};
  const auto sparse = CsrView<double>::checked(3, offsets, columns, values);
  for (const RowMatrix& matrix : {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(sparse)}) {
    const detail::ScaledMatrix scaled(matrix, 60);
    Matrix<double> before(matrix.rows(), matrix.cols()), after(matrix.rows(), matrix.cols());
    read_rows_wide(matrix, 0, before.view());
    read_rows_wide(scaled.view(), 0, after.view());
    for (Index i = 0; i < before.rows() * before.cols(); ++i) {
      ASSERT_EQ(after.data()[i], std::ldexp(before.data()[i], -60));
    }
  }
}

TEST(ScaledOperator, MultipliesWithEntriesAtTheEndsOfTheRange) {
  const Matrix<float> a = test::gaussian_matrix({40, 7, 1}), x = test::gaussian_matrix({7, 2, 2});
  const Matrix<double> right = detail::widened(x.view());
  Matrix<double> expected(40, 2), found(40, 2);
  const Matrix<double> ordinary = detail::widened(a.view());
  MatrixOperator(ordinary.view()).apply(right.view(), expected.view());
  for (const int exponent : {-1000, 1000}) {
    Matrix<double> extreme = detail::widened(a.view());
    for (Index i = 0; i < 40 * 7; ++i) extreme.data()[i] = std::ldexp(extreme.data()[i], exponent);
    const MatrixOperator products(extreme.view());
    const detail::ScaledOperator scaled(products, exponent);
    scaled.apply(right.view(), found.view());
    for (Index i = 0; i < 80; ++i) EXPECT_EQ(found.data()[i], expected.data()[i]);
    EXPECT_NEAR(*scaled.squared_frobenius_norm(), *MatrixOperator(ordinary.view()).squared_frobenius_norm(), 1e-10);
  }
}

}  // namespace
}  // namespace loewner::input_scale_test
