// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Assigns each of n rows one of the steps 0 ... b (numbers of bits):
/// min sum_i energies_i distortion(step_i)  with  sum_i price(step_i) <= max_price.
///
/// Shapes    energies: w_i ||x_i||^2 >= 0 of n rows. distortion, prices: b + 1 values each; prices
///           increase, and distortion is a decreasing convex function of the price.
/// Method    reverse water-filling over the rows [CoverThomas2006]: raises rows step by step in the
///           order of the gain energies_i (distortion_s - distortion_(s+1)) per price. Lower steps
///           and earlier rows come first if gains are equal.
/// Cost      O(n log n), then O(b log n) for a price and O(n b) for the steps of all rows.
/// Accuracy  optimal for every price that it spends exactly, because the gains of a row decrease.
/// Random    none.
/// Errors    none.
class BitAllocation {
 public:
  BitAllocation(std::span<const double> energies, std::span<const double> distortion, std::span<const Index> prices);

  /// The assignment for the same rows with other steps.
  BitAllocation with_steps(std::span<const double> distortion, std::span<const Index> prices) const;

  /// An assignment of steps, in the order of the gains.
  struct Spent {
    std::vector<Index> rows;  ///< numbers of rows on at least step 1, 2, ... b; non-increasing
    Index price = 0;          ///< of all rows
    double error = 0;         ///< sum_i energies_i distortion(step_i)

    /// The highest step of any row.
    int highest_step() const;
  };

  /// The price with all rows on step 0.
  Index least_price() const;
  /// The price with all rows on the last step.
  Index most_price() const;

  /// The assignment for max_price >= least_price().
  Spent within(Index max_price) const;

  /// The step of each row in an assignment.
  std::vector<std::uint8_t> steps(const Spent& spent) const;

 private:
  struct Step {
    double fall;  // of the distortion
    Index price;

    double gain_for_price(double energy) const { return energy * fall / static_cast<double>(price); }
  };

  void set_steps(std::span<const double> distortion, std::span<const Index> prices);
  Spent spend(std::vector<Index> rows) const;

  std::vector<std::uint32_t> falling_;  // the rows by decreasing energy
  std::vector<double> energies_;        // in that order
  std::vector<double> sums_;            // of the first 0, 1, ... n of them
  std::vector<Step> steps_;             // to step 1, 2, ... b
  double first_distortion_;
  Index first_price_;
};

}  // namespace loewner
