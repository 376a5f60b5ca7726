// SPDX-License-Identifier: Apache-2.0
// Levels and products of bytes_256.inl, with GFNI and AVX-VNNI.

using Weights = Bytes;  // levels + 128

constexpr int kTokensOfTile = 6, kGroupsOfTile = 1;
constexpr std::int32_t kOffset = 128;  // that the products contain

// Each word of bytes times the matrix of 8 x 8 bits that is the word of the other, whose byte 7 - i is row i.
inline Bytes multiply_bits(Bytes matrices, Bytes bytes) {
  return {{_mm256_gf2p8affine_epi64_epi8(bytes.half[0], matrices.half[0], 0),
           _mm256_gf2p8affine_epi64_epi8(bytes.half[1], matrices.half[1], 0)}};
}

inline Bytes all_words(std::uint64_t word) {
  const __m256i x = _mm256_set1_epi64x(static_cast<long long>(word));
  return {{x, x}};
}

inline Bytes exclusive_or(Bytes a, Bytes b) {
  return {{_mm256_xor_si256(a.half[0], b.half[0]), _mm256_xor_si256(a.half[1], b.half[1])}};
}

// The bytes of one to four words in turn, the first last; missing words are zeros.
template <int kWords>
inline void interleave_words(const std::uint64_t* words, __m128i* fours) {
  const auto word = [&](int i) {
    return i < kWords ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(words + i)) : _mm_setzero_si128();
  };
  const __m128i last = _mm_unpacklo_epi8(word(1), word(0)), first = _mm_unpacklo_epi8(word(3), word(2));
  fours[0] = _mm_unpacklo_epi16(first, last);
  fours[1] = _mm_unpackhi_epi16(first, last);
}

// Byte t has the bits t of the words, the first one lowest: the bytes of all words for the same eight entries are a
// matrix, times the columns of the identity.
template <int kWords>
inline Bytes spread(const std::uint64_t* words) {
  __m128i low[2], high[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
  interleave_words<std::min(kWords, 4)>(words, low);
  if constexpr (kWords > 4) interleave_words<kWords - 4>(words + 4, high);
  Bytes matrices;
  for (int h = 0; h < 2; ++h) {
    matrices.half[h] = _mm256_set_m128i(_mm_unpackhi_epi32(high[h], low[h]), _mm_unpacklo_epi32(high[h], low[h]));
  }
  return multiply_bits(matrices, all_words(kColumns));
}

inline Weights weights(Bytes levels) {
  return levels;
}

// Without the 128 of weights(), so that products contain no offset.
inline Weights weights_of_halves(const std::uint8_t* p) {
  return halves(p);
}

inline Sums add_products(Sums sums, const Weights& w, Bytes token) {
  for (int h = 0; h < 2; ++h) sums.half[h] = _mm256_dpbusd_avx_epi32(sums.half[h], w.half[h], token.half[h]);
  return sums;
}
