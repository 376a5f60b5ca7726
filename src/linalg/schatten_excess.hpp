// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// The known part of the singular values s_1 >= s_2 >= ... of the residual of a rank-k approximation.
struct ResidualSpectrum {
  std::span<const double> tail;  ///< lower bounds of the first values, descending
  double squared_norm = 0;       ///< sum_j s_j^2; not used for p > 2
  Index rank = 0;                ///< k
  double gain = 0;               ///< by which a better approximation could reduce the squared norm
};

/// A bound of ||A - A Z Z^T||_Sp / ||A - A_k||_Sp - 1 for any orthonormal Z (d x k) with the given spectrum and
/// ||A Z||_F^2 = ||A_k||_F^2 - gain.
///
/// Method    docs/library/block-krylov.md: the squares of the residual's singular values are those of the best one plus
///           delta_j >= 0 with sum delta_j = gain, and the l_{p/2} norm grows most when the largest takes all of it
///           (p >= 2), or k zeros share it (p < 2). The norm in the denominator is at least that of the tail; for
///           p < 2 the rest is treated as values as large as the first.
double schatten_excess(const ResidualSpectrum& spectrum, double p);

}  // namespace loewner::detail
