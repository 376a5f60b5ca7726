// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

/// Eigenvalues in descending order and orthonormal eigenvectors, one per row.
struct SymmetricEigen {
  std::vector<double> values;  // d
  Matrix<double> vectors_t;    // d x d: G = vectors_t^T diag(values) vectors_t
};

/// All eigenvalues and eigenvectors of a symmetric matrix G.
///
/// Shapes    g: d x d, only the upper triangle is read; result: d values, d x d vectors.
/// Method    LAPACK: tridiagonal form and divide and conquer (as in dsyevd) on one thread, the
///           back-transformation in parallel.
/// Cost      about 4 d^3 flops; memory 3 d^2 doubles.
/// Accuracy  eigenvalues to an absolute eps64 ||G||_2. The sign of each eigenvector makes its entry
///           of largest magnitude positive.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when G is not square or not finite.
SymmetricEigen symmetric_eigen(Matrix<double> g);

}  // namespace loewner
