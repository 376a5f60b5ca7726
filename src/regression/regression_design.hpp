// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/argument_check.hpp"
#include "linalg/compensated_products.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// How far a vector z is from  z^T S A = 0.  For every e, and a z' with |z'_i - z_i| <= eps64 |z_i|:
/// |z'^T S A C e|  is at most per_image ||S A C e||_2 if A has full column rank, otherwise at most
/// per_size ||e||_2.
struct DualError {
  double per_image = 0, per_size = 0;
};

/// The orthonormal coordinates that all regressions on one design share:  S A = U F  with
/// orthonormal columns of U and S = diag(scales) 2^-k. The columns of A are scaled, too, by powers
/// of two, C: coefficients are those of A C.
///
/// Shapes    A: n x d, any rank r; U: n x r.
/// Method    a sketched basis T of the column space, orthonormalized: U = S A C T. For an
///           ill-conditioned A this product is computed in twice the working precision, since the
///           columns of U would span another space otherwise.
/// Cost      5 n d^2 flops, 25 n d^2 for an ill-conditioned A; memory n (d + r) doubles.
/// Accuracy  U^T U = I to 1e-13.
/// Random    a fixed seed; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry of A, or of S A (row and column named).
class RegressionDesign {
 public:
  /// scales: n values >= 0, or empty for all ones.
  RegressionDesign(const RowMatrix& a, std::vector<double> scales, const ArgumentCheck& check);

  Index rows() const { return a_.rows(); }
  Index cols() const { return a_.cols(); }
  Index rank() const { return t_.cols(); }
  double scale(Index i) const { return scales_.empty() ? 1.0 : scales_[i]; }  ///< at most 1
  int scale_exponent() const { return scale_exponent_; }                      ///< k
  bool is_ill_conditioned() const { return is_ill_conditioned_; }
  MatrixView<const double> basis() const { return u_.view(); }

  Matrix<double> product(const Matrix<double>& y) const;                      ///< U y, n x t
  Matrix<double> transposed_product(const Matrix<double>& z) const;           ///< U^T z, r x t
  void subtract_product(const Matrix<double>& y, Matrix<double>& out) const;  ///< out -= U y

  /// The X (d x t) with S A C X = U y. Of several, the one with the least norm.
  Matrix<double> coefficients(const Matrix<double>& y) const;

  /// S (B - A C X), computed from A itself and not from U, to eps64 of each entry and (d eps64)^2
  /// of |A C| |X|.
  Matrix<double> residual(const Matrix<double>& b, const Matrix<double>& x) const;

  /// c_j x 2^exponent, a coefficient of A itself, and its inverse.
  double coefficient_of_a(Index j, double x, int exponent) const;
  double scaled_coefficient(Index j, double x, int exponent) const;

  /// Whether dual_errors are bounds: the basis spans the columns of A, or all but what the rounding
  /// of its entries explains.
  bool can_prove() const { return can_prove_; }

  /// Projects the columns of Z on the orthogonal complement of S A and bounds what is left, measured
  /// against A itself in twice the working precision.
  std::vector<DualError> project_duals(Matrix<double>& z) const;

 private:
  void scale_columns();
  void scale_rows(Matrix<double>& a) const;
  void find_basis(const Matrix<double>& weighted, const ArgumentCheck& check);
  void compute_basis();
  bool compute_exact_basis();
  void solve_right(const Matrix<double>& right, Matrix<double>& a) const;
  bool drops_rounding_only() const;
  bool project_once(Matrix<double>& z, std::vector<DualError>& errors) const;
  TwoPartMatrix off_balance(const Matrix<double>& z) const;

  Matrix<double> a_;                   // A C
  std::vector<double> scales_;         // S
  int scale_exponent_ = 0;             // k
  std::vector<int> column_exponents_;  // C
  Matrix<double> t_;                   // d x r
  Matrix<double> right_;               // R: S A C T = U R; empty for the identity
  Matrix<double> u_;
  double design_norm_ = 0, t_norm_ = 0;  // ||S A C||_F, ||T||_F
  double basis_error_ = 0;               // bounds ||(S A C T R^-1)^T U - I||_2
  bool is_ill_conditioned_ = false, loses_entries_ = false, can_prove_ = true;
};

}  // namespace loewner::detail
