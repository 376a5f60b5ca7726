// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/composed_operators.hpp"
#include "loewner/linalg/matrix_operator.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner {
namespace {

// Sums of a few thousand products of normal numbers in another order.
constexpr double kTolerance = 1e-11;

Matrix<double> applied(const LinearOperator& a, MatrixView<const double> x) {
  Matrix<double> y(a.rows(), x.cols());
  a.apply(x, y.view());
  return y;
}

Matrix<double> applied_t(const LinearOperator& a, MatrixView<const double> x) {
  Matrix<double> y(a.cols(), x.cols());
  a.apply_t(x, y.view());
  return y;
}

void expect_multiplies_as(const LinearOperator& a, const Matrix<double>& dense) {
  for (const Index k : {0, 1, 3, 8, 19}) {
    const auto x = test::gaussian_matrix64(a.cols(), k, 2), y = test::gaussian_matrix64(a.rows(), k, 3);
    EXPECT_LE(test::largest_difference(applied(a, x.view()), test::product64(dense, x)), kTolerance) << k;
    EXPECT_LE(test::largest_difference(applied_t(a, y.view()), test::product64(test::transposed(dense), y)), kTolerance)
        << k;
  }
}

// More rows than a row block has.
class MatrixForms : public testing::Test {
 protected:
  Matrix<float> a_ = test::sparse_gaussian(2500, 300, 0.3, 1);
  Matrix<double> wide_ = test::widened(a_);
  test::OwnedCsr<float> csr_ = test::to_csr<float>(a_);
};

TEST_F(MatrixForms, AllMultiplyAsTheDenseMatrix) {
  for (const RowMatrix& form : {RowMatrix(a_.view()), RowMatrix(wide_.view()), RowMatrix(csr_.view())}) {
    expect_multiplies_as(MatrixOperator(form), wide_);
  }
}

TEST_F(MatrixForms, GiveTheSameBitsForAllThreadsAndInstructionSets) {
  for (const RowMatrix& form : {RowMatrix(a_.view()), RowMatrix(csr_.view())}) {
    const MatrixOperator a(form);
    for (const Index k : {1, 2, 11}) {
      const auto x = test::gaussian_matrix64(a.cols(), k, 2), y = test::gaussian_matrix64(a.rows(), k, 3);
      EXPECT_TRUE(test::same_bits_everywhere([&] { return applied(a, x.view()); }, test::kFused));
      EXPECT_TRUE(test::same_bits_everywhere([&] { return applied_t(a, y.view()); }, test::kFused));
    }
  }
}

TEST_F(MatrixForms, Float32ProductsAreWithinRounding) {
  const MatrixOperator exact(a_.view()), rounded(a_.view(), ProductPrecision::float32);
  const double norm = std::sqrt(*exact.squared_frobenius_norm());
  for (const Index k : {2, 16, 19}) {
    const auto x = test::gaussian_matrix64(300, k, 2);
    const double length = std::sqrt(300.0);
    const double error = test::largest_difference(applied(rounded, x.view()), applied(exact, x.view()));
    EXPECT_LE(error, 1e-6 * norm * length);
    EXPECT_GT(error, 1e-10 * norm * length);  // they are rounded, not the others
    Matrix<double> u = test::gaussian_matrix64(2500, k, 3), y(300, k), expected_u = u.clone(), expected(300, k);
    const std::vector<double> scales(static_cast<std::size_t>(k), -0.5);
    rounded.golub_kahan_step(x.view(), scales, u.view(), y.view());
    exact.golub_kahan_step(x.view(), scales, expected_u.view(), expected.view());
    EXPECT_LE(test::largest_difference(u, expected_u), 1e-6 * norm * length);
    EXPECT_LE(test::largest_difference(y, expected), 1e-6 * norm * norm * length);
    EXPECT_TRUE(test::same_bits_everywhere([&] { return applied(rounded, x.view()); }, test::kFused));
  }
}

TEST_F(MatrixForms, OnlyDenseFloat32RowsHaveFloat32Products) {
  EXPECT_TRUE(MatrixOperator::has_float32_products(a_.view()));
  const auto x = test::gaussian_matrix64(300, 3, 2);
  for (const RowMatrix& form : {RowMatrix(wide_.view()), RowMatrix(csr_.view())}) {
    EXPECT_FALSE(MatrixOperator::has_float32_products(form));
    const MatrixOperator exact(form), rounded(form, ProductPrecision::float32);
    EXPECT_EQ(test::largest_difference(applied(rounded, x.view()), applied(exact, x.view())), 0);
  }
}

TEST_F(MatrixForms, AVectorMayBeAColumnOfAMatrix) {
  const MatrixOperator a(a_.view());
  const auto x = test::gaussian_matrix64(300, 4, 2), y = test::gaussian_matrix64(2500, 4, 3);
  const Matrix<double> all = applied(a, x.view()), one = applied(a, x.view().col_block(2, 1));
  for (Index i = 0; i < a.rows(); ++i) EXPECT_NEAR(one(i, 0), all(i, 2), kTolerance);
  const Matrix<double> all_t = applied_t(a, y.view()), one_t = applied_t(a, y.view().col_block(2, 1));
  for (Index j = 0; j < a.cols(); ++j) EXPECT_NEAR(one_t(j, 0), all_t(j, 2), kTolerance);
}

TEST_F(MatrixForms, AGolubKahanStepIsTwoProducts) {
  for (const RowMatrix& form : {RowMatrix(a_.view()), RowMatrix(wide_.view()), RowMatrix(csr_.view())}) {
    const MatrixOperator a(form);
    for (const Index k : {1, 3}) {
      const std::vector<double> scales(static_cast<std::size_t>(k), -0.5);
      const auto x = test::gaussian_matrix64(300, k, 2);
      Matrix<double> u = test::gaussian_matrix64(2500, k, 3), y(300, k), expected = applied(a, x.view());
      for (Index i = 0; i < u.rows() * k; ++i) expected.data()[i] -= 0.5 * u.data()[i];
      a.golub_kahan_step(x.view(), scales, u.view(), y.view());
      EXPECT_LE(test::largest_difference(u, expected), kTolerance);
      EXPECT_LE(test::largest_difference(y, applied_t(a, expected.view())), 100 * kTolerance);
    }
  }
}

TEST(LinearOperator, ProductOperatorMultipliesAsTheFormedProduct) {
  const auto left = test::gaussian_matrix64(30, 5, 1), right = test::gaussian_matrix64(5, 40, 2);
  const MatrixOperator left_operator{RowMatrix(left.view())}, right_operator{RowMatrix(right.view())};
  expect_multiplies_as(ProductOperator(left_operator, right_operator), test::product64(left, right));
  EXPECT_THROW(ProductOperator(left_operator, left_operator), InvalidArgument);
}

TEST(LinearOperator, ResidualOperatorIsTheMatrixMinusItsFactors) {
  const auto a = test::gaussian_matrix64(30, 20, 1), u = test::gaussian_matrix64(30, 3, 2),
             v = test::gaussian_matrix64(20, 3, 3);
  const MatrixOperator a_operator{RowMatrix(a.view())};
  Matrix<double> residual = test::product64(u, test::transposed(v));
  for (Index i = 0; i < 30 * 20; ++i) residual.data()[i] = a.data()[i] - residual.data()[i];
  const ResidualOperator residual_operator(a_operator, u.view(), v.view());
  expect_multiplies_as(residual_operator, residual);

  const auto x = test::gaussian_matrix64(20, 2, 4);
  Matrix<double> from_zero(30, 2), image(20, 2);
  residual_operator.golub_kahan_step(x.view(), std::vector<double>{1, 1}, from_zero.view(), image.view());
  EXPECT_LE(test::largest_difference(from_zero, test::product64(residual, x)), kTolerance);
  EXPECT_THROW(ResidualOperator(a_operator, v.view(), u.view()), InvalidArgument);
}

TEST(LinearOperator, ShapesThatDoNotFitAreNamed) {
  const Matrix<double> a(4, 3), x(4, 2);
  Matrix<double> y(4, 2);
  const MatrixOperator op{RowMatrix(a.view())};
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { op.apply(x.view(), y.view()); }),
                  "x must be 3 x 2, got 4 x 2");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { op.apply_t(x.view(), y.view()); }),
                  "y must be 3 x 2, got 4 x 2");
}

TEST(LinearOperator, AMatrixWithoutRowsGivesZeros) {
  const Matrix<double> a(0, 3), x(0, 2);
  Matrix<double> y(3, 2);
  y(1, 1) = 7;
  MatrixOperator(RowMatrix(a.view())).apply_t(x.view(), y.view());
  EXPECT_EQ(y(1, 1), 0);
}

}  // namespace
}  // namespace loewner
