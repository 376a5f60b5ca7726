// SPDX-License-Identifier: Apache-2.0
#include "regression/regression_design.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/blas.hpp"
#include "linalg/compensated_products.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/row_pieces.hpp"
#include "loewner/base/random.hpp"
#include "regression/columns.hpp"
#include "regression/tall_products.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner::detail {
namespace {

using blas::Op;

constexpr double kEps = std::numeric_limits<double>::epsilon();
constexpr Index kSketchNonzeros = 8;
constexpr double kOrthogonality = 1e-13;  // the largest error of U^T U that needs no repair
constexpr double kIllConditioned = 1e5;   // of ||S A C||_F ||T||_F
constexpr int kBasisRounds = 3;           // each divides the condition of S A C T by 1 / (cond(A) eps64)
constexpr Index kNullProbes = 4;          // random vectors that test the dropped directions
constexpr double kRoundingOfRow = 16;     // of eps64 |a_i|: what the rounding of the entries explains
constexpr int kProjections = 3;
constexpr double kFewEps = 50 * kEps;
constexpr double kSmallPart = 1e-3;         // of a dual vector: rounding of the rest is that of all
constexpr double kLeastImbalance = 1e-280;  // of products that underflow
constexpr int kMostExponent = 1000;         // 2^1000 is finite

double frobenius_norm(const Matrix<double>& a) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) sum += squared_length(a.row(i));
  return std::sqrt(sum);
}

// max |g_kl - delta_kl| over the upper triangle
double distance_from_identity(const Matrix<double>& gram) {
  double largest = 0;
  for (Index k = 0; k < gram.rows(); ++k) {
    for (Index l = k; l < gram.rows(); ++l) largest = std::max(largest, std::abs(gram(k, l) - (k == l ? 1.0 : 0.0)));
  }
  return largest;
}

std::vector<double> lengths_of_rows(const Matrix<double>& a) {
  std::vector<double> norms(a.rows());
  for (Index i = 0; i < a.rows(); ++i) norms[i] = euclidean_norm(a.row(i));
  return norms;
}

std::vector<double> lengths_of_columns(const Matrix<double>& a) {
  std::vector<double> norms(a.cols());
  for (Index j = 0; j < a.cols(); ++j) norms[j] = euclidean_norm(column_of(a.view(), j));
  return norms;
}

}  // namespace

RegressionDesign::RegressionDesign(const RowMatrix& a, std::vector<double> scales, const ArgumentCheck& check)
    : a_(Matrix<double>::uninitialized(a.rows(), a.cols())), scales_(std::move(scales)) {
  check.finite(a, "the design");
  for_each_piece(a.rows(),
                 [&](Index first, Index count) { read_rows_wide(a, first, a_.view().row_block(first, count)); });
  if (!scales_.empty() && a.rows() > 0) {
    const double largest = std::ranges::max(scales_);
    if (largest > 0) scale_exponent_ = std::ilogb(largest) + 1;
    for (double& scale : scales_) scale = std::ldexp(scale, -scale_exponent_);
  }
  scale_columns();
  check.finite(RowMatrix(a_.view()), "the design times its row weights");
  if (scales_.empty()) {
    find_basis(a_, check);
  } else {
    Matrix<double> weighted = a_.clone();
    scale_rows(weighted);
    find_basis(weighted, check);
  }
  if (!is_ill_conditioned_ || !compute_exact_basis()) compute_basis();
  if (rank() < cols()) can_prove_ = can_prove_ && !loses_entries_ && drops_rounding_only();
}

// The largest entry of each column of S A C is in [1/2, 1).
void RegressionDesign::scale_columns() {
  std::vector<double> maxima(cols(), 0.0);
  for (Index i = 0; i < a_.rows(); ++i) {
    for (Index j = 0; j < cols(); ++j) maxima[j] = std::max(maxima[j], std::abs(scale(i) * a_(i, j)));
  }
  std::vector<double> factors(cols(), 1.0), rest(cols(), 1.0);
  column_exponents_.assign(cols(), 0);
  bool has_rest = false;
  for (Index j = 0; j < cols(); ++j) {
    if (maxima[j] == 0) continue;
    int exponent = 0;
    std::frexp(maxima[j], &exponent);
    column_exponents_[j] = -exponent;
    const int first = std::clamp(-exponent, -kMostExponent, kMostExponent);
    factors[j] = std::ldexp(1.0, first);
    rest[j] = std::ldexp(1.0, -exponent - first);
    has_rest = has_rest || rest[j] != 1;
  }
  std::vector<char> loses(num_pieces(a_.rows()), false);
  for_each_piece(a_.rows(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      if (scale(i) == 0) {
        std::ranges::fill(a_.row(i), 0.0);
        continue;
      }
      bool lost = false;
      for (Index j = 0; j < cols(); ++j) {
        const double before = a_(i, j);
        a_(i, j) *= factors[j];
        lost |= before != 0 && std::abs(a_(i, j)) < std::numeric_limits<double>::min();
      }
      for (Index j = 0; has_rest && j < cols(); ++j) a_(i, j) *= rest[j];
      loses[first / kPiece] |= lost;
    }
  });
  loses_entries_ = std::ranges::any_of(loses, [](char value) { return value; });
}

void RegressionDesign::scale_rows(Matrix<double>& a) const {
  if (scales_.empty()) return;
  for_each_row(a.rows(), [&](Index i) {
    for (double& x : a.row(i)) x *= scales_[i];
  });
}

// T, from S A C.
void RegressionDesign::find_basis(const Matrix<double>& weighted, const ArgumentCheck& check) {
  const RowMatrix rows(weighted.view());
  const Index sketch_rows = std::max<Index>(1, 4 * cols());
  t_ = std::move(sketched_basis(rows, {.rows = sketch_rows, .nonzeros = kSketchNonzeros}, 0, check.function()).t);
  orthonormalize(rows, t_);
  design_norm_ = frobenius_norm(weighted);
  t_norm_ = frobenius_norm(t_);
  is_ill_conditioned_ = design_norm_ * t_norm_ > kIllConditioned;
}

// U = S A C T, with a rounding error that grows with the entries of T.
void RegressionDesign::compute_basis() {
  u_ = Matrix<double>(a_.rows(), t_.cols());
  for_each_piece(a_.rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, a_.view().row_block(first, count), t_.view(), 0.0,
               u_.view().row_block(first, count));
  });
  scale_rows(u_);
  Matrix<double> gram = weighted_gram(u_.view(), std::vector<double>(rows(), 1.0));
  const double before = distance_from_identity(gram);
  if (before >= kOrthogonality) {
    if (!blas::cholesky_upper(gram.view())) {
      can_prove_ = false;
      return;
    }
    blas::solve_upper_from_right(gram.view(), t_.view());
    solve_right(gram, u_);
  }
  const auto d = static_cast<double>(cols()), r = static_cast<double>(rank());
  basis_error_ = 10 * r * kOrthogonality + 2 * (d + r) * kEps * design_norm_ * t_norm_;
  can_prove_ = basis_error_ < 0.25;
}

// U = S A C T R^-1, without that error. T times R^-1 would be another matrix when rounded, so it is T that is known
// exactly and R that makes U orthonormal. False if the columns of S A C T are nearly dependent.
bool RegressionDesign::compute_exact_basis() {
  const Matrix<double> zero(a_.rows(), rank());
  for (int round = 1;; ++round) {
    u_ = compensated_residual(a_.view(), t_, zero);
    for_each_row(u_.rows(), [&](Index i) {
      for (double& x : u_.row(i)) x *= -scale(i);
    });
    right_ = weighted_gram(u_.view(), std::vector<double>(rows(), 1.0));
    const double distance = distance_from_identity(right_);
    if (!blas::cholesky_upper(right_.view())) return false;
    if (distance * static_cast<double>(rank()) < 0.5 || round == kBasisRounds) break;
    blas::solve_upper_from_right(right_.view(), t_.view());
  }
  solve_right(right_, u_);
  const auto r = static_cast<double>(rank());
  const double distance = distance_from_identity(weighted_gram(u_.view(), std::vector<double>(rows(), 1.0)));
  basis_error_ = r * distance + 20 * r * kEps;
  t_norm_ = frobenius_norm(t_);
  can_prove_ = distance < 1e-10;
  return true;
}

// a = a R^-1
void RegressionDesign::solve_right(const Matrix<double>& right, Matrix<double>& a) const {
  for_each_piece(a.rows(), [&](Index first, Index count) {
    blas::solve_upper_from_right(right.view(), a.view().row_block(first, count));
  });
}

// Whether A C z is rounding for random vectors z without their part in the row space: no entry exceeds what the
// rounding of the row of A explains. Where rows differ in size, a direction that is small beside the others may matter
// to some of them.
bool RegressionDesign::drops_rounding_only() const {
  RandomStream random(0, RandomPurpose::sampling);
  Matrix<double> z(cols(), kNullProbes);
  for (Index k = 0; k < cols() * kNullProbes; ++k) z.data()[k] = random.normal();
  const Matrix<double> zero(rows(), kNullProbes);
  Matrix<double> image;
  for (int pass = 0; pass < 3; ++pass) {  // once to find z, once to remove rounding errors, once to test
    image = residual(zero, z);            // -S A C z
    if (pass == 2) break;
    const Matrix<double> part = coefficients(transposed_product(image));
    for (Index k = 0; k < cols() * kNullProbes; ++k) z.data()[k] += part.data()[k];
  }
  std::vector<double> sizes(kNullProbes, 0.0);
  for (Index j = 0; j < kNullProbes; ++j) sizes[j] = euclidean_norm(column_of(z.view(), j));
  for (Index i = 0; i < rows(); ++i) {
    const double limit = kRoundingOfRow * kEps * scale(i) * euclidean_norm(a_.row(i));
    for (Index j = 0; j < kNullProbes; ++j) {
      if (!(std::abs(image(i, j)) <= limit * sizes[j])) return false;
    }
  }
  return true;
}

Matrix<double> RegressionDesign::product(const Matrix<double>& y) const {
  Matrix<double> out(rows(), y.cols());
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, u_.view().row_block(first, count), y.view(), 0.0,
               out.view().row_block(first, count));
  });
  return out;
}

void RegressionDesign::subtract_product(const Matrix<double>& y, Matrix<double>& out) const {
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, -1.0, u_.view().row_block(first, count), y.view(), 1.0,
               out.view().row_block(first, count));
  });
}

Matrix<double> RegressionDesign::transposed_product(const Matrix<double>& z) const {
  return sum_over_pieces(rows(), rank(), z.cols(), [&](Index first, Index count, MatrixView<double> sum) {
    blas::gemm(Op::transpose, Op::none, 1.0, u_.view().row_block(first, count), z.view().row_block(first, count), 1.0,
               sum);
  });
}

Matrix<double> RegressionDesign::coefficients(const Matrix<double>& y) const {
  Matrix<double> x(cols(), y.cols());
  if (right_.rows() == 0) {
    blas::gemm(Op::none, Op::none, 1.0, t_.view(), y.view(), 0.0, x.view());
  } else {
    const Matrix<double> inverse = blas::inverse_of_upper(right_.view());
    Matrix<double> solved(rank(), y.cols());
    blas::gemm(Op::none, Op::none, 1.0, inverse.view(), y.view(), 0.0, solved.view());
    blas::gemm(Op::none, Op::none, 1.0, t_.view(), solved.view(), 0.0, x.view());
  }
  return x;
}

Matrix<double> RegressionDesign::residual(const Matrix<double>& b, const Matrix<double>& x) const {
  Matrix<double> out = compensated_residual(a_.view(), x, b);
  scale_rows(out);
  return out;
}

double RegressionDesign::coefficient_of_a(Index j, double x, int exponent) const {
  return std::ldexp(x, column_exponents_[j] + exponent);
}

double RegressionDesign::scaled_coefficient(Index j, double x, int exponent) const {
  return std::ldexp(x, -column_exponents_[j] - exponent);
}

std::vector<DualError> RegressionDesign::project_duals(Matrix<double>& z) const {
  std::vector<DualError> errors;
  for (int pass = 0; pass < kProjections; ++pass) {
    if (project_once(z, errors)) break;
  }
  if (rank() < cols()) {
    const std::vector<double> left = lengths_of_rows(off_balance(z).high);
    for (Index j = 0; j < z.cols(); ++j) errors[j].per_size = 1.1 * left[j] + kLeastImbalance;
  }
  return errors;
}

// False if the next projection would leave less: a large part of Z is known to few digits.
bool RegressionDesign::project_once(Matrix<double>& z, std::vector<DualError>& errors) const {
  const Index t = z.cols();
  const TwoPartMatrix off = off_balance(z);  // t x d
  const std::vector<double> sizes = lengths_of_rows(off.high);
  Matrix<double> part(t, rank());  // (T^T A^T S Z)^T
  blas::gemm(Op::none, Op::none, 1.0, off.high.view(), t_.view(), 0.0, part.view());
  blas::gemm(Op::none, Op::none, 1.0, off.low.view(), t_.view(), 1.0, part.view());
  if (right_.rows() > 0) blas::solve_upper_from_right(right_.view(), part.view());
  Matrix<double> y(rank(), t);
  for (Index k = 0; k < rank(); ++k) {
    for (Index j = 0; j < t; ++j) y(k, j) = part(j, k);
  }
  subtract_product(y, z);
  const std::vector<double> lengths = lengths_of_columns(z), parts = lengths_of_rows(part);
  const auto n = static_cast<double>(rows()), d = static_cast<double>(cols());
  bool is_done = true;
  errors.assign(t, {});
  for (Index j = 0; j < t; ++j) {
    const double of_products = 4 * d * kEps * sizes[j] + n * kEps * n * kEps * design_norm_ * lengths[j];
    errors[j].per_image = 2 * (basis_error_ * parts[j] + t_norm_ * of_products) + kLeastImbalance;
    is_done = is_done && parts[j] <= kSmallPart * lengths[j] && errors[j].per_image <= kFewEps * lengths[j];
  }
  return is_done;
}

// (A^T S Z)^T
TwoPartMatrix RegressionDesign::off_balance(const Matrix<double>& z) const {
  if (scales_.empty()) return compensated_transposed_product(a_.view(), z);
  Matrix<double> weighted = z.clone();
  scale_rows(weighted);
  return compensated_transposed_product(a_.view(), weighted);
}

}  // namespace loewner::detail
