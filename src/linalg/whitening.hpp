// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// A factor T with Q^+ = T T^T of a positive semidefinite matrix Q, so that ||T^T a||^2 = a^T Q^+ a. If Q is the Gram
/// matrix of rows, that is the leverage score of the row a.
struct Whitening {
  Matrix<double> t;      ///< d x r
  bool upper = false;    ///< T is upper triangular, r = d
  double condition = 0;  ///< trace(Q) ||T||_F^2, at least the condition number of Q on its range
};

/// By Cholesky if Q is well conditioned, otherwise by eigenvectors; eigenvalues below 1e-12 of the largest are treated
/// as 0.
Whitening whitening_of(const Matrix<double>& q);

/// Nothing when Q is not positive definite or its condition exceeds the limit.
std::optional<Whitening> whitening_by_cholesky(Matrix<double> q, double condition_limit);

/// y = rows T, in half the time for an upper triangular T.
void whiten_rows(MatrixView<const double> rows, MatrixView<const double> t, bool upper, MatrixView<double> y);
void whiten_rows(MatrixView<const float> rows, MatrixView<const double> t, bool upper, MatrixView<double> y);
void whiten_rows(MatrixView<const float> rows, MatrixView<const float> t, bool upper, MatrixView<float> y);

}  // namespace loewner::detail
