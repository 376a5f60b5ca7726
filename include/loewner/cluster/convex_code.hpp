// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct ConvexCodeOptions {
  Index sparsity = 0;   ///< largest number of weights per row, >= 1; 0: no limit
  double gap = 1e-6;    ///< tolerance of the squared distance, relative to ||a_i||^2
  bool scaled = false;  ///< approximates each row by s_i >= 0 times a convex combination
};

/// The positive weights, row by row: row i has weights[k] of vertex columns[k] for
/// row_offsets[i] <= k < row_offsets[i + 1].
struct ConvexCodes {
  std::vector<std::int64_t> row_offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> weights;
  std::vector<double> scales;             ///< n values s_i; all 1 unless options.scaled
  std::vector<double> squared_distances;  ///< n values ||a_i - s_i M^T w_i||^2
  /// Largest Frank-Wolfe gap of a row relative to ||a_i||^2: a proven bound on how far its squared
  /// distance is above the minimum. For sparse codes the minimum is over the chosen vertices; for
  /// scaled codes over all scales of at most 1000 times s_i.
  double largest_gap = 0;
};

/// Approximates every row a of A by a convex combination of vertices: minimizes ||a - s M^T w||^2
/// subject to w >= 0, sum w = 1, and s = 1 or, if options.scaled, s >= 0.
///
/// Shapes    vertices (M): k x d; a: n x d, any storage.
/// Units     gap: relative to ||a_i||^2. Very large or small entries are divided by a power of two.
/// Method    active sets with a Cholesky solve on each: the vertex of the steepest gradient enters,
///           vertices whose weight would become negative leave. With a sparsity t: the t largest
///           weights, solved again on these vertices. Scaled: s w is any vector >= 0, so this is
///           non-negative least squares, solved by active sets as well [LawsonHanson1974].
/// Cost      2 nnz(A) k flops for all products, then s^3 / 3 + k s flops per row and step with s
///           active vertices.
/// Accuracy  squared distances within gap * ||a_i||^2 of the minimum, proved by the Frank-Wolfe
///           gap [Jaggi2013]; weights sum to 1 to rounding. Scaled: among all weights and scales of
///           at most 1000 times the returned scale, or all scales if that is 0. A sparse code is
///           the best on its vertices; these need not be the best t vertices.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument if there is no vertex, if the numbers of columns differ, if an option
///           is out of range, on a non-finite entry, or if squared distances or scales leave
///           float64.
ConvexCodes convex_code(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options = {});

}  // namespace loewner
