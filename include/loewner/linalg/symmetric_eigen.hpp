// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

/// Eigenvalues in descending order and the orthonormal eigenvectors that belong to them, one per ROW.
struct SymmetricEigen {
  std::vector<double> values;  // d
  Matrix<double> vectors_t;    // d x d: G = vectors_t^T diag(values) vectors_t
};

/// All eigenpairs of a symmetric matrix G (d x d; only its upper triangle is read).
///
/// Method    LAPACK: tridiagonal form and divide and conquer (as in dsyevd) on one thread, the way back in parallel.
/// Cost      about 4 d^3 flops; memory 3 d^2 doubles.
/// Accuracy  eigenvalues to eps64 ||G||_2 absolutely; each sign of an eigenvector is chosen so that its entry of
///           largest magnitude is positive.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when G is not square or not finite.
SymmetricEigen symmetric_eigen(Matrix<double> g);

}  // namespace loewner
