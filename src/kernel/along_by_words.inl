// SPDX-License-Identifier: Apache-2.0
// Blocks along a vector, by words of its planes.

// The byte before each word; `before` for the first.
inline Words bytes_before(Words w, std::uint8_t before) {
  return Words{std::uint64_t{before} << 56, w[0], w[1], w[2], w[3], w[4], w[5], w[6]} >> 56;
}

// The first `count` words, then zeros.
inline Words load_words(const std::uint8_t* p, Index count) {
  Words words{};
  if (count == kBlocksAtOnce) {
    std::memcpy(&words, p, sizeof(words));
  } else {
    for (Index i = 0; i < count; ++i) words[i] = word_at(p + 8 * i);
  }
  return words;
}

template <int kBits>
inline void decode_along(const CodedVector& vector, Index plane_bytes, Index first, Index size, std::uint8_t* levels) {
  const std::uint8_t* const plane0 = vector.planes + 8 * first;
  for (int i = 0; i < kBits; ++i) fetch_ahead(vector, plane0 + i * plane_bytes);
  const Words words = load_words(plane0, size);
  const Parities parities(words, bytes_before(words, first == 0 ? vector.before : plane0[-1]));
  for (Index i = 0; i < size; ++i) {
    store(levels + 64 * i, levels_of<kBits>(plane0 + 8 * i, plane_bytes, parities.low[i], parities.high[i],
                                            vector.levels));
  }
}

template <int kBits>
inline std::int32_t product_along(const CodedVector& vector, Index entries, const std::uint8_t* token) {
  const Index blocks = (entries + kBlockEntries - 1) / kBlockEntries;
  Sums sum = no_sums();
  for (Index first = 0; first < blocks; first += kBlocksAtOnce) {
    const Index size = std::min(kBlocksAtOnce, blocks - first);
    alignas(64) std::uint8_t levels[kBlockEntries * kBlocksAtOnce];
    decode_along<kBits>(vector, (entries + 7) / 8, first, size, levels);
    for (Index i = 0; i < size; ++i) {
      sum = add_products(sum, weights(load(levels + 64 * i)), load(token + 64 * (first + i)));
    }
  }
  return total(sum);
}
