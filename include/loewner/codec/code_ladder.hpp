// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// The numbers of bits that rows of codes may have: columns lie in bands of like variance, and every step of the ladder
/// gives each band a number of bits an entry. Step 0 gives none; a plain ladder has one band and steps of 0 ... 8 bits.
class CodeLadder {
 public:
  struct Band {
    Index cols = 0;
    float size = 1;  ///< root mean square of its entries relative to that of other bands
  };
  using Steps = std::vector<std::vector<std::uint8_t>>;  ///< steps x bands, each in [0, 8]

  static constexpr int kMaxSteps = 16;

  /// InvalidArgument unless there are bands of at least one column and finite sizes >= 0, and 1 ... 16 steps of as many
  /// numbers of bits, the first all 0.
  CodeLadder(std::vector<Band> bands, Steps steps);

  /// One band of `cols` columns, all of the same bits.
  static CodeLadder plain(Index cols);

  /// For columns of known mean squares in falling order (principal components).
  ///
  /// Method    a band ends where the variance has halved since its first column (multiples of 8 columns, 16 or more).
  ///           Bits go one by one to the band where they lower the error most for each bit (reverse water-filling over
  ///           the bands); every half bit on average is a step, every bit above 6.
  static CodeLadder for_variances(std::span<const double> variances);

  const std::vector<Band>& bands() const { return bands_; }
  const Steps& steps() const { return steps_; }
  bool is_plain() const;
  Index cols() const { return cols_; }

  /// Bytes of a row at a step.
  Index bytes(int step) const { return bytes_[static_cast<std::size_t>(step)]; }
  /// Mean bits of an entry at a step.
  double mean_bits(int step) const;
  /// What is left of the squared length of a row whose bands have their sizes, for every step.
  std::vector<double> distortion() const;
  /// The steps up to this one, and of the bands those up to the last that has bits there (at least the first).
  CodeLadder up_to(int step) const;

 private:
  std::vector<Band> bands_;
  Steps steps_;
  Index cols_ = 0;
  std::vector<Index> bytes_;
};

}  // namespace loewner
