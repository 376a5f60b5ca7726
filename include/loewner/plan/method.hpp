// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace loewner {

/// How a matrix is made smaller.
enum class Method {
  automatic,   ///< whichever of the others is predicted to leave the lowest weighted error in the same bytes
  svd,         ///< row-weighted truncated SVD: optimal in the weighted Frobenius norm
  lp,          ///< truncated l_p factorisation through Lewis weights
  subspaces,   ///< rows in clusters, each with a subspace of its own (projective clustering)
  codes,       ///< rotated rows in 0 ... 8 bits an entry, more for the rows that count more
  coded_svd,   ///< codes of the coordinates along the principal directions, more bits for the larger ones
  archetypes,  ///< rows as scaled convex mixtures of few of k archetypes, and codes of what is left
  int8,        ///< plain rounding, one scale a row
  int4,        ///< plain rounding in groups of 64
  dense,       ///< the matrix itself in a shorter number format
};

/// All methods, automatic first.
const std::vector<Method>& all_methods();

/// The exponent of `zipf` row weights (model/row_weights.hpp) that serves a method best.
double default_zipf_exponent(Method method);

/// auto, svd, lp, subspaces, codes, coded-svd, archetypes, int8, int4, dense.
std::string_view to_string(Method method);
std::optional<Method> method_from_string(std::string_view name);

}  // namespace loewner
