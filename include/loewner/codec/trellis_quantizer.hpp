// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

inline constexpr int kMaxCodeBits = 8;

/// Mean squared error of the quantizer with 0 to 8 bits for Gaussian entries of variance 1.
inline constexpr double kTrellisDistortion[kMaxCodeBits + 1] = {1,      .2823,   .0798,   .0218,   .00578,
                                                                .00155, .000408, .000104, .0000260};

/// Quantizes a vector x of nearly Gaussian entries with variance 1 to b bits per entry:
/// min ||x - q||^2  over all vectors q of the trellis code.
///
/// A code has b planes of ceil(d / 8) bytes. Entry t has bit t mod 8 of byte t / 8: plane 0 holds
/// the bit u_t, and plane i holds bit i - 1 of the high bits of its level. All u_t before the first
/// entry are 0.
///
/// Shapes    x: d entries; b in [1, 8].
/// Method    trellis-coded quantization [MarcellinFischer1990] with the 256-state code of
///           [Ungerboeck1987]. There are 2^(b+1) increasing levels, level j in subset j mod 4. The
///           bit u_t enters a shift register. The parities of u_t ... u_(t-8) under two masks are
///           the two low bits of j, the other b - 1 bits of the entry the high ones. The Viterbi
///           algorithm finds the best path. Decoding an entry needs its own bits and eight earlier
///           u_t, so entries are decoded independently.
/// Cost      encoding: about 400 operations in 256 lanes for each entry. Decoding: about 10 b
///           operations in 8 lanes for 8 entries.
/// Accuracy  kTrellisDistortion, measured on 1500 vectors of 384 entries. Scalar quantizers have
///           .3634, .1175, .0345, .0095, .0025, .00064, ...; the bound for any code is 4^-b.
class TrellisQuantizer {
 public:
  /// A quantizer for vectors of `cols` entries.
  ///
  /// Errors    InvalidArgument unless bits is in [1, 8].
  TrellisQuantizer(Index cols, int bits);

  /// Bytes of the code of a vector.
  static Index bytes(Index cols, int bits) { return bits * ((cols + 7) / 8); }

  /// Writes bytes(cols, bits) bytes. Only one thread may call this at a time, because the object
  /// stores the paths.
  void encode(std::span<const float> x, std::uint8_t* planes);

 private:
  Index cols_;
  int bits_;
  std::vector<std::uint8_t> decisions_;  // cols x 256
  std::vector<std::uint8_t> high_bits_;  // cols x 4: high bits of the nearest level in each subset
};

/// Decodes one vector into out, which has its length.
///
/// Shapes    planes: TrellisQuantizer::bytes(d, bits) bytes; out: d entries; bits in [1, 8].
/// Method    computes the level of each entry from its bits and eight earlier bits of plane 0.
/// Cost      about 10 b operations in 8 lanes for 8 entries.
/// Accuracy  the levels, rounded to float32; the same bits on every processor.
/// Errors    none.
void decode_trellis(const std::uint8_t* planes, int bits, std::span<float> out);

/// The 2^(bits + 1) levels of the quantizer, increasing.
///
/// Shapes    result: 2^(bits + 1) values, which live as long as the program.
/// Method    the table of docs/trellis-levels.txt and its mirror image.
/// Cost      O(1).
/// Accuracy  the numbers of the table, rounded to float32.
/// Errors    InvalidArgument unless bits is in [1, 8].
std::span<const float> trellis_levels(int bits);

}  // namespace loewner
