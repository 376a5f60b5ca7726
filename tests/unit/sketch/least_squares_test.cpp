// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/least_squares.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::least_squares_test {
namespace {

struct Svd {
  Matrix<double> u, vt;
  std::vector<double> sigma;

  explicit Svd(const Matrix<double>& a) {
    Matrix<double> work = a.clone();
    blas::thin_svd(work.view(), u, sigma, vt);
  }
};

// V diag(1 / sigma) U^T b over the first `rank` singular values: LAPACK's answer.
Matrix<double> truth(const Matrix<double>& a, const Matrix<double>& b, Index rank) {
  const Svd svd(a);
  Matrix<double> coordinates = test::product64(test::transposed(svd.u), b);
  for (Index i = 0; i < coordinates.rows(); ++i) {
    for (double& x : coordinates.row(i)) x *= i < rank ? 1 / svd.sigma[i] : 0;
  }
  return test::product64(test::transposed(svd.vt), coordinates);
}

Matrix<double> residual(const Matrix<double>& a, const Matrix<double>& x, const Matrix<double>& b) {
  Matrix<double> r = test::product64(a, x);
  for (Index i = 0; i < b.rows() * b.cols(); ++i) r.data()[i] = b.data()[i] - r.data()[i];
  return r;
}

// The estimate of Karlson and Walden, within sqrt(2) of the smallest ||dA||_F for which x (one column) solves the
// problem with A + dA; relative to ||A||_F.
double backward_error(const Matrix<double>& a, const Matrix<double>& x, const Matrix<double>& b) {
  const Svd svd(a);
  const Matrix<double> r = residual(a, x, b), h = test::product64(test::transposed(svd.u), r);
  const double r_norm = test::frobenius_norm64(r), x_norm = test::frobenius_norm64(x);
  double sum = 0;
  for (Index i = 0; i < h.rows(); ++i) {
    sum += std::pow(svd.sigma[i] * h(i, 0), 2) / (std::pow(svd.sigma[i] * x_norm, 2) + r_norm * r_norm);
  }
  return std::sqrt(sum) / test::frobenius_norm64(a);
}

// Singular values 1 ... 1 / condition, evenly spread in the logarithm.
Matrix<double> conditioned(Index n, Index d, double condition, std::uint64_t seed = 1) {
  Matrix<double> a = test::orthonormal_columns(test::gaussian_matrix64(n, d, seed));
  const auto v = test::orthonormal_columns(test::gaussian_matrix64(d, d, seed + 1));
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < d; ++j) a(i, j) *= std::pow(condition, -static_cast<double>(j) / static_cast<double>(d - 1));
  }
  return test::product64(a, test::transposed(v));
}

Matrix<double> plus(const Matrix<double>& a, double factor, const Matrix<double>& b) {
  Matrix<double> sum = a.clone();
  for (Index i = 0; i < a.rows() * a.cols(); ++i) sum.data()[i] += factor * b.data()[i];
  return sum;
}

constexpr Index kRows = 900, kCols = 24;

class LeastSquaresOfCondition : public testing::TestWithParam<double> {
 protected:
  Matrix<double> a_ = conditioned(kRows, kCols, GetParam());
};

INSTANTIATE_TEST_SUITE_P(Conditions, LeastSquaresOfCondition, testing::Values(1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12));

// For large residuals and for none.
TEST_P(LeastSquaresOfCondition, IsBackwardStable) {
  const auto exact = test::gaussian_matrix64(kCols, 1, 5);
  for (const double noise : {0.0, 1e-6, 1.0}) {
    const auto b = plus(test::product64(a_, exact), noise, test::gaussian_matrix64(kRows, 1, 6));
    const auto found = least_squares(RowMatrix(a_.view()), b.view());
    EXPECT_EQ(found.report.status, Status::converged);
    EXPECT_EQ(found.rank, kCols);
    EXPECT_LE(backward_error(a_, found.x, b), 1e-14) << noise;
    EXPECT_LE(found.backward_errors[0], 1e-14) << noise;
  }
}

// The error from a backward error of 100 eps: cond (1 + cond ||r|| / (||A|| ||x||)) times that [Wedin1973].
TEST_P(LeastSquaresOfCondition, IsAsCloseToTheSolutionAsLapack) {
  const auto exact = test::gaussian_matrix64(kCols, 1, 5);
  for (const double noise : {0.0, 1e-6}) {
    const auto b = plus(test::product64(a_, exact), noise, test::gaussian_matrix64(kRows, 1, 6));
    const auto found = least_squares(RowMatrix(a_.view()), b.view());
    const auto expected = truth(a_, b, kCols);
    const double cond = GetParam(), x_norm = test::frobenius_norm64(expected);
    const double angle = test::frobenius_norm64(residual(a_, expected, b)) / x_norm;  // ||A||_2 = 1
    EXPECT_LE(test::frobenius_norm64(plus(found.x, -1, expected)) / x_norm,
              100 * std::numeric_limits<double>::epsilon() * cond * (1 + cond * angle))
        << noise;
  }
}

TEST(LeastSquares, OneStepAfterTheSketchedSolutionIsNotStable) {
  const auto a = conditioned(kRows, kCols, 1e2);
  const auto b =
      plus(test::product64(a, test::gaussian_matrix64(kCols, 1, 5)), 1, test::gaussian_matrix64(kRows, 1, 6));
  const auto found = least_squares(RowMatrix(a.view()), b.view(), {.max_iterations = 1});
  EXPECT_EQ(found.report.status, Status::max_iterations);
  EXPECT_GT(backward_error(a, found.x, b), 1e-4);
  EXPECT_EQ(found.report.iterations, 1);
}

TEST(LeastSquares, AStepReducesTheErrorByTheExpectedFactor) {
  const auto a = conditioned(4000, 20, 1e3);
  const auto b = test::gaussian_matrix64(4000, 1, 5);
  for (const Index times : {4, 16}) {
    const auto found = least_squares(RowMatrix(a.view()), b.view(), {.sketch_rows = times * 20});
    // a factor sqrt(d/m) per step for 15 digits, and a quarter more for small matrices
    EXPECT_LE(found.report.iterations, 1.25 * 15 * std::log(10.0) / std::log(std::sqrt(static_cast<double>(times))))
        << times;
  }
}

TEST(LeastSquares, SolvesManyRightHandSidesAtOnce) {
  const auto a = conditioned(kRows, kCols, 1e3);
  auto b = test::gaussian_matrix64(kRows, 5, 5);
  for (Index i = 0; i < kRows; ++i) {
    b(i, 1) = 0;
    b(i, 2) = a(i, 3);
  }
  const std::vector<double> scales{1, 1, 1, 0x1p-700,
                                   0x1p700};  // extreme scales of one column do not affect the others
  auto scaled = b.clone();
  for (Index i = 0; i < kRows; ++i) {
    for (Index c = 0; c < 5; ++c) scaled(i, c) *= scales[c];
  }
  const auto found = least_squares(RowMatrix(a.view()), scaled.view());
  EXPECT_EQ(found.report.status, Status::converged);
  for (Index c = 0; c < 5; ++c) {
    Matrix<double> column(kRows, 1), x(kCols, 1);
    for (Index i = 0; i < kRows; ++i) column(i, 0) = b(i, c);
    const auto expected = truth(a, column, kCols);
    const double x_norm = test::frobenius_norm64(expected);
    for (Index j = 0; j < kCols; ++j) EXPECT_NEAR(found.x(j, c) / scales[c], expected(j, 0), 1e-9 * x_norm) << c;
    const double r_norm = test::frobenius_norm64(residual(a, expected, column));
    EXPECT_NEAR(found.residual_norms[c] / scales[c], r_norm, 1e-12 * test::frobenius_norm64(column)) << c;
  }
}

TEST(LeastSquares, GivesTheLeastNormSolutionOfADeficientMatrix) {
  const auto a = test::product64(conditioned(kRows, 7, 1e2), test::gaussian_matrix64(7, kCols, 3));
  const auto b = test::gaussian_matrix64(kRows, 2, 5);
  const auto found = least_squares(RowMatrix(a.view()), b.view());
  EXPECT_EQ(found.rank, 7);
  EXPECT_EQ(found.report.status, Status::converged);
  const auto expected = truth(a, b, 7);
  EXPECT_LE(test::largest_difference(found.x, expected), 1e-10 * test::frobenius_norm64(expected));
}

TEST(LeastSquares, AcceptsWideAndEmptyMatrices) {
  const auto wide = test::gaussian_matrix64(5, 30, 1), b = test::gaussian_matrix64(5, 2, 2);
  const auto found = least_squares(RowMatrix(wide.view()), b.view());
  EXPECT_LE(test::largest_difference(found.x, truth(wide, b, 5)), 1e-12);
  for (const auto& [n, d, k] : {std::array<Index, 3>{0, 3, 2}, {4, 0, 2}, {100, 3, 0}, {100, 3, 1}}) {
    const Matrix<double> zeros(n, d), right(n, k);
    const auto none = least_squares(RowMatrix(zeros.view()), right.view());
    EXPECT_EQ(none.report.status, Status::converged);
    EXPECT_EQ(none.x.rows(), d);
    EXPECT_EQ(none.x.cols(), k);
    EXPECT_EQ(test::frobenius_norm64(none.x), 0);
  }
}

TEST(LeastSquares, DoesNotDependOnScales) {
  const auto a = conditioned(kRows, kCols, 1e3), b = test::gaussian_matrix64(kRows, 1, 5);
  const auto reference = least_squares(RowMatrix(a.view()), b.view());
  for (const auto& [a_scale, b_scale] : {std::pair{0x1p-200, 1.0}, {0x1p200, 1.0}, {1.0, 0x1p-900}, {1.0, 0x1p900}}) {
    auto scaled_a = a.clone(), scaled_b = b.clone();
    for (Index i = 0; i < kRows * kCols; ++i) scaled_a.data()[i] *= a_scale;
    for (Index i = 0; i < kRows; ++i) scaled_b.data()[i] *= b_scale;
    auto found = least_squares(RowMatrix(scaled_a.view()), scaled_b.view());
    EXPECT_EQ(found.report.status, Status::converged);
    for (Index j = 0; j < kCols; ++j) found.x(j, 0) *= a_scale / b_scale;
    EXPECT_LE(test::largest_difference(found.x, reference.x), 1e-9 * test::frobenius_norm64(reference.x));
  }
}

TEST(LeastSquares, AllFormsAgreeAndGiveTheSameBitsEverywhere) {
  const auto a = test::sparse_gaussian(600, 10, 0.4, 1);
  const auto b = test::gaussian_matrix64(600, 2, 2);
  const auto wide = test::widened(a);
  const auto csr = test::to_csr<float>(a);
  const auto expected = truth(wide, b, 10);
  for (const RowMatrix& form : {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view())}) {
    EXPECT_LE(test::largest_difference(least_squares(form, b.view()).x, expected), 1e-13);
    EXPECT_TRUE(test::same_bits_everywhere([&] { return least_squares(form, b.view()).x; }, test::kFused));
    EXPECT_TRUE(
        test::same_bits_everywhere([&] { return least_squares(form, b.view().col_block(1, 1)).x; }, test::kFused));
  }
}

TEST(LeastSquares, AnswersThatLeaveFloat64AreRefused) {
  const Matrix<double> a = conditioned(60, 6, 1);
  Matrix<double> b(60, 1), large = a.clone();
  const auto refusal = [&](const Matrix<double>& design) {
    return test::message_of<InvalidArgument>([&] { least_squares(RowMatrix(design.view()), b.view()); });
  };
  for (Index i = 0; i < 60; ++i) b(i, 0) = 1e308;
  EXPECT_CONTAINS(refusal(a), "overflow float64");
  for (Index i = 0; i < 60; ++i) b(i, 0) = 1e307;
  EXPECT_NO_THROW(least_squares(RowMatrix(a.view()), b.view()));
  for (Index i = 0; i < 60; ++i) b(i, 0) = 1e-200;
  for (Index i = 0; i < 360; ++i) large.data()[i] *= 1e150;
  EXPECT_CONTAINS(refusal(large), "the solution underflows float64");
}

TEST(LeastSquares, BadOptionsShapesAndEntriesAreNamed) {
  auto a = conditioned(100, 5, 1), b = test::gaussian_matrix64(100, 1, 2);
  const auto refusal = [&](MatrixView<const double> right, const LeastSquaresOptions& options) {
    return test::message_of<InvalidArgument>([&] { least_squares(RowMatrix(a.view()), right, options); });
  };
  EXPECT_CONTAINS(refusal(b.view().row_block(0, 99), {}), "100 rows, as A has, got 99");
  EXPECT_CONTAINS(refusal(b.view(), {.tolerance = 0}), "tolerance must be in (0, 1)");
  EXPECT_CONTAINS(refusal(b.view(), {.tolerance = std::nan("")}), "tolerance must be in (0, 1)");
  EXPECT_CONTAINS(refusal(b.view(), {.max_iterations = 0}), "max_iterations >= 1");
  EXPECT_CONTAINS(refusal(b.view(), {.sketch_rows = 4}), "sketch_rows must be >= 5");
  EXPECT_CONTAINS(refusal(b.view(), {.nonzeros = -1}), "nonzeros in [1, sketch_rows]");
  b(98, 0) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(refusal(b.view(), {}), "b has a non-finite value at row 98, column 0");
  b(98, 0) = 0;
  a(97, 3) = std::numeric_limits<double>::infinity();
  EXPECT_CONTAINS(refusal(b.view(), {}), "row 97, column 3");
}

}  // namespace
}  // namespace loewner::least_squares_test
