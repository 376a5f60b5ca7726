// SPDX-License-Identifier: Apache-2.0
// The levels of one block, from words of planes.

// Built in registers: a vector that is read back from memory just after its words were written waits for them.
inline Words words_of(const std::uint64_t* w) {
  return Words{w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]};
}

// The levels of 64 entries, from their parities and the bytes of their other planes.
template <int kBits>
inline Bytes levels_of(const std::uint8_t* plane0, Index plane_bytes, std::uint64_t low, std::uint64_t high,
                       const std::uint8_t* levels) {
  constexpr int kLowWords = kBits < 7 ? kBits + 1 : 8;
  std::uint64_t words[9] = {low, high};
  for (int i = 1; i < kBits; ++i) words[i + 1] = word_at(plane0 + i * plane_bytes);
  return look_up<kBits>(spread<kLowWords>(words), words[8], levels);
}
