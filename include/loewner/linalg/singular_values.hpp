// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// The singular values of sqrt(W) A, descending.
///
/// Shapes    a: n x d; row_weights: n values >= 0, or empty for all ones; result: min(n, d) values.
/// Method    square roots of the eigenvalues of the Gram matrix of the shorter side; for n < d the matrix is read
/// whole. Cost      n d^2 + 4/3 d^3 flops with d the smaller side; memory d^2 doubles for each lane of gram() and, for
/// n < d,
///           n d floats.
/// Accuracy  absolutely sqrt(eps64) sigma_1 = 1.5e-8 sigma_1: values below that are noise. For n < d with weights the
///           rows are scaled in float32, 6e-8 relative.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry (row and column are named) or bad weights.
std::vector<double> singular_values(const RowSource& a, std::span<const double> row_weights = {});

/// singular_values() of A in float32: for curves of which nobody needs the end.
///
/// Method    gram_float32() (gram() where squares leave the range of float32) and a tridiagonal form in float32,
///           whose eigenvalues bisection finds all at once.
/// Cost      as above, at the speed of float32.
/// Accuracy  of sigma_i^2 absolutely some 1e-6 sigma_1^2: values below 1e-3 sigma_1 are noise. Measured on
///           all-MiniLM-L6-v2 (table_residual.py): residuals of every rank but a matrix's last two within 2 %.
/// Errors    as above.
std::vector<double> singular_values_float32(const RowSource& a);

/// sqrt(sum_{i > k} sigma_i^2) / sqrt(sum_i sigma_i^2) for k = 0 ... all: what the best matrix of rank k leaves; zeros
/// for a zero matrix. residual_norm: root of the sum of squares of values that are not in the list.
std::vector<double> relative_residuals(const std::vector<double>& singular_values, double residual_norm = 0);

}  // namespace loewner
