// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// U^T diag(weights) U, the upper triangle. Row sums here and below run in fixed blocks: the same bits for any number
/// of threads.
Matrix<double> weighted_gram(MatrixView<const double> u, std::span<const double> weights);

/// U y and U^T z for one vector.
std::vector<double> multiply(MatrixView<const double> u, std::span<const double> y);
std::vector<double> multiply_transposed(MatrixView<const double> u, std::span<const double> z);

/// Cholesky factor of a positive semidefinite matrix, of which as little of the identity is added as it takes: 1e-14 of
/// the trace where the matrix is far from singular. The identity for a matrix that is not finite.
Matrix<double> ridged_cholesky(const Matrix<double>& gram);

/// The design of many regressions in coordinates that are well conditioned whatever its columns are: S A = U F with
/// orthonormal columns of U (n x r), S = diag(scales). All in float64; memory n (d + r) doubles.
///
/// Sums over rows run in fixed blocks, so products are the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry of A, or of S A (row and column named).
class RegressionDesign {
 public:
  /// scales: n values >= 0, or empty for all ones.
  RegressionDesign(const RowMatrix& a, std::vector<double> scales, const char* caller);

  Index rows() const { return u_.rows(); }
  Index cols() const { return a_.cols(); }
  Index rank() const { return u_.cols(); }
  double scale(Index i) const { return scales_.empty() ? 1.0 : scales_[i]; }
  MatrixView<const double> basis() const { return u_.view(); }

  Matrix<double> product(const Matrix<double>& y) const;                      ///< U y, n x t
  Matrix<double> transposed_product(const Matrix<double>& z) const;           ///< U^T z, r x t
  void subtract_product(const Matrix<double>& y, Matrix<double>& out) const;  ///< out -= U y

  /// The X (d x t) of least norm, in columns of A scaled to entries of at most 1, with S A X = U y.
  Matrix<double> solution(const Matrix<double>& y) const;
  /// targets - S A X, from A itself and not from U.
  Matrix<double> residual(const Matrix<double>& targets, const Matrix<double>& x) const;

 private:
  void repair_orthogonality();

  Matrix<double> a_;                   // S A C, C = diag(column_scales_): powers of two
  std::vector<double> scales_;         // S
  std::vector<double> column_scales_;  // C
  Matrix<double> t_;                   // d x r: U = S A C t
  Matrix<double> u_;
};

}  // namespace loewner::detail
