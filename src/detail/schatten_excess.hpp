// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// What is known of the singular values s_1 >= s_2 >= ... that a rank-k approximation leaves over.
struct ResidualSpectrum {
  std::span<const double> tail;  ///< descending lower bounds of the first ones
  double squared_norm = 0;       ///< sum_j s_j^2; not used for p > 2
  Index rank = 0;                ///< k
  double gain = 0;               ///< how much of the squared norm a better approximation could take away
};

/// A bound of  ||residual||_Sp / ||best residual||_Sp - 1  from the spectrum.
///
/// Method    the squares of the residual's singular values are those of the best one plus delta_j >= 0, at most 2 k of
///           them positive, with sum delta_j = gain [Gu2015]. The l_{p/2} norm grows most when all of it sits on the
///           largest (p >= 2: convex) or is spread over 2 k zeros (p < 2: concave). The norm in the denominator is at
///           least what the tail shows; for p < 2 the rest counts as if it sat on values as large as the first.
double schatten_excess(const ResidualSpectrum& spectrum, double p);

}  // namespace loewner::detail
