// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Two ways to store the bands of a row.
enum class CodesForm {
  separate,  ///< a path of the trellis for each band; scales are halves
  joined,    ///< one path through all bands that have bits; scales are 2^(1/8) apart, in one byte
};

/// The numbers of bits that rows of codes can have. Columns form bands of similar variance. Each
/// step of the ladder gives every band a number of bits per entry; step 0 gives none. A plain
/// ladder has one band and the steps of 0 to 8 bits.
///
/// Shapes    for_variances: one variance for each of d columns.
/// Cost      for_variances: O(d + 8 g^2) for g bands. All others: O(steps * bands).
/// Accuracy  each step of for_variances has the least distortion for its bits, because the gains of
///           a band decrease.
class CodeLadder {
 public:
  struct Band {
    Index cols = 0;
    float size = 1;  ///< root mean square of its entries, relative to other bands
  };
  using Steps = std::vector<std::vector<std::uint8_t>>;  ///< steps x bands, each in [0, 8]

  static constexpr std::size_t kMaxSteps = 128;
  static constexpr std::size_t kMostStored = 16;  ///< in codes, where a step is half a byte

  /// Takes bands and steps.
  ///
  /// Errors    InvalidArgument unless every band has at least one column and a finite size >= 0,
  ///           and there are 1 to 128 steps with one number of bits for each band, all 0 on the
  ///           first.
  CodeLadder(std::vector<Band> bands, Steps steps);

  /// The plain ladder for this many columns.
  static CodeLadder plain(Index cols);

  /// A ladder for columns with these variances in decreasing order, such as principal components.
  ///
  /// Method    a band ends where the variance has fallen by a factor 1.4 since its first column.
  ///           Widths are multiples of 8, and at least 16, so that a rotation evens out outliers.
  ///           Single bits go to the band with the largest gain per bit (reverse water-filling
  ///           [CoverThomas2006]). A step is recorded at every eighth of a bit per entry;
  ///           at_steps() chooses among them.
  static CodeLadder for_variances(std::span<const double> variances);

  const std::vector<Band>& bands() const { return bands_; }
  const Steps& steps() const { return steps_; }
  bool is_plain() const;
  Index cols() const { return cols_; }

  /// Bytes of a row on a step.
  Index bytes(int step) const { return bytes_[static_cast<std::size_t>(step)]; }
  /// Mean bits of an entry on a step.
  double mean_bits(int step) const;
  /// The relative squared error of a row whose bands have exactly their sizes, for every step.
  std::vector<double> distortion() const;
  /// The ladder with these steps only, in increasing order, the first of them 0.
  CodeLadder at_steps(std::span<const int> chosen) const;
  /// The ladder with the steps up to this one, and the bands up to the last one with bits on it (at
  /// least one band).
  CodeLadder up_to(int step) const;

 private:
  std::vector<Band> bands_;
  Steps steps_;
  Index cols_ = 0;
  std::vector<Index> bytes_;
};

}  // namespace loewner
