// SPDX-License-Identifier: Apache-2.0
#pragma once

// Typed calls of the BLAS and LAPACK routines of the library, for row-major views. Only blas_symbols.hpp declares BLAS.
//
// BLAS runs on one thread. The loops of the library distribute the work, so results do not depend on the number of
// threads; a threaded BLAS does not guarantee that. Large products and factorizations are cut into parts, whose sizes
// depend on the matrices only. Between parts they throw Cancelled if the caller requests it.

#include <string>
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

/// Solves x op(u) = b for x in place of b, u upper triangular (b: m x n, u: n x n).
void solve_upper_from_right(MatrixView<const double> u, MatrixView<double> b, Op op = Op::none);

/// b = b u, u upper triangular (b: m x n, u: n x n; entries below its diagonal are not read).
void multiply_by_upper(MatrixView<const double> u, MatrixView<double> b);
void multiply_by_upper(MatrixView<const float> u, MatrixView<float> b);

/// The inverse of an upper triangular matrix without zeros on the diagonal, zeros below it. n^3 / 3 flops.
Matrix<double> inverse_of_upper(MatrixView<const double> u);

/// Upper Cholesky factor in the upper triangle of a (a = u^T u); false when a is not numerically positive definite.
bool cholesky_upper(MatrixView<double> a);

/// The same with pivots: u^T u = a(order, order), where u has a decreasing diagonal. Reads the upper triangle of a.
bool pivoted_cholesky_upper(MatrixView<double> a, std::vector<Index>& order);

/// a = Q T Q^T, T tridiagonal with n and n - 1 values. Stores Q as Householder vectors in a and `factors`.
void tridiagonal_form(MatrixView<double> a, std::vector<double>& diagonal, std::vector<double>& beside,
                      std::vector<double>& factors);

/// Replaces the diagonal of T by the eigenvalues, ascending; eigenvector i is row i of vectors. False when LAPACK did
/// not converge.
bool tridiagonal_eigen(std::vector<double>& diagonal, std::vector<double>& beside, MatrixView<double> vectors);

/// Multiplies each row of vectors by Q in the form of tridiagonal_form.
void multiply_by_householder(MatrixView<const double> a, const std::vector<double>& factors,
                             MatrixView<double> vectors);

/// The eigenvalues only, ascending; a is overwritten. False when LAPACK did not converge.
bool symmetric_eigenvalues(MatrixView<double> a, std::vector<double>& values);

/// A tridiagonal matrix with the eigenvalues of a: n and n - 1 values. a is overwritten.
void tridiagonal_form(MatrixView<float> a, std::vector<float>& diagonal, std::vector<float>& beside);

/// R of a = Q R, n x n upper triangular; a is overwritten.
void qr_upper_in_place(MatrixView<double> a, MatrixView<double> r);

/// SVD of an upper bidiagonal matrix: replaces its diagonal by the singular values, descending. `beside` has one entry
/// less. Row i of left and column i of right are the vectors of value i. False when LAPACK did not converge.
bool bidiagonal_svd(std::vector<double>& diagonal, std::vector<double> beside, MatrixView<double> left,
                    MatrixView<double> right);

/// Thin SVD a = u diag(s) vt (m x n, r = min(m, n)); a is overwritten. False when LAPACK did not converge.
bool thin_svd(MatrixView<double> a, Matrix<double>& u, std::vector<double>& s, Matrix<double>& vt);

/// The singular values of a only, descending, some five times faster; a is overwritten. False when LAPACK did not
/// converge.
bool singular_values(MatrixView<double> a, std::vector<double>& s);

/// Version and build options of the library, and the processor whose kernels it chose at start.
std::string configuration();
std::string core_name();

}  // namespace loewner::blas
