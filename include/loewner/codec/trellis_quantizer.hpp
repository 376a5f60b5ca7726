// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner {

inline constexpr int kMaxCodeBits = 8;

/// Mean squared error of the quantizer with 0 to 8 bits for Gaussian entries of variance 1.
inline constexpr double kTrellisDistortion[kMaxCodeBits + 1] = {1,      .2823,   .0798,   .0218,   .00578,
                                                                .00155, .000408, .000104, .0000260};

/// Consecutive entries of a vector that get the same number of bits.
struct TrellisPart {
  std::span<const float> x;
  int bits = 1;                    ///< of an entry, in [1, 8]
  std::uint8_t* planes = nullptr;  ///< where the code goes: TrellisQuantizer::bytes() bytes
  float weight = 1;                ///< of the squared errors
};

/// Quantizes a vector of nearly Gaussian entries with variance 1 in parts of b_p bits per entry:
/// min sum_p weight_p ||x_p - q_p||^2  over all vectors q of the trellis code.
///
/// The code of a part has b planes of ceil(d / 8) bytes. Entry t has bit t mod 8 of byte t / 8:
/// plane 0 holds the bit u_t, and plane i holds bit i - 1 of the high bits of its level. The u_t of
/// all parts follow one another; all before the first entry are 0.
///
/// Shapes    x_p: a multiple of 8 entries, but for the last part.
/// Method    trellis-coded quantization [MarcellinFischer1990] with the 256-state code of
///           [Ungerboeck1987]. There are 2^(b+1) increasing levels, level j in subset j mod 4. The
///           bit u_t enters a shift register. The parities of u_t ... u_(t-8) under two masks are
///           the two low bits of j, the other b - 1 bits of the entry the high ones. The Viterbi
///           algorithm finds the best path. Decoding an entry needs its own bits and eight earlier
///           u_t, so entries are decoded independently.
/// Cost      encoding: about 400 operations in 256 lanes for each entry. Decoding: see
///           decode_trellis.
/// Accuracy  kTrellisDistortion, measured on 1500 vectors of 384 entries. Scalar quantizers have
///           .3634, .1175, .0345, .0095, .0025, .00064, ...; the bound for any code is 4^-b.
class TrellisQuantizer {
 public:
  /// A quantizer for vectors of at most `cols` entries.
  explicit TrellisQuantizer(Index cols);
  ~TrellisQuantizer();

  /// Bytes of the code of a part.
  static Index bytes(Index cols, int bits) { return bits * ((cols + 7) / 8); }

  /// Writes the planes of all parts. Only one thread may call this at a time, because the object
  /// stores the paths.
  ///
  /// Errors    InvalidArgument unless all bits are in [1, 8].
  void encode(std::span<const TrellisPart> parts);

 private:
  struct Workspace;
  void write_planes(std::span<const TrellisPart> parts) const;

  std::unique_ptr<Workspace> workspace_;
};

/// Decodes one part of a vector into out, which has its length. before: the last byte of plane 0 of
/// the part before it, 0 for the first.
///
/// Shapes    planes: TrellisQuantizer::bytes(d, bits) bytes; out: d entries; bits in [1, 8].
/// Method    computes the level of each entry from its bits and eight earlier bits of plane 0.
/// Cost      with AVX-512, 42 operations for the numbers of 512 levels of 3 bits and two for every
///           16 levels; above 4 bits a load for each level.
/// Accuracy  the levels, rounded to float32; the same bits on every processor.
/// Errors    none.
void decode_trellis(const std::uint8_t* planes, int bits, std::span<float> out, std::uint8_t before = 0);

/// The 2^(bits + 1) levels of the quantizer, increasing.
///
/// Shapes    result: 2^(bits + 1) values, which live as long as the program.
/// Method    the table of docs/trellis-levels.txt and its mirror image.
/// Cost      O(1).
/// Accuracy  the numbers of the table, rounded to float32.
/// Errors    InvalidArgument unless bits is in [1, 8].
std::span<const float> trellis_levels(int bits);

}  // namespace loewner
