// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct LoewnerEllipsoidOptions {
  double norm_exponent = 1;  ///< p in [1, infinity], infinity included
  double epsilon = 0.01;     ///< > 0: the goal is the distortion (1 + epsilon) sqrt(d)
  int max_iterations = 20000;
};

struct LoewnerEllipsoid {
  Matrix<double> factor;  ///< F, d x d
  double distortion = 1;  ///< c, proved for this F
  FitReport report;       ///< objective: log(volume / volume of the first ellipsoid)
};

/// A small ellipsoid {x : ||F x||_2 <= 1} with center 0 that contains the level set {x : ||A x||_p
/// <= 1}:
///
///     ||F x||_2 <= ||A x||_p <= c ||F x||_2    for all x.
///
/// Shapes    a: n x d, rank d; F: d x d.
/// Units     epsilon: relative to sqrt(d).
/// Method    p < infinity: starts at the scaled ellipsoid of ||A x||_2. A local search finds
///           directions in which the norm exceeds (1 + epsilon) sqrt(d); each exact subgradient of
///           ||A x||_p there gives a pair of parallel cuts [Todd1982], which keeps the center at 0.
///           p = infinity: the polar of enclosing_ellipsoid of the rows, to a relative 1e-6. A
///           reference for lp_factorization, which is faster and has a better bound for 1 < p <
///           infinity.
/// Cost      about 2 n d^2 flops per round of d searches, some tens of rounds; memory 3 n d
///           doubles: for small d.
/// Accuracy  both inequalities are proved for the returned F, up to rounding: the left one because
///           no cut removes a point of the level set, the right one by the moment matrix of U = A
///           F^-1 (see the source). p = 2 gives F^T F = A^T A and c = 1. Status converged: c <= (1
///           + epsilon) sqrt(d), the distortion of the smallest ellipsoid [John1948] times 1 +
///           epsilon. Status stalled: the search finds no cut, although only the larger c is
///           proved.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument if A is empty or has a rank below d (the message names the rank), on p
///           < 1, epsilon <= 0 and a non-finite entry.
LoewnerEllipsoid loewner_ellipsoid(const RowSource& a, const LoewnerEllipsoidOptions& options = {});

}  // namespace loewner
