// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct EnclosingEllipsoidOptions {
  double epsilon = 1e-6;
  int max_iterations = 100000;
};

struct EnclosingEllipsoid {
  Matrix<double> factor;        // d x d: factor^T factor = G = sum_i w_i a_i a_i^T
  std::vector<double> weights;  // n values >= 0 that sum to 1
  double largest = 0;           // max_i a_i^T G^{-1} a_i >= d: {y : y^T G^{-1} y <= largest} holds every point
  FitReport report;             // objective: largest / d - 1, which bounds the distance from the optimum
};

/// The ellipsoid of minimum volume that is centred at 0 and holds the points +-a_i, in its dual form: weights w >= 0,
/// sum w_i = 1, that maximise  log det sum_i w_i a_i a_i^T  (D-optimal design).
///
/// Shapes    a: n x d, rank d.
/// Units     epsilon: of largest / d, relative.
/// Method    coordinate ascent with away steps [Khachiyan1996; ToddYildirim2007] on whitened rows, from d points of
///           large volume chosen by greedy elimination; rank-one updates, recomputed now and then.
/// Cost      n d^2 to start, then 2 n d flops per step, a few hundred d steps; memory 2 n d doubles.
/// Accuracy  converged: largest <= (1 + epsilon) d, computed afresh from the weights. Then the volume is at most
///           (1 + epsilon)^(d/2) times the smallest one.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when rank(A) < d (the rank is named), epsilon <= 0, or an entry is not finite.
EnclosingEllipsoid enclosing_ellipsoid(const RowSource& a, const EnclosingEllipsoidOptions& options = {});

}  // namespace loewner
