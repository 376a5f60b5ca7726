// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Gives bits to the rows where they lower the weighted error most.
///
/// Shapes    energies: w_i ||x_i||^2 >= 0 of n rows. distortion, prices: of the steps 0 ... b that a row can be on;
///           prices rise, distortion falls ever more slowly for the price (a convex curve).
/// Method    one more step for row i gains energies_i (distortion_b - distortion_(b+1)), and the gains of all rows are
///           taken by falling gain for the price (reverse water-filling over the rows).
/// Cost      O(n (log n + b^2)).
/// Accuracy  optimal at every price that it reaches exactly, because each row's gains fall.
class BitAllocation {
 public:
  BitAllocation(std::span<const double> energies, std::span<const double> distortion, std::span<const Index> prices);

  /// The number of steps that all rows can take together.
  Index most() const { return static_cast<Index>(order_.size()); }

  /// The step of each row when `taken` steps are taken in all; taken <= most().
  std::vector<std::uint8_t> steps(Index taken) const;

  /// The highest step of any row then.
  int highest_step(Index taken) const { return highest_[static_cast<std::size_t>(taken)]; }

  /// Price of the first 0, 1, ... most() steps.
  const std::vector<Index>& prices() const { return prices_; }

  /// sum_i energies_i distortion(step of i) after 0, 1, ... most() steps.
  const std::vector<double>& errors() const { return errors_; }

 private:
  Index rows_;
  std::vector<std::uint32_t> order_;  // the rows, in the order in which they take a step
  std::vector<std::uint8_t> highest_;
  std::vector<Index> prices_;
  std::vector<double> errors_;
};

}  // namespace loewner
