// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// A sample of the rows of a matrix that represents all of them in weighted sums.
struct EnergySample {
  Matrix<float> rows;           ///< unscaled
  std::vector<double> weights;  ///< w_i / (probability of row i)
  double missing = 0;           ///< mean of 1 - probability; 0 if no row with energy is missing
};

/// Draws `count` rows without replacement, each with a probability proportional to its energy,
/// capped at 1. Weighted sums over the sample of any quadratic function of the rows (the Gram
/// matrix, squared rounding errors) are unbiased [FriezeKannanVempala2004].
///
/// Shapes    a: n x d; row_weights: n values or empty; energies: row_energies(a, row_weights);
///           sample: at most count x d, fewer if fewer rows have energy.
/// Method    systematic sampling: one uniform offset in the cumulative sum of the probabilities.
/// Cost      O(n log n), and one read of the sampled rows.
/// Accuracy  the variance falls as 1 / count; see sampled_singular_values for measured errors.
/// Random    seed. The same sample for any number of threads.
/// Errors    InvalidArgument on count < 1.
EnergySample sample_rows_by_energy(const RowSource& a, std::span<const double> row_weights,
                                   std::span<const double> energies, Index count, std::uint64_t seed);

}  // namespace loewner
