// SPDX-License-Identifier: Apache-2.0
#pragma once

// Typed, row-major, view-based calls of the few BLAS and LAPACK routines the library uses. Nothing else includes
// cblas.h.
//
// Every call runs on one thread: the library's own loops share the work out, so results do not depend on the number of
// threads, which a threaded BLAS does not promise.

#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"

namespace loewner::blas {

enum class Op { none, transpose };

/// c = alpha op(a) op(b) + beta c
void gemm(Op op_a, Op op_b, double alpha, MatrixView<const double> a, MatrixView<const double> b, double beta,
          MatrixView<double> c);
void gemm(Op op_a, Op op_b, float alpha, MatrixView<const float> a, MatrixView<const float> b, float beta,
          MatrixView<float> c);

/// Upper triangle of c = a^T a + c.
void add_gram_upper(MatrixView<const double> a, MatrixView<double> c);
void add_gram_upper(MatrixView<const float> a, MatrixView<float> c);

/// Solves x u = b for x in place of b, u upper triangular (b: m x n, u: n x n).
void solve_upper_from_right(MatrixView<const double> u, MatrixView<double> b);

/// Upper Cholesky factor in the upper triangle of a (a = u^T u); false when a is not numerically positive definite.
bool cholesky_upper(MatrixView<double> a);

/// Eigenvalues ascending in `values`; row i of a becomes the i-th eigenvector. False when LAPACK did not converge.
bool symmetric_eigen_in_place(MatrixView<double> a, std::vector<double>& values);

/// Eigenvalues alone, ascending; a is overwritten.
bool symmetric_eigenvalues(MatrixView<double> a, std::vector<double>& values);

/// A tridiagonal matrix of the same eigenvalues as a, which is overwritten: n and n - 1 values.
void tridiagonal_form(MatrixView<float> a, std::vector<float>& diagonal, std::vector<float>& beside);

/// R of a = Q R, n x n upper triangular; a is overwritten.
void qr_upper_in_place(MatrixView<double> a, MatrixView<double> r);

/// Thin SVD a = u diag(s) vt (m x n, r = min(m, n)); a is overwritten. False when LAPACK did not converge.
bool thin_svd(MatrixView<double> a, Matrix<double>& u, std::vector<double>& s, Matrix<double>& vt);

/// The singular values of a alone, descending, some five times faster; a is overwritten. False when LAPACK did not
/// converge.
bool singular_values(MatrixView<double> a, std::vector<double>& s);

}  // namespace loewner::blas
