// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// A seeded orthogonal map of R^d after which the entries of any vector are nearly Gaussian and of nearly equal size.
///
/// Method    random signs, then a Hadamard transform. d = p m with p a power of two and m odd, at most 63: transforms
///           of length p in m blocks, and the m x m Hartley matrix across the blocks. Other d: four times signs of
///           their own and a transform of length p = 2^floor(log2 d), on the first p entries and the last p in turn.
/// Cost      d (log2 p + m) additions; no memory beyond d floats and the signs.
/// Accuracy  orthogonal to a few eps32; the same bits on every processor.
/// Random    signs from (seed, RandomPurpose::rotation): bit i mod 32 of word i / 32, 1 for -1.
class Rotation {
 public:
  Rotation(Index cols, std::uint64_t seed);

  Index cols() const { return cols_; }

  /// In place, for vectors of cols() entries.
  void apply(std::span<float> x) const;
  /// The inverse, times `scale`.
  void apply_inverse(std::span<float> x, float scale = 1) const;

 private:
  void mix(std::span<float> x) const;
  void transform(Index step, std::span<float> x) const;
  void flip(Index step, std::span<float> x, float scale) const;

  Index cols_;
  std::vector<float> signs_;    // each +-1; cols_ for each step
  Index length_ = 1;            // of a transform: p
  Index blocks_ = 1;            // m, or 0 where transforms overlap
  std::vector<float> hartley_;  // m x m, orthogonal and symmetric
};

}  // namespace loewner
