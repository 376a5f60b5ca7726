// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct EnclosingEllipsoidOptions {
  double epsilon = 1e-6;  ///< > 0: tolerance of largest / d - 1
  int max_iterations = 100000;
};

struct EnclosingEllipsoid {
  Matrix<double> factor;        ///< F, d x d: F^T F = G = sum_i w_i a_i a_i^T
  std::vector<double> weights;  ///< w: n values >= 0 with sum 1
  double largest = 0;           ///< max_i a_i^T G^-1 a_i: y^T G^-1 y <= largest for all points y
  FitReport report;             ///< objective: largest / d - 1
};

/// The ellipsoid of minimum volume with center 0 that contains the points +-a_i, by its dual
/// problem, D-optimal design:  max over w >= 0, sum_i w_i = 1 of  log det sum_i w_i a_i a_i^T.
///
/// Shapes    a: n x d, rank d.
/// Units     epsilon: relative to d.
/// Method    coordinate ascent with away steps [Khachiyan1996, ToddYildirim2007] on whitened rows,
///           started from d rows of large volume, which greedy elimination chooses. Rank-one
///           updates of the inverse, recomputed every 200 steps.
/// Cost      n d^2 flops for the start, 2 n d flops per step, a few hundred times d steps; memory
///           2 n d doubles.
/// Accuracy  status converged: largest <= (1 + epsilon) d, recomputed from the weights. Then the
///           volume is at most (1 + epsilon)^(d/2) times the minimum.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument if A is empty or has a rank below d (the message names the rank), on
///           epsilon <= 0 and on a non-finite entry.
EnclosingEllipsoid enclosing_ellipsoid(const RowSource& a, const EnclosingEllipsoidOptions& options = {});

}  // namespace loewner
