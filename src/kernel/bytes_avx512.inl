// SPDX-License-Identifier: Apache-2.0
// 64 bytes in one register of AVX-512 with VBMI and VNNI.

using Bytes = __m512i;
using Sums = __m512i;   // 16 sums, those of lane l belong to bytes of lane l
using Weights = Bytes;  // levels + 128

constexpr int kTokensOfTile = 6, kGroupsOfTile = 4;
constexpr std::int32_t kOffset = 128;  // that the products contain

inline Bytes load(const std::uint8_t* p) {
  return _mm512_loadu_si512(p);
}

inline void store(std::uint8_t* p, Bytes x) {
  _mm512_storeu_si512(p, x);
}

// Each word of bytes times the matrix of 8 x 8 bits that is the word of the other, whose byte 7 - i is row i.
inline Bytes multiply_bits(Bytes matrices, Bytes bytes) {
  return _mm512_gf2p8affine_epi64_epi8(bytes, matrices, 0);
}

inline Bytes all_words(std::uint64_t word) {
  return _mm512_set1_epi64(static_cast<long long>(word));
}

inline Bytes exclusive_or(Bytes a, Bytes b) {
  return _mm512_xor_si512(a, b);
}

// Byte 8 j + i is byte j of word i.
struct alignas(64) TransposedBytes {
  std::uint8_t from[64];

  constexpr TransposedBytes() : from() {
    for (int at = 0; at < 64; ++at) from[at] = static_cast<std::uint8_t>(8 * (at % 8) + at / 8);
  }
};
constexpr TransposedBytes kTransposed;

// Byte t has the bits t of the words, the first one lowest: the bytes of all words for the same eight entries are a
// matrix, times the columns of the identity.
template <int kWords>
inline Bytes spread(const std::uint64_t* words) {
  Bytes rows = _mm512_maskz_set1_epi64(1U << 7, static_cast<long long>(words[0]));
#pragma GCC unroll 8
  for (int i = 1; i < kWords; ++i) {
    rows = _mm512_mask_set1_epi64(rows, static_cast<__mmask8>(1U << (7 - i)), static_cast<long long>(words[i]));
  }
  return multiply_bits(_mm512_permutexvar_epi8(load(kTransposed.from), rows), all_words(kColumns));
}

inline Bytes look_up_128(Bytes index, const std::uint8_t* table) {
  return _mm512_permutex2var_epi8(load(table), index, load(table + 64));
}

inline Bytes look_up_256(Bytes index, const std::uint8_t* table) {
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), look_up_128(index, table), look_up_128(index, table + 128));
}

// 2^(kBits + 1) entries, repeated in the register: a shuffle ignores bits 6 and 7 of an index, and these entries do not
// depend on the bits below.
template <int kBits>
inline Bytes repeated_table(const std::uint8_t* table) {
  if constexpr (kBits == 1) {
    std::int32_t four;
    std::memcpy(&four, table, sizeof(four));
    return _mm512_set1_epi32(four);
  } else if constexpr (kBits == 2) {
    return all_words(word_at(table));
  } else if constexpr (kBits == 3) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  } else if constexpr (kBits == 4) {
    return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(table)));
  } else {
    return load(table);
  }
}

// table[index] for 2^(kBits + 1) entries; bit 8 of the indices is in a word. Higher bits of an index do not matter.
template <int kBits>
inline Bytes look_up(Bytes index, std::uint64_t bit8, const std::uint8_t* table) {
  if constexpr (kBits <= 5) {
    return _mm512_permutexvar_epi8(index, repeated_table<kBits>(table));
  } else if constexpr (kBits == 6) {
    return look_up_128(index, table);
  } else if constexpr (kBits == 7) {
    return look_up_256(index, table);
  } else {
    return _mm512_mask_blend_epi8(bit8, look_up_256(index, table), look_up_256(index, table + 256));
  }
}

// The low and the high half of each of 32 bytes, from 0 to 15.
inline Bytes halves(const std::uint8_t* p) {
  const __m512i words = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_and_si512(_mm512_or_si512(words, _mm512_slli_epi16(words, 4)), _mm512_set1_epi8(15));
}

// As decoded levels are, 128 + half.
inline Bytes levels_of_halves(const std::uint8_t* p) {
  return _mm512_or_si512(halves(p), _mm512_set1_epi8(static_cast<char>(0x80)));
}

// Within lanes of 16 bytes.
inline Bytes low8(Bytes a, Bytes b) {
  return _mm512_unpacklo_epi8(a, b);
}
inline Bytes high8(Bytes a, Bytes b) {
  return _mm512_unpackhi_epi8(a, b);
}
inline Bytes low16(Bytes a, Bytes b) {
  return _mm512_unpacklo_epi16(a, b);
}
inline Bytes high16(Bytes a, Bytes b) {
  return _mm512_unpackhi_epi16(a, b);
}
inline Bytes low32(Bytes a, Bytes b) {
  return _mm512_unpacklo_epi32(a, b);
}
inline Bytes high32(Bytes a, Bytes b) {
  return _mm512_unpackhi_epi32(a, b);
}
inline Bytes low64(Bytes a, Bytes b) {
  return _mm512_unpacklo_epi64(a, b);
}
inline Bytes high64(Bytes a, Bytes b) {
  return _mm512_unpackhi_epi64(a, b);
}

// Lane i of x[j] becomes lane j of x[i].
inline void transpose_lanes(Bytes* x) {
  const Bytes even01 = _mm512_shuffle_i32x4(x[0], x[1], 0x88), odd01 = _mm512_shuffle_i32x4(x[0], x[1], 0xdd);
  const Bytes even23 = _mm512_shuffle_i32x4(x[2], x[3], 0x88), odd23 = _mm512_shuffle_i32x4(x[2], x[3], 0xdd);
  x[0] = _mm512_shuffle_i32x4(even01, even23, 0x88);
  x[1] = _mm512_shuffle_i32x4(odd01, odd23, 0x88);
  x[2] = _mm512_shuffle_i32x4(even01, even23, 0xdd);
  x[3] = _mm512_shuffle_i32x4(odd01, odd23, 0xdd);
}

inline Sums no_sums() {
  return _mm512_setzero_si512();
}

inline Weights weights(Bytes levels) {
  return levels;
}

// Without the 128 of weights(), so that products contain no offset.
inline Weights weights_of_halves(const std::uint8_t* p) {
  return halves(p);
}

// The four bytes of a token for all sums.
inline Bytes all(const std::int8_t* token) {
  std::int32_t word;
  std::memcpy(&word, token, sizeof(word));
  return _mm512_set1_epi32(word);
}

// With the intrinsic _mm512_dpbusd_epi32, GCC 12 copies the sums of a tile through memory in every step.
inline Sums add_products(Sums sums, const Weights& w, Bytes token) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(w), "v"(token));
  return sums;
}

inline void store_lane(std::int32_t* p, Sums sums, int lane) {
  const __m512i rest = lane == 0   ? sums
                       : lane == 1 ? _mm512_shuffle_i32x4(sums, sums, 1)
                       : lane == 2 ? _mm512_shuffle_i32x4(sums, sums, 2)
                                   : _mm512_shuffle_i32x4(sums, sums, 3);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_castsi512_si128(rest));
}

// Of all sums.
inline std::int32_t total(Sums sums) {
  return _mm512_reduce_add_epi32(sums);
}

constexpr Index kFloats = 16;  // that are looked up together

// levels[number] for 2^(kBits + 1) levels, which have 64 readable bytes.
template <int kBits>
inline void look_up_floats(const std::uint8_t* numbers, const float* levels, float* out) {
  const __m512i number = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(numbers)));
  const __m512 low = _mm512_loadu_ps(levels);
  if constexpr (kBits <= 3) {
    _mm512_storeu_ps(out, _mm512_permutexvar_ps(number, low));
  } else {
    _mm512_storeu_ps(out, _mm512_permutex2var_ps(low, number, _mm512_loadu_ps(levels + 16)));
  }
}
