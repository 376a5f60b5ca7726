// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// An orthonormal basis of R^d, one vector per row, of which the first `dimension` span a subspace.
struct Frame {
  MatrixView<const double> vectors_t;  // d x d
  Index dimension = 0;
};

/// ||a_i - V_l V_l^T a_i||_2^2 for all rows of A and all frames l.
///
/// Shapes    a: n x d; frames: k; result: n x k.
/// Method    one float32 product per row block with the shorter half of every frame: the squares of the coordinates
///           outside the subspace add up to the distance; those inside are taken from ||a_i||^2, and rows for which
///           that cancels are done again in float64.
/// Cost      2 n d sum_l min(j_l, d - j_l) flops in float32, and 4 n_c d j_l in float64 for n_c rows that cancel.
/// Accuracy  some 1e-6 ||a_i||^2, and 1e-2 of the distance where that is smaller; not negative.
/// Random    none; the same bits for any number of threads.
Matrix<double> squared_distances(const RowSource& a, std::span<const Frame> frames);

}  // namespace loewner::detail
