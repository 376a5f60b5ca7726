// SPDX-License-Identifier: Apache-2.0
// The two low bits of the levels: parities of nine bits of plane 0 (docs/format.md). GFNI multiplies bytes by matrices of
// 8 x 8 bits modulo 2: the parities of the eight entries of a byte are a matrix times the byte and one times the byte
// before it.

// Row j, which is byte 7 - j, has the bits of these ages of entry j: of its own byte or of the byte before.
constexpr std::uint64_t matrix_of_ages(unsigned ages, bool is_byte_before) {
  std::uint64_t matrix = 0;
  for (int entry = 0; entry < 8; ++entry) {
    for (int age = 0; age <= 8; ++age) {
      const int bit = entry - age + (is_byte_before ? 8 : 0);
      if ((ages >> age & 1u) != 0 && bit >= 0 && bit < 8) matrix |= std::uint64_t{1} << (8 * (7 - entry) + bit);
    }
  }
  return matrix;
}

template <unsigned kAges>
inline Bytes parities_of(Bytes now, Bytes before) {
  constexpr std::uint64_t kNow = matrix_of_ages(kAges, false), kBefore = matrix_of_ages(kAges, true);
  return exclusive_or(multiply_bits(all_words(kNow), now), multiply_bits(all_words(kBefore), before));
}

inline Bytes low_parities(Bytes now, Bytes before) {
  return parities_of<0362>(now, before);
}

inline Bytes high_parities(Bytes now, Bytes before) {
  return parities_of<0515>(now, before);
}

struct Parities {
  std::uint64_t low[kBlocksAtOnce], high[kBlocksAtOnce];

  // Words of plane 0, and the byte before each.
  Parities(Words words, Words before) {
    const Words words_before = words << 8 | before;
    Bytes now, then;
    std::memcpy(&now, &words, sizeof(now));
    std::memcpy(&then, &words_before, sizeof(then));
    store(reinterpret_cast<std::uint8_t*>(low), low_parities(now, then));
    store(reinterpret_cast<std::uint8_t*>(high), high_parities(now, then));
  }
};
