// SPDX-License-Identifier: Apache-2.0
// 64 bytes in memory, for every processor.

struct Bytes {
  std::uint8_t byte[64];
};
struct Sums {
  std::int32_t sum[16];  // those of lane l belong to bytes of lane l
};
using Weights = Bytes;  // levels + 128

constexpr int kTokensOfTile = 1, kGroupsOfTile = 1;
constexpr std::int32_t kOffset = 0;  // that the products contain

inline Bytes load(const std::uint8_t* p) {
  Bytes x;
  std::memcpy(x.byte, p, sizeof(x));
  return x;
}

inline void store(std::uint8_t* p, const Bytes& x) {
  std::memcpy(p, x.byte, sizeof(x));
}

// Byte t has the bits t of the words, the first one lowest.
template <int kWords>
inline Bytes spread(const std::uint64_t* words) {
  Bytes x;
  for (int t = 0; t < 64; ++t) {
    unsigned byte = 0;
    for (int i = 0; i < kWords; ++i) byte |= static_cast<unsigned>(words[i] >> t & 1u) << i;
    x.byte[t] = static_cast<std::uint8_t>(byte);
  }
  return x;
}

// table[index] for 2^(kBits + 1) entries; bit 8 of the indices is in a word.
template <int kBits>
inline Bytes look_up(const Bytes& index, std::uint64_t bit8, const std::uint8_t* table) {
  Bytes x;
  for (int t = 0; t < 64; ++t) x.byte[t] = table[index.byte[t] | (kBits == 8 ? (bit8 >> t & 1u) << 8 : 0)];
  return x;
}

// The low and the high half of each of 32 bytes, as 128 + half.
inline Bytes levels_of_halves(const std::uint8_t* p) {
  Bytes x;
  for (int t = 0; t < 64; ++t) x.byte[t] = static_cast<std::uint8_t>(128 | (p[t / 2] >> (t % 2 * 4) & 15));
  return x;
}

// The first or the last 8 bytes of each lane of 16, in pieces of kSize from a and b in turn.
template <int kSize, bool kHigh>
inline Bytes interleaved(const Bytes& a, const Bytes& b) {
  Bytes x;
  for (int t = 0; t < 64; ++t) {
    const int piece = t % 16 / kSize, from = t / 16 * 16 + (kHigh ? 8 : 0) + piece / 2 * kSize + t % kSize;
    x.byte[t] = piece % 2 == 0 ? a.byte[from] : b.byte[from];
  }
  return x;
}

inline Bytes low8(const Bytes& a, const Bytes& b) {
  return interleaved<1, false>(a, b);
}
inline Bytes high8(const Bytes& a, const Bytes& b) {
  return interleaved<1, true>(a, b);
}
inline Bytes low16(const Bytes& a, const Bytes& b) {
  return interleaved<2, false>(a, b);
}
inline Bytes high16(const Bytes& a, const Bytes& b) {
  return interleaved<2, true>(a, b);
}
inline Bytes low32(const Bytes& a, const Bytes& b) {
  return interleaved<4, false>(a, b);
}
inline Bytes high32(const Bytes& a, const Bytes& b) {
  return interleaved<4, true>(a, b);
}
inline Bytes low64(const Bytes& a, const Bytes& b) {
  return interleaved<8, false>(a, b);
}
inline Bytes high64(const Bytes& a, const Bytes& b) {
  return interleaved<8, true>(a, b);
}

// Lane i of x[j] becomes lane j of x[i].
inline void transpose_lanes(Bytes* x) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      for (int t = 0; t < 16; ++t) std::swap(x[j].byte[16 * i + t], x[i].byte[16 * j + t]);
    }
  }
}

inline Sums no_sums() {
  return {};
}

inline Weights weights(const Bytes& levels) {
  return levels;
}

inline Weights weights_of_halves(const std::uint8_t* p) {
  return levels_of_halves(p);
}

// The four bytes of a token for all sums.
inline Bytes all(const std::int8_t* token) {
  Bytes x;
  for (int t = 0; t < 64; ++t) x.byte[t] = static_cast<std::uint8_t>(token[t % 4]);
  return x;
}

inline Sums add_products(Sums sums, const Weights& w, const Bytes& token) {
  for (int t = 0; t < 64; ++t) sums.sum[t / 4] += (w.byte[t] - 128) * static_cast<std::int8_t>(token.byte[t]);
  return sums;
}

inline void store_lane(std::int32_t* p, const Sums& sums, int lane) {
  std::memcpy(p, sums.sum + 4 * lane, 4 * sizeof(std::int32_t));
}

// Of all sums.
inline std::int32_t total(const Sums& sums) {
  return std::accumulate(sums.sum, sums.sum + 16, 0);
}

constexpr Index kFloats = 1;  // that are looked up together

template <int kBits>
inline void look_up_floats(const std::uint8_t* numbers, const float* levels, float* out) {
  *out = levels[*numbers];
}
