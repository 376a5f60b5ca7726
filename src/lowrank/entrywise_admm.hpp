// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"

namespace loewner::detail {

struct AdmmOptions {
  double norm_exponent = 1;
  int max_iterations = 60;
  double tolerance = 1e-5;  ///< of the change of the objective, relative; three such steps end the run
};

/// Decreases  sum_ij |a_ij - (left right)_ij|^p  over the factors, in place.
///
/// Shapes    a: n x d; left: n x k, right: k x d; start_objective: that of the given factors.
/// Method    alternating directions on  min sum_ij |e_ij|^p  subject to  A = X + E, rank X <= k: E
///           by the proximal map of each entry, X by the truncated SVD of A - E + U, where U is the
///           scaled multiplier [BoydEtAl2011]. The problem is not convex, so each X is evaluated and
///           the best one is kept.
/// Cost      per iteration one truncated SVD and 4 n d k flops in float32; memory 2 n d + n k
///           float32.
/// Accuracy  the factors are never worse than the given ones.
FitReport refine_by_admm(MatrixView<const float> a, Matrix<float>& left, Matrix<float>& right, double start_objective,
                         const AdmmOptions& options);

}  // namespace loewner::detail
