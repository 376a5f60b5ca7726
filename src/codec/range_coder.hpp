// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/entropy_tables.hpp"

// The range variant of asymmetric numeral systems [Duda2014]: a state of 24 bits, frequencies out of 4096, bytes.
namespace loewner::detail {

/// A symbol as the coder sees it: the part [start, start + frequency) of 4096.
struct CodedRange {
  std::uint16_t start = 0, frequency = 1;
};

inline constexpr std::uint32_t kLeastState = 1U << 16;

/// Appends the code of these symbols to `bytes`. The decoder gets them in the same order.
inline void encode_ranges(std::span<const CodedRange> ranges, std::vector<std::uint8_t>& bytes) {
  const std::size_t first = bytes.size();
  std::uint32_t state = kLeastState;
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {  // what goes in last comes out first
    const std::uint32_t frequency = range->frequency;
    while (state >= frequency << (24 - kFrequencyBits)) {
      bytes.push_back(static_cast<std::uint8_t>(state));
      state >>= 8;
    }
    state = (state / frequency << kFrequencyBits) + state % frequency + range->start;
  }
  for (int i = 0; i < 3; ++i) bytes.push_back(static_cast<std::uint8_t>(state >> (8 * i)));
  std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.end());
}

/// Reads symbols. Beyond the end of its bytes it reads zeros, so that damaged streams do no harm;
/// at_end() finds them.
class RangeDecoder {
 public:
  explicit RangeDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    for (int i = 0; i < 3; ++i) state_ = state_ << 8 | next_byte();
  }

  /// The next symbol of a table. starts: the first part of each of its symbols.
  int symbol(const std::uint16_t (&starts)[kEntropySymbols], const std::uint16_t (&frequencies)[kEntropySymbols]) {
    const auto slot = static_cast<std::uint16_t>(state_ % kFrequencyTotal);
    std::uint16_t begun = 0;  // counted in the type of the parts, so that the loop is a few vector operations
    for (const std::uint16_t start : starts) begun = static_cast<std::uint16_t>(begun + (start <= slot ? 1 : 0));
    const int symbol = begun - 1;
    remove(starts[symbol], frequencies[symbol]);
    return symbol;
  }

  /// The next `count` bits, which the encoder took for equally likely.
  std::uint32_t bits(int count) {
    if (count > kFrequencyBits) {
      const std::uint32_t high = bits(count - kFrequencyBits);
      return high << kFrequencyBits | bits(kFrequencyBits);
    }
    const int unused = kFrequencyBits - count;
    const std::uint32_t value = state_ % kFrequencyTotal >> unused;
    remove(value << unused, 1U << unused);
    return value;
  }

  /// Whether all bytes are read and the state is that before the first symbol.
  bool at_end() const { return next_ == bytes_.size() && state_ == kLeastState; }

 private:
  std::uint32_t next_byte() { return next_ < bytes_.size() ? bytes_[next_++] : 0; }

  void remove(std::uint32_t start, std::uint32_t frequency) {
    state_ = frequency * (state_ >> kFrequencyBits) + state_ % kFrequencyTotal - start;
    for (int i = 0; i < 2 && state_ < kLeastState; ++i) state_ = state_ << 8 | next_byte();
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
  std::uint32_t state_ = 0;
};

}  // namespace loewner::detail
