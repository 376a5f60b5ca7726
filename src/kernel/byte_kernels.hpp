// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/base/checked_size.hpp"

// Products of 8-bit integers with matrices whose trellis codes are decoded to 8-bit levels in panels that stay in the
// cache. Sums are exact in 32 bits, so every instruction set gives the same bits.
namespace loewner::detail {

/// Outputs of a panel. A panel has 256 bytes for every four inputs: byte 64 m + 16 l + 4 e + i belongs to input i of
/// the four and to output 16 l + 4 m + e.
inline constexpr Index kPanelOutputs = 64;

/// Entries that are decoded together, and the multiple of inputs to which tokens are padded with zeros.
inline constexpr Index kBlockEntries = 64;

/// The multiple of inputs to which a token is padded with zeros if it is multiplied alone.
inline constexpr Index kTokenEntries = 512;

/// Bytes behind the planes of a vector that kernels may read.
inline constexpr Index kBytesReadBehind = 7;

/// The most inputs for which sums fit into 32 bits.
inline constexpr Index kMostInputs = 65536;

/// Vectors as int8, each padded with zeros to a multiple of kBlockEntries.
struct ByteTokens {
  const std::int8_t* values;
  Index stride;
  const std::int32_t* sums;  // of the values of each token
  Index count;
};

/// A vector in parts with a scale each. An entry has one byte, or two of which the first counts kFirstByteWeight
/// times as much (byte_tokens.hpp).
struct PartedToken {
  const std::int8_t* values;  // the first bytes of all entries, and `stride` behind them the second
  Index stride, bytes_of_entry;
  const Index* places;  // of the parts in the values, and their end: parts + 1 multiples of kBlockEntries
  Index parts;
  const float* scales;  // of the last byte in each part
};

/// Rows of levels, `stride` bytes apart. 8 bits: bytes 128 + level; 4 bits: levels from 0 to 15, two in each byte, the
/// first in the low half.
struct LevelRows {
  const std::uint8_t* bytes;
  Index stride;
  int bits;
  bool followed;  // the rows that are multiplied next lie behind these
};

/// A vector of the trellis code (docs/format.md) with 0 to 8 bits an entry; 0: a vector of zeros.
struct CodedVector {
  const std::uint8_t* planes = nullptr;  // kBytesReadBehind readable bytes follow them
  int bits = 0;
  const std::uint8_t* levels = nullptr;  // 128 + level for each of the 2^(bits + 1) levels; at least 64 readable bytes
  std::uint8_t before = 0;               // the last byte of plane 0 of the part before, if the vector is a part
  bool followed = false;                 // the codes of the vectors that are decoded next lie behind these
};

/// Vectors of the same number of entries.
struct CodedVectors {
  const CodedVector* vectors;
  Index count;
  Index entries;
};

/// The kernels for one instruction set. Decoded levels are bytes 128 + level.
struct ByteKernels {
  /// Entries of a vector as float32: `count` from `first` on, both multiples of kBlockEntries. The level with number j
  /// is levels[j]; vector.levels does not matter. No bytes behind the planes are read.
  void (*decode)(const CodedVector& vector, Index entries, Index first, Index count, const float* levels, float* out);
  /// The levels of a vector. levels: a multiple of kBlockEntries; those past the last entry are arbitrary.
  void (*decode_levels)(const CodedVector& vector, Index entries, std::uint8_t* levels);
  /// Codes of 4 bits as levels, two in each byte, the first in the low half. An odd count: one more level is written.
  void (*unpack_codes)(const std::uint8_t* packed, Index count, std::uint8_t* levels);
  /// The panel of up to 64 vectors of which each is an output. scratch: 16 vectors of levels.
  void (*panel_of_outputs)(CodedVectors outputs, std::uint8_t* scratch, std::uint8_t* panel);
  /// The panel of 64 outputs whose levels are rows of bytes, `stride` apart. inputs: a multiple of kBlockEntries.
  void (*panel_of_rows)(const std::uint8_t* rows, Index stride, Index inputs, std::uint8_t* panel);
  /// `count` panels of 64 entries each, from `first` on (a multiple of 64), of vectors of which each is an input. The
  /// panels are `stride` bytes apart. Entries past the last are arbitrary.
  void (*panels_of_inputs)(CodedVectors inputs, Index first, Index count, Index stride, std::uint8_t* panels);
  /// sums (count x 64): the products of tokens with the levels of a panel.
  void (*multiply)(const std::uint8_t* panel, Index inputs, ByteTokens tokens, std::int32_t* sums);
  /// The products of one token with `count` rows: the sum over the parts p, in float32, of exact products of integers
  /// times the scale of the token and scales[64 p + i] of row i.
  void (*multiply_rows)(const LevelRows& rows, Index count, const PartedToken& token, const float* scales,
                        float* products);
  /// sums: the products of one token, padded to a multiple of kTokenEntries, with vectors of which each is an output.
  void (*multiply_outputs)(CodedVectors outputs, ByteTokens token, std::int32_t* sums);
  /// sums: the products of one token with `count` entries from `first` on (a multiple of 64) of vectors of which each is
  /// an input.
  void (*multiply_inputs)(CodedVectors inputs, Index first, Index count, ByteTokens token, std::int32_t* sums);
};

/// The kernels for isa().
const ByteKernels& byte_kernels();

}  // namespace loewner::detail
