// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

struct ArchetypeSearchOptions {
  std::span<const double> row_weights{};  ///< n values >= 0, or empty
  Index count = 0;                        ///< k, in [1, n]
  Index per_row = 4;                      ///< t >= 1: archetypes that each row may mix
  std::uint64_t seed = 0;
};

/// Archetypes that leave little of the rows:  min over V, convex w_i of at most t entries and s_i of
/// sum_i weight_i ||a_i - s_i w_i^T V||^2.
///
/// Shapes    a: n x d; result: k x d, rows of unit length.
/// Method    on a sample of at least 4096 rows, drawn by weighted energy and brought to unit length. Start: vertices
///           of the latent simplex (at most 64: more cost more than they bring) and rows of the sample for the rest.
///           Then four rounds: sparse convex codes with the best scales, and the archetypes anew by weighted least
///           squares. Ours: the scale apart, so that directions are mixed and not lengths; measured better.
/// Cost      two passes; that of latent_simplex and of 4 convex_code over the sample.
/// Accuracy  a local optimum of alternating minimisation over the sample.
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument unless 1 <= k <= n and t >= 1, or on a non-finite entry.
Matrix<float> find_archetypes(const RowSource& a, const ArchetypeSearchOptions& options);

}  // namespace loewner
