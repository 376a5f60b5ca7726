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
///           taken by falling gain for the price (reverse water-filling over the rows): a lower step and an earlier row
///           first where two gain the same.
/// Cost      O(n log n), then O(b log n) for an amount and O(n b) for the steps of all rows.
/// Accuracy  optimal at every price that it reaches exactly, because each row's gains fall.
class BitAllocation {
 public:
  BitAllocation(std::span<const double> energies, std::span<const double> distortion, std::span<const Index> prices);

  /// What an amount pays for.
  struct Spent {
    std::vector<Index> rows;  ///< on step 1, 2, ... b or a later one; never rising
    Index price = 0;          ///< of all rows
    double error = 0;         ///< sum_i energies_i distortion(step of i)

    /// Of any row.
    int highest_step() const;
  };

  /// All rows on step 0, and all on the last.
  Index least_price() const;
  Index most_price() const;

  /// As many gains in their order as cost at most that much, least_price() or more.
  Spent within(Index max_price) const;

  /// The step of each row.
  std::vector<std::uint8_t> steps(const Spent& spent) const;

 private:
  struct Step {
    double fall;  // of the distortion
    Index price;

    double gain_for_price(double energy) const { return energy * fall / static_cast<double>(price); }
  };

  Spent spend(std::vector<Index> rows) const;

  std::vector<std::uint32_t> falling_;  // the rows by falling energy
  std::vector<double> energies_;        // in that order
  std::vector<double> sums_;            // of the first 0, 1, ... n of them
  std::vector<Step> steps_;             // to step 1, 2, ... b
  double first_distortion_;
  Index first_price_;
};

}  // namespace loewner
