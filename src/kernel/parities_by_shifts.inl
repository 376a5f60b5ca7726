// SPDX-License-Identifier: Apache-2.0
// The two low bits of the levels: parities of nine bits of plane 0 (docs/format.md). A bit of age a is the word shifted
// by a; the bits that come in are those of the byte before.
struct Parities {
  std::uint64_t low[kBlocksAtOnce], high[kBlocksAtOnce];

  Parities(Words w, Words before) {
    const Words b = before;
    const Words of_low = w << 1 ^ w << 4 ^ w << 5 ^ w << 6 ^ w << 7 ^ b >> 7 ^ b >> 4 ^ b >> 3 ^ b >> 2 ^ b >> 1;
    const Words of_high = w ^ w << 2 ^ w << 3 ^ w << 6 ^ w << 8 ^ b >> 6 ^ b >> 5 ^ b >> 2 ^ b;
    std::memcpy(low, &of_low, sizeof(low));
    std::memcpy(high, &of_high, sizeof(high));
  }
};
