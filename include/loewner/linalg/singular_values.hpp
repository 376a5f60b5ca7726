// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// The singular values of A, descending.
///
/// Shapes    a: n x d; result: min(n, d) values.
/// Method    square roots of the eigenvalues of the Gram matrix of the shorter side; for n < d the matrix is read
/// whole. Cost      n d^2 + 4/3 d^3 flops with d the smaller side; memory d^2 doubles for each lane of gram() and, for
/// n < d,
///           n d floats.
/// Accuracy  absolutely sqrt(eps64) sigma_1 = 1.5e-8 sigma_1: values below that are noise.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry (row and column are named).
std::vector<double> singular_values(const RowSource& a);

/// sqrt(sum_{i > k} sigma_i^2) / sqrt(sum_i sigma_i^2) for k = 0 ... all: what the best matrix of rank k leaves; zeros
/// for a zero matrix.
std::vector<double> relative_residuals(const std::vector<double>& singular_values);

}  // namespace loewner
