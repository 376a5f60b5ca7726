// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/cluster/latent_simplex.hpp"

namespace loewner::detail {

/// The stages of latent_simplex: the rows near each vertex of the simplex, found one vertex after
/// the other.
///
/// Shapes    b: n x k, the coordinates of the rows in the subspace; result: r <= k ascending lists
///           of rows_per_vertex rows. The search ends early when all means lie in the span of the
///           vertices so far.
/// Random    options.seed; the same bits for any number of threads.
std::vector<std::vector<Index>> rows_near_vertices(MatrixView<const double> b, Index rows_per_vertex,
                                                   const LatentSimplexOptions& options);

}  // namespace loewner::detail
