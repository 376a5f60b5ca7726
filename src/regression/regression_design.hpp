// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/argument_check.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// The orthonormal coordinates that all regressions on one design share:  S A = U F  with
/// orthonormal columns of U and S = diag(scales).
///
/// Shapes    A: n x d, any rank r; U: n x r.
/// Method    columns scaled by powers of two, then a sketched basis of the column space,
///           orthonormalized.
/// Cost      5 n d^2 flops; memory n (d + r) doubles.
/// Accuracy  U^T U = I to 1e-13; everything in float64.
/// Random    a fixed seed; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry of A, or of S A (row and column named).
class RegressionDesign {
 public:
  /// scales: n values >= 0, or empty for all ones.
  RegressionDesign(const RowMatrix& a, std::vector<double> scales, const ArgumentCheck& check);

  Index rows() const { return u_.rows(); }
  Index cols() const { return a_.cols(); }
  Index rank() const { return u_.cols(); }
  double scale(Index i) const { return scales_.empty() ? 1.0 : scales_[i]; }
  MatrixView<const double> basis() const { return u_.view(); }

  Matrix<double> product(const Matrix<double>& y) const;                      ///< U y, n x t
  Matrix<double> transposed_product(const Matrix<double>& z) const;           ///< U^T z, r x t
  void subtract_product(const Matrix<double>& y, Matrix<double>& out) const;  ///< out -= U y

  /// The X (d x t) with S A X = U y. Of several, the one with the least norm after the columns of A
  /// are scaled to entries of at most 1.
  Matrix<double> solution(const Matrix<double>& y) const;

  /// targets - S A X, computed from A itself and not from U.
  Matrix<double> residual(const Matrix<double>& targets, const Matrix<double>& x) const;

 private:
  void repair_orthogonality();

  Matrix<double> a_;                   // S A C
  std::vector<double> scales_;         // S
  std::vector<double> column_scales_;  // C, powers of two
  Matrix<double> t_;                   // d x r: U = S A C T
  Matrix<double> u_;
};

}  // namespace loewner::detail
