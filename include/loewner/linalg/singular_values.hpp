// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// The singular values of sqrt(W) A, descending, with W the diagonal matrix of the row weights.
///
/// Shapes    a: n x d; row_weights: n values >= 0, or empty for all ones; result: min(n, d) values.
/// Method    square roots of the eigenvalues of the Gram matrix of the shorter side; for n < d the
///           whole matrix is read into memory.
/// Cost      n d^2 + 4/3 d^3 flops with d the smaller side; memory of gram() and, for n < d, n d
///           floats.
/// Accuracy  absolute error sqrt(eps64) sigma_1 = 1.5e-8 sigma_1: values below that are noise. For
///           n < d with weights the rows are scaled in float32, to a relative 6e-8.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry (row and column named), and on weights as
///           gram().
std::vector<double> singular_values(const RowSource& a, std::span<const double> row_weights = {});

/// The singular values of A in float32, for curves whose end does not matter.
///
/// Shapes    a: n x d; result: min(n, d) values, descending.
/// Method    gram_float32(), or gram() if squares leave the range of float32; then a tridiagonal
///           form in float32, whose eigenvalues bisection finds all at once.
/// Cost      as singular_values, at the speed of float32.
/// Accuracy  absolute error of sigma_i^2 some 1e-6 sigma_1^2: values below 1e-3 sigma_1 are noise.
///           Measured on all-MiniLM-L6-v2 (table_residual.py): residuals of every rank but a
///           matrix's last two within 2 %.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry (row and column named).
std::vector<double> singular_values_float32(const RowSource& a);

/// The relative errors sqrt(sum_{i > k} sigma_i^2) / sqrt(sum_i sigma_i^2) of the best
/// approximations of rank k = 0, 1, ..., from the singular values.
///
/// Shapes    singular_values: m values; residual_norm: root of the sum of squares of singular
///           values that are not in the list; result: m + 1 values, zeros for a zero matrix.
/// Method    sums from the smallest value on.
/// Cost      O(m).
/// Accuracy  relative error m eps64.
/// Errors    none.
std::vector<double> relative_residuals(const std::vector<double>& singular_values, double residual_norm = 0);

}  // namespace loewner
