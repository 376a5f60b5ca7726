// SPDX-License-Identifier: Apache-2.0
// 64 bytes in four registers of NEON, with integer dot products (ARMv8.2).

struct Bytes {
  uint8x16_t lane[4];
};
struct Sums {
  int32x4_t lane[4];  // those of lane l belong to bytes of lane l
};
struct Weights {
  int8x16_t lane[4];  // without the offset
};

constexpr int kTokensOfTile = 4, kGroupsOfTile = 1;
constexpr std::int32_t kOffset = 0;  // that the products contain

inline Bytes load(const std::uint8_t* p) {
  return {{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}

inline void store(std::uint8_t* p, Bytes x) {
  for (int l = 0; l < 4; ++l) vst1q_u8(p + 16 * l, x.lane[l]);
}

// Byte t has the bits t of the words, the first one lowest.
template <int kWords>
inline Bytes spread(const std::uint64_t* words) {
  const uint8x16_t bit_of = vreinterpretq_u8_u64(vdupq_n_u64(kColumns));
  Bytes x;
  for (int l = 0; l < 4; ++l) {
    uint8x16_t sum = vdupq_n_u8(0);
    for (int i = 0; i < kWords; ++i) {
      const uint8x8_t first = vdup_n_u8(static_cast<std::uint8_t>(words[i] >> (16 * l))),
                      second = vdup_n_u8(static_cast<std::uint8_t>(words[i] >> (16 * l + 8)));
      const uint8x16_t is_set = vtstq_u8(vcombine_u8(first, second), bit_of);
      sum = vorrq_u8(sum, vandq_u8(is_set, vdupq_n_u8(static_cast<std::uint8_t>(1U << i))));
    }
    x.lane[l] = sum;
  }
  return x;
}

inline uint8x16x4_t table_piece(const std::uint8_t* table) {
  return {{vld1q_u8(table), vld1q_u8(table + 16), vld1q_u8(table + 32), vld1q_u8(table + 48)}};
}

// table[index] for up to 64 kPieces entries: a look-up of a piece leaves bytes whose index is past its end.
template <int kPieces>
inline uint8x16_t look_up_pieces(uint8x16_t index, const std::uint8_t* table) {
  uint8x16_t x = vqtbl4q_u8(table_piece(table), index);
  for (int i = 1; i < kPieces; ++i) {
    x = vqtbx4q_u8(x, table_piece(table + 64 * i), vsubq_u8(index, vdupq_n_u8(static_cast<std::uint8_t>(64 * i))));
  }
  return x;
}

// table[index] for 2^(kBits + 1) entries; bit 8 of the indices is in a word.
template <int kBits>
inline Bytes look_up(Bytes index, std::uint64_t bit8, const std::uint8_t* table) {
  Bytes x;
  for (int l = 0; l < 4; ++l) {
    if constexpr (kBits <= 3) {
      x.lane[l] = vqtbl1q_u8(vld1q_u8(table), index.lane[l]);
    } else {
      x.lane[l] = look_up_pieces<kBits <= 5 ? 1 : kBits == 6 ? 2 : 4>(index.lane[l], table);
    }
  }
  if constexpr (kBits == 8) {
    const Bytes is_above = spread<1>(&bit8);
    for (int l = 0; l < 4; ++l) {
      const uint8x16_t above = look_up_pieces<4>(index.lane[l], table + 256);
      x.lane[l] = vbslq_u8(vceqq_u8(is_above.lane[l], vdupq_n_u8(1)), above, x.lane[l]);
    }
  }
  return x;
}

// The low and the high half of each of 32 bytes, from 0 to 15.
inline Bytes halves(const std::uint8_t* p) {
  Bytes x;
  for (int h = 0; h < 2; ++h) {
    const uint8x16_t bytes = vld1q_u8(p + 16 * h);
    const uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(15)), high = vshrq_n_u8(bytes, 4);
    x.lane[2 * h] = vzip1q_u8(low, high);
    x.lane[2 * h + 1] = vzip2q_u8(low, high);
  }
  return x;
}

// As decoded levels are, 128 + half.
inline Bytes levels_of_halves(const std::uint8_t* p) {
  Bytes x = halves(p);
  for (uint8x16_t& lane : x.lane) lane = vorrq_u8(lane, vdupq_n_u8(128));
  return x;
}

// Within lanes of 16 bytes.
#define LOEWNER_BY_LANES(name, operation, from_bytes, to_bytes)                          \
  inline Bytes name(Bytes a, Bytes b) {                                                  \
    Bytes x;                                                                             \
    for (int l = 0; l < 4; ++l) {                                                        \
      x.lane[l] = to_bytes(operation(from_bytes(a.lane[l]), from_bytes(b.lane[l])));     \
    }                                                                                    \
    return x;                                                                            \
  }
LOEWNER_BY_LANES(low8, vzip1q_u8, , )
LOEWNER_BY_LANES(high8, vzip2q_u8, , )
LOEWNER_BY_LANES(low16, vzip1q_u16, vreinterpretq_u16_u8, vreinterpretq_u8_u16)
LOEWNER_BY_LANES(high16, vzip2q_u16, vreinterpretq_u16_u8, vreinterpretq_u8_u16)
LOEWNER_BY_LANES(low32, vzip1q_u32, vreinterpretq_u32_u8, vreinterpretq_u8_u32)
LOEWNER_BY_LANES(high32, vzip2q_u32, vreinterpretq_u32_u8, vreinterpretq_u8_u32)
LOEWNER_BY_LANES(low64, vzip1q_u64, vreinterpretq_u64_u8, vreinterpretq_u8_u64)
LOEWNER_BY_LANES(high64, vzip2q_u64, vreinterpretq_u64_u8, vreinterpretq_u8_u64)
#undef LOEWNER_BY_LANES

// Lane i of x[j] becomes lane j of x[i].
inline void transpose_lanes(Bytes* x) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) std::swap(x[j].lane[i], x[i].lane[j]);
  }
}

inline Sums no_sums() {
  return {{vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)}};
}

inline Weights weights(Bytes levels) {
  Weights w;
  for (int l = 0; l < 4; ++l) w.lane[l] = vreinterpretq_s8_u8(veorq_u8(levels.lane[l], vdupq_n_u8(0x80)));
  return w;
}

inline Weights weights_of_halves(const std::uint8_t* p) {
  const Bytes levels = halves(p);
  Weights w;
  for (int l = 0; l < 4; ++l) w.lane[l] = vreinterpretq_s8_u8(levels.lane[l]);
  return w;
}

// The four bytes of a token for all sums.
inline Bytes all(const std::int8_t* token) {
  std::uint32_t word;
  std::memcpy(&word, token, sizeof(word));
  const uint8x16_t x = vreinterpretq_u8_u32(vdupq_n_u32(word));
  return {{x, x, x, x}};
}

inline Sums add_products(Sums sums, const Weights& w, Bytes token) {
  for (int l = 0; l < 4; ++l) {
    sums.lane[l] = vdotq_s32(sums.lane[l], w.lane[l], vreinterpretq_s8_u8(token.lane[l]));
  }
  return sums;
}

inline void store_lane(std::int32_t* p, const Sums& sums, int lane) {
  vst1q_s32(p, sums.lane[lane]);
}

// Of all sums.
inline std::int32_t total(const Sums& sums) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(sums.lane[0], sums.lane[1]), vaddq_s32(sums.lane[2], sums.lane[3])));
}

constexpr Index kFloats = 1;  // that are looked up together

template <int kBits>
inline void look_up_floats(const std::uint8_t* numbers, const float* levels, float* out) {
  *out = levels[*numbers];
}
