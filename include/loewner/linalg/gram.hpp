// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// The weighted Gram matrix G = sum_i w_i a_i a_i^T of the rows a_i of A, in float64.
///
/// Shapes    a: n x d; row_weights: n values >= 0, or empty for all ones; G: d x d, both triangles.
/// Method    row blocks are widened to float64, scaled by sqrt(w_i) and added by symmetric updates
///           to at most 8 partial sums.
/// Cost      n d^2 flops (half of the full product); memory at most 8 d^2 doubles (256 MiB unless
///           d^2 alone is more) and 1024 d per thread.
/// Accuracy  entries to about n eps64 ||A||^2; eigenvalues below 1e-15 of the largest are noise
///           (see truncated_svd).
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when the number of weights is not n or a weight is negative or not
///           finite.
Matrix<double> gram(const RowSource& a, std::span<const double> row_weights = {});

/// The weighted Gram matrix with float32 products, some 2 x faster, for iterations that correct its
/// error.
///
/// Shapes    as gram.
/// Method    products and sums within a block of 1024 rows in float32, sums over the blocks in
///           float64.
/// Cost      as gram, at the speed of float32.
/// Accuracy  entries to sqrt(1024) eps32 = 4e-6 of the largest diagonal entry, so small eigenvalues
///           are lost. Squares of sqrt(w_i) a_ij outside the range of float32 underflow or become
///           infinite.
/// Random    none; the same bits for any number of threads.
/// Errors    as gram.
Matrix<double> gram_float32(const RowSource& a, std::span<const double> row_weights = {});

/// The peak memory of the partial sums of gram() in bytes.
///
/// Errors    none.
Index gram_bytes(Index cols);

}  // namespace loewner
