// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// A random orthogonal map of R^d that makes the entries of any vector nearly Gaussian with nearly
/// equal variances.
///
/// Shapes    x: d = cols() entries.
/// Method    random signs, then a Hadamard transform [AilonChazelle2009]. If d = p m with a power
///           of two p and an odd m <= 63: transforms of length p in m blocks, and the m x m Hartley
///           matrix across the blocks. Other d: four rounds of signs and a transform of length p =
///           2^floor(log2 d), alternately on the first p and on the last p entries.
/// Cost      d (log2 p + m) additions; memory for d floats and the signs.
/// Accuracy  orthogonal to a few eps32. The same bits on every processor.
/// Random    signs from (seed, RandomPurpose::rotation): bit i mod 32 of word i / 32; 1 means -1.
/// Errors    constructor: InvalidArgument unless d >= 1.
class Rotation {
 public:
  Rotation(Index cols, std::uint64_t seed);

  Index cols() const { return cols_; }
  /// The random signs, each +-1: cols() of them, or cols() for each round if there are four.
  std::span<const float> signs() const { return signs_; }

  /// Rotates a vector of cols() entries in place. In float64 the matrix is the same up to eps32.
  void apply(std::span<float> x) const;
  void apply(std::span<double> x) const;
  /// The same into another vector, which must not overlap x.
  void apply(std::span<const float> x, std::span<float> rotated) const;
  /// Applies the inverse times `scale` in place.
  void apply_inverse(std::span<float> x, float scale = 1) const;

 private:
  template <typename Real>
  void apply_to(std::span<Real> x) const;
  template <typename Real>
  void mix(std::span<Real> x) const;
  template <typename Real>
  void transform(Index step, std::span<Real> x) const;
  template <typename Real>
  void flip(Index step, std::span<Real> x, Real scale) const;

  Index cols_;
  std::vector<float> signs_;    // each +-1; cols_ for each round
  Index length_ = 1;            // of a transform: p
  Index blocks_ = 1;            // m, or 0 if transforms overlap
  std::vector<float> hartley_;  // m x m, orthogonal and symmetric
};

}  // namespace loewner
