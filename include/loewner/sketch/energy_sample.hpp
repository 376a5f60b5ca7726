// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// Some rows of a matrix that stand for all of them.
struct EnergySample {
  Matrix<float> rows;           ///< as they are in the matrix
  std::vector<double> weights;  ///< w_i / (the row's chance to be drawn)
  double missing = 0;           ///< mean of 1 - chance over the rows; 0 if no row of any energy is missing
};

/// Draws `count` rows without replacement, each with a chance proportional to its energy, as far as chances of 1 allow.
/// With the weights of the sample, the weighted sums over it of anything quadratic in the rows (the Gram matrix,
/// squared errors of rounding) are right in expectation [FriezeKannanVempala2004].
///
/// Shapes    energies: row_energies(a, row_weights); the sample: at most count x d, fewer where fewer rows have energy.
/// Method    systematic sampling: one uniform offset, then every count-th part of the cumulated chances.
/// Cost      O(n log n), and the rows drawn are read.
/// Random    seed. The same sample for any number of threads.
EnergySample sample_rows_by_energy(const RowSource& a, std::span<const double> row_weights,
                                   std::span<const double> energies, Index count, std::uint64_t seed);

}  // namespace loewner
