// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// Options of find_archetypes().
struct ArchetypeSearchOptions {
  std::span<const double> row_weights{};  ///< n values >= 0; empty: all ones
  Index count = 0;                        ///< k, in [1, n]
  Index per_row = 4;                      ///< t >= 1: largest number of archetypes in a row
  std::uint64_t seed = 0;
};

/// Finds archetypes V for rows that are scaled convex mixtures of few of them:
/// min sum_i weight_i ||a_i - s_i w_i^T V||^2  over V, scales s_i, and convex weights w_i with at
/// most t entries.
///
/// Shapes    a: n x d; result V: k x d, rows of unit length.
/// Method    alternating minimization on a sample of at least 4096 rows, drawn by weighted energy
///           and scaled to unit length. Start: vertices of the latent simplex
///           [BakshiBhattacharyyaKannanWoodruffZhou2021] (at most 64, because more cost more time
///           than they gain) and rows of the sample. Then four rounds of sparse convex codes with
///           least-squares scales, and of weighted least squares for the archetypes. We add the
///           scales, so that the mixtures describe directions; they lower the measured error.
/// Cost      two passes over the rows, one latent_simplex and four convex_code on the sample.
/// Accuracy  a local optimum on the sample; no guarantee for the other rows.
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument unless 1 <= k <= n and t >= 1, or on a non-finite entry.
Matrix<float> find_archetypes(const RowSource& a, const ArchetypeSearchOptions& options);

}  // namespace loewner
