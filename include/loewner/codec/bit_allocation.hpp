// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Gives bits to the rows where they lower the weighted error most.
///
/// Shapes    energies: w_i ||x_i||^2 >= 0 of n rows; distortion: of 0 ... b bits, falling and convex.
/// Method    one more bit for row i gains energies_i (distortion_b - distortion_(b+1)) at the same price for every row,
///           so the gains of all rows are taken in falling order (reverse water-filling over the rows).
/// Cost      O(n b log(n b)).
/// Accuracy  optimal for every number of bits, because each row's gains fall.
class BitAllocation {
 public:
  BitAllocation(std::span<const double> energies, std::span<const double> distortion);

  /// The largest number of row bits that can be spent.
  Index most() const { return static_cast<Index>(steps_.size()); }

  /// Bits of each row when `total` of them are spent in all; total <= most().
  std::vector<std::uint8_t> bits(Index total) const;

  /// sum_i energies_i distortion(bits_i) at 0, 1, ... most() bits spent.
  const std::vector<double>& errors() const { return errors_; }

 private:
  Index rows_;
  std::vector<std::uint32_t> steps_;  // the rows, in the order in which they get a bit more
  std::vector<double> errors_;
};

}  // namespace loewner
