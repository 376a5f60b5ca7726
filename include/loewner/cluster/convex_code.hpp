// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct ConvexCodeOptions {
  Index sparsity = 0;   ///< t >= 1: at most so many weights a row; 0: as many as it takes
  double gap = 1e-6;    ///< of the squared distance, relative to ||a_i||^2
  bool scaled = false;  ///< rows may be any multiple s_i >= 0 of a convex combination
};

/// Weights by rows, those above 0 only: row i has weights[k] of vertex columns[k] for
/// row_offsets[i] <= k < row_offsets[i + 1].
struct ConvexCodes {
  std::vector<std::int64_t> row_offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> weights;
  std::vector<double> scales;             ///< n: s_i; 1 unless they are free
  std::vector<double> squared_distances;  ///< n: what is left of each row
  double largest_gap = 0;                 ///< proven, relative to ||a_i||^2; of the sparse codes within their vertices
};

/// Every row as the convex combination of the vertices that comes nearest:  min ||a_i - s M^T w||^2,  w >= 0, sum w = 1
/// and s = 1, or, scaled, any s >= 0.
///
/// Shapes    vertices (M): k x d, a: n x d, any storage.
/// Method    active sets with the exact solution on each: vertices come in by their gradient and leave where a weight
///           would become negative. Sparse: the t largest weights, then once more with these vertices only.
///           Scaled: weights at a scale that puts the row among the vertices, and the scale by least squares, in turn;
///           on the vertices of a sparse code until the scale stands still, which is the non-negative optimum.
/// Cost      2 nnz(A) k flops for all products, then per row and step s^3 / 3 + k s for s vertices in use.
/// Accuracy  squared distance within `gap` ||a_i||^2 of the least, proved by the Frank-Wolfe gap; weights sum to 1 to
///           rounding. Scaled: of the weights at the last scale. A sparse code is the best on its vertices, which need
///           not be the best t.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on no vertices, other numbers of columns, options out of range or a non-finite entry.
ConvexCodes convex_code(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options = {});

}  // namespace loewner
