// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct LoewnerEllipsoidOptions {
  double norm_exponent = 1;  ///< p in [1, infinity], infinity included
  double epsilon = 0.01;     ///< a cut is made where the distortion exceeds (1 + epsilon) sqrt(d)
  int max_iterations = 20000;
};

struct LoewnerEllipsoid {
  Matrix<double> factor;  // F, d x d
  double distortion = 1;  // c, proved for this F
  FitReport report;       // objective: log volume of the ellipsoid relative to the first one
};

/// A small ellipsoid {x : ||F x||_2 <= 1} around the level set {x : ||A x||_p <= 1}, centred at 0:
///
///     ||F x||_2 <= ||A x||_p <= c ||F x||_2    for all x.
///
/// Shapes    a: n x d, rank d; F: d x d.
/// Method    p < infinity: from the scaled ellipsoid of ||A x||_2, pairs of parallel cuts [Todd1982] by the exact
///           subgradient of ||A x||_p where a local search finds the norm above (1 + epsilon) sqrt(d), which keeps the
///           centre at 0; p = infinity: enclosing_ellipsoid of the rows, whose polar it is (weights to a relative
///           1e-6). The reference for lp_factorization, which is faster and has a better bound for 1 < p < infinity.
/// Cost      about 2 n d^2 per round of d searches times some tens of rounds; memory 3 n d doubles: for small d.
/// Accuracy  both inequalities are proved for the F that is returned, up to rounding: the left one because no step cuts
///           into the level set, the right one and any shrinking at the end by the moment matrix of U = A F^{-1} (see
///           the source). p = 2 gives F^T F = A^T A and c = 1. Status converged: c <= (1 + epsilon) sqrt(d), what the
///           smallest ellipsoid attains; stalled: no cut was found although the proof gives only the larger c that is
///           returned.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when rank(A) < d (the rank is named), p < 1, epsilon <= 0, or an entry is not finite.
LoewnerEllipsoid loewner_ellipsoid(const RowSource& a, const LoewnerEllipsoidOptions& options = {});

}  // namespace loewner
