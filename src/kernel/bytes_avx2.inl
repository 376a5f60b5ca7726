// SPDX-License-Identifier: Apache-2.0
// Levels and products of bytes_256.inl, for every processor with AVX2.

struct Weights {
  Bytes levels, sizes;  // without the offset, and their absolute values
};

constexpr int kTokensOfTile = 4, kGroupsOfTile = 1;
constexpr std::int32_t kOffset = 0;  // that the products contain

// Byte t has the bits t of the words, the first one lowest.
template <int kWords>
inline Bytes spread(const std::uint64_t* words) {
  Bytes x;
  for (int h = 0; h < 2; ++h) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < kWords; ++i) {
      const __m256i bit = _mm256_set1_epi8(static_cast<char>(1u << i));
      sum = _mm256_or_si256(sum, _mm256_and_si256(mask_of(static_cast<std::uint32_t>(words[i] >> (32 * h))), bit));
    }
    x.half[h] = sum;
  }
  return x;
}

inline Weights weights(Bytes levels) {
  Weights w;
  for (int h = 0; h < 2; ++h) {
    w.levels.half[h] = _mm256_xor_si256(levels.half[h], _mm256_set1_epi8(static_cast<char>(0x80)));
    w.sizes.half[h] = _mm256_abs_epi8(w.levels.half[h]);
  }
  return w;
}

inline Weights weights_of_halves(const std::uint8_t* p) {
  const Bytes levels = halves(p);
  return {levels, levels};
}

// Both factors are within +-127, so that sums of two products fit into 16 bits.
inline Sums add_products(Sums sums, const Weights& w, Bytes token) {
  for (int h = 0; h < 2; ++h) {
    const __m256i signed_token = _mm256_sign_epi8(token.half[h], w.levels.half[h]);
    const __m256i pairs = _mm256_maddubs_epi16(w.sizes.half[h], signed_token);
    sums.half[h] = _mm256_add_epi32(sums.half[h], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  return sums;
}
