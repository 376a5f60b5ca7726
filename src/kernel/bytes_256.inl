// SPDX-License-Identifier: Apache-2.0
// 64 bytes in two registers of AVX2.

struct Bytes {
  __m256i half[2];
};
using Sums = Bytes;  // 16 sums, those of lane l belong to bytes of lane l
inline __m256i load_half(const std::uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

inline Bytes load(const std::uint8_t* p) {
  return {{load_half(p), load_half(p + 32)}};
}

inline void store(std::uint8_t* p, Bytes x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.half[0]);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), x.half[1]);
}

// Bytes -1 where the bits of a word are set.
inline __m256i mask_of(std::uint32_t word) {
  const __m256i kByteOf = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i kBitOf = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(word)), kByteOf);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, kBitOf), kBitOf);
}

inline __m256i table_piece(const std::uint8_t* table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
}

// A shuffle gives 0 for indices from 128 on, so that of each 16 entries of the table only those with the right high
// bits are added.
template <int kPieces>
inline __m256i look_up_pieces(__m256i index, const std::uint8_t* table) {
  if constexpr (kPieces == 1) return _mm256_shuffle_epi8(table_piece(table), index);
  __m256i x = _mm256_setzero_si256();
  for (int i = 0; i < kPieces; ++i) {
    const __m256i place = _mm256_xor_si256(index, _mm256_set1_epi8(static_cast<char>(16 * i)));
    x = _mm256_or_si256(
        x, _mm256_shuffle_epi8(table_piece(table + 16 * i), _mm256_adds_epu8(place, _mm256_set1_epi8(0x70))));
  }
  return x;
}

// table[index] for 2^(kBits + 1) entries; bit 8 of the indices is in a word.
template <int kBits>
inline Bytes look_up(Bytes index, std::uint64_t bit8, const std::uint8_t* table) {
  constexpr int kPieces = kBits <= 3 ? 1 : kBits >= 7 ? 16 : (2 << kBits) / 16;
  Bytes x;
  for (int h = 0; h < 2; ++h) {
    x.half[h] = look_up_pieces<kPieces>(index.half[h], table);
    if constexpr (kBits == 8) {
      const __m256i above = look_up_pieces<kPieces>(index.half[h], table + 256);
      x.half[h] = _mm256_blendv_epi8(x.half[h], above, mask_of(static_cast<std::uint32_t>(bit8 >> (32 * h))));
    }
  }
  return x;
}

// The low and the high half of each of 32 bytes, from 0 to 15.
inline Bytes halves(const std::uint8_t* p) {
  Bytes x;
  for (int h = 0; h < 2; ++h) {
    const __m256i words = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * h)));
    x.half[h] = _mm256_and_si256(_mm256_or_si256(words, _mm256_slli_epi16(words, 4)), _mm256_set1_epi8(15));
  }
  return x;
}

// As decoded levels are, 128 + half.
inline Bytes levels_of_halves(const std::uint8_t* p) {
  Bytes x = halves(p);
  for (__m256i& half : x.half) half = _mm256_or_si256(half, _mm256_set1_epi8(static_cast<char>(0x80)));
  return x;
}

// Within lanes of 16 bytes.
#define LOEWNER_BY_HALVES(name, operation)                                       \
  inline Bytes name(Bytes a, Bytes b) {                                          \
    return {{operation(a.half[0], b.half[0]), operation(a.half[1], b.half[1])}}; \
  }
LOEWNER_BY_HALVES(low8, _mm256_unpacklo_epi8)
LOEWNER_BY_HALVES(high8, _mm256_unpackhi_epi8)
LOEWNER_BY_HALVES(low16, _mm256_unpacklo_epi16)
LOEWNER_BY_HALVES(high16, _mm256_unpackhi_epi16)
LOEWNER_BY_HALVES(low32, _mm256_unpacklo_epi32)
LOEWNER_BY_HALVES(high32, _mm256_unpackhi_epi32)
LOEWNER_BY_HALVES(low64, _mm256_unpacklo_epi64)
LOEWNER_BY_HALVES(high64, _mm256_unpackhi_epi64)
#undef LOEWNER_BY_HALVES

// Lane i of x[j] becomes lane j of x[i].
inline void transpose_lanes(Bytes* x) {
  Bytes y[4];
  for (int h = 0; h < 2; ++h) {
    const __m256i a = x[0].half[h], b = x[1].half[h], c = x[2].half[h], d = x[3].half[h];
    y[2 * h] = {{_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(c, d, 0x20)}};
    y[2 * h + 1] = {{_mm256_permute2x128_si256(a, b, 0x31), _mm256_permute2x128_si256(c, d, 0x31)}};
  }
  for (int i = 0; i < 4; ++i) x[i] = y[i];
}

inline Sums no_sums() {
  return {{_mm256_setzero_si256(), _mm256_setzero_si256()}};
}

// The four bytes of a token for all sums.
inline Bytes all(const std::int8_t* token) {
  std::int32_t word;
  std::memcpy(&word, token, sizeof(word));
  return {{_mm256_set1_epi32(word), _mm256_set1_epi32(word)}};
}

inline void store_lane(std::int32_t* p, Sums sums, int lane) {
  const __m256i half = lane < 2 ? sums.half[0] : sums.half[1];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   lane % 2 == 0 ? _mm256_castsi256_si128(half) : _mm256_extracti128_si256(half, 1));
}

// Of all sums.
inline std::int32_t total(Sums sums) {
  const __m256i eight = _mm256_add_epi32(sums.half[0], sums.half[1]);
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

constexpr Index kFloats = 8;  // that are looked up together

// levels[number] for 2^(kBits + 1) levels, which have 32 readable bytes.
template <int kBits>
inline void look_up_floats(const std::uint8_t* numbers, const float* levels, float* out) {
  const __m256i number = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(numbers)));
  __m256 x = _mm256_permutevar8x32_ps(_mm256_loadu_ps(levels), number);
  for (int first = 8; first < 2 << kBits; first += 8) {
    const __m256i is_above = _mm256_cmpgt_epi32(number, _mm256_set1_epi32(first - 1));
    const __m256 above = _mm256_permutevar8x32_ps(_mm256_loadu_ps(levels + first), number);
    x = _mm256_blendv_ps(x, above, _mm256_castsi256_ps(is_above));
  }
  _mm256_storeu_ps(out, x);
}
