// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The origin of a vector of a Krylov basis: A^T A times the vectors one level below, or a random draw.
struct VectorOrigin {
  Index level = 0;
  bool is_random = false;
  bool is_held_out = false;
};

/// The Krylov space of a basis V without its held-out starting vectors.
///
/// Shapes    gram: m x m, V^T A^T A V; origins: one per vector of V, levels ascending; result: orthonormal rows
///           of length m, in coordinates of V.
/// Method    A^T A maps the vectors of one level into the span of the levels up to the next, without a part along
///           the random vectors of that level. So the space grows level by level from the random vectors that are
///           not held out. The image of a vector that is not continued loses its part outside the span.
Matrix<double> space_without_held_out(const Matrix<double>& gram, std::span<const VectorOrigin> origins);

}  // namespace loewner::detail
