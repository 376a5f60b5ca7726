// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// The price of a bit, in squared steps: that at which another step gives the same error for the same
/// bits.
inline constexpr double kPriceOfBit = 0.35;

/// Numbers on a logarithmic axis, counted in bins of 1/16 octave.
class LogHistogram {
 public:
  /// Numbers <= 0 are left out.
  explicit LogHistogram(std::span<const double> values);

  struct Bin {
    double log2 = 0;
    double count = 0;
  };
  const std::vector<Bin>& bins() const { return bins_; }

 private:
  std::vector<Bin> bins_;
};

/// What entropy codes take and leave of entries with variances energy_i share_k, if the step is 2^s.
class EntropyForecast {
 public:
  /// energies: of the rows; variances: of the columns, in decreasing order.
  EntropyForecast(std::span<const double> energies, std::span<const double> variances);

  struct Sum {
    Index cols = 0;     ///< how many of the first columns gain more than they cost
    double bits = 0;    ///< of the entries of these columns
    double error = 0;   ///< of all columns, in squared steps
    double energy = 0;  ///< of all columns, in squared steps
  };
  /// bytes_of_column: what a column costs besides its entries.
  Sum at(double log2_step, Index bytes_of_column) const;

  /// The logarithm of the step at which no entry has bits.
  double log2_of_largest_step() const;

 private:
  Sum of_column(double log2_share, double log2_step) const;

  LogHistogram rows_;
  std::vector<double> log2_shares_;  // of the columns
};

/// Bytes of the arrays if the entries of d columns take so many bits.
double entropy_bytes(double bits, Index rows, Index cols);

/// How many rows share a stream.
Index rows_of_stream(Index cols);

}  // namespace loewner::detail
