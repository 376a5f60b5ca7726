// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// An orthonormal basis of R^d, one vector per row; the first `dimension` vectors span a subspace.
struct Frame {
  MatrixView<const double> vectors_t;  // d x d
  Index dimension = 0;
};

/// Squared distances  ||a_i - V_l V_l^T a_i||_2^2  of all rows of A from the subspaces of all
/// frames l.
///
/// Shapes    a: n x d; frames: k; result: n x k.
/// Method    one float32 product per row block with the shorter part of every frame. Coordinates
///           outside the subspace: the sum of their squares is the distance. Coordinates inside:
///           their squares are subtracted from ||a_i||^2; rows for which this cancels are
///           recomputed in float64.
/// Cost      2 n d sum_l min(j_l, d - j_l) flops in float32, and 4 n_c d j_l in float64 for n_c
///           rows that cancel.
/// Accuracy  about 1e-6 ||a_i||^2, or 1e-2 of the distance if that is smaller; never negative.
/// Random    none; the same bits for any number of threads.
Matrix<double> squared_distances(const RowSource& a, std::span<const Frame> frames);

}  // namespace loewner::detail
