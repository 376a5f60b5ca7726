// SPDX-License-Identifier: Apache-2.0
// The kernels of byte_kernels.hpp, on the operations of bytes_*.inl.

inline Bytes zero_levels() {
  std::uint8_t levels[64];
  std::fill_n(levels, 64, std::uint8_t{128});
  return load(levels);
}

// function<bits>(arguments), for bits that are known when the program runs; 1 to 8.
#define LOEWNER_WITH_BITS(bits, function, ...) \
  switch (bits) {                              \
    case 1:                                    \
      return function<1>(__VA_ARGS__);         \
    case 2:                                    \
      return function<2>(__VA_ARGS__);         \
    case 3:                                    \
      return function<3>(__VA_ARGS__);         \
    case 4:                                    \
      return function<4>(__VA_ARGS__);         \
    case 5:                                    \
      return function<5>(__VA_ARGS__);         \
    case 6:                                    \
      return function<6>(__VA_ARGS__);         \
    case 7:                                    \
      return function<7>(__VA_ARGS__);         \
    default:                                   \
      return function<8>(__VA_ARGS__);         \
  }

inline Bytes levels_of(const CodedVector& vector, Index first_byte, Index plane_bytes, std::uint64_t low,
                       std::uint64_t high) {
  if (vector.bits == 0) return zero_levels();
  LOEWNER_WITH_BITS(vector.bits, levels_of, vector.planes + first_byte, plane_bytes, low, high, vector.levels)
}

// `size` blocks of a vector from block `first` on.
inline void decode_along(const CodedVector& vector, Index entries, Index first, Index size, std::uint8_t* levels) {
  if (vector.bits == 0) {
    for (Index i = 0; i < size; ++i) store(levels + 64 * i, zero_levels());
    return;
  }
  LOEWNER_WITH_BITS(vector.bits, decode_along, vector, (entries + 7) / 8, first, size, levels)
}

template <int kBits>
inline void decode_floats(CodedVector vector, Index entries, Index first, Index count, const float* levels,
                          float* out) {
  vector.levels = kNumbers.values;
  const Index plane_bytes = (entries + 7) / 8;
  for (Index end = first + count; first < end; first += kBlockEntries * kBlocksAtOnce) {
    const Index size = std::min(kBlocksAtOnce, (end - first) / kBlockEntries);
    alignas(64) std::uint8_t numbers[kBlockEntries * kBlocksAtOnce];
    decode_along<kBits>(vector, plane_bytes, first / kBlockEntries, size, numbers);
    for (Index i = 0; i < kBlockEntries * size; i += kBits <= 4 ? kFloats : 1) {
      if constexpr (kBits <= 4) {
        look_up_floats<kBits>(numbers + i, levels, out + i);
      } else if constexpr (kBits < 8) {
        out[i] = levels[numbers[i]];
      } else {
        const unsigned bit8 = vector.planes[7 * plane_bytes + (first + i) / 8] >> (i % 8) & 1U;
        out[i] = levels[numbers[i] | bit8 << 8];
      }
    }
    out += kBlockEntries * kBlocksAtOnce;
  }
}

inline void decode_floats(const CodedVector& vector, Index entries, Index first, Index count, const float* levels,
                          float* out) {
  LOEWNER_WITH_BITS(vector.bits, decode_floats, vector, entries, first, count, levels, out)
}

inline void decode_levels(const CodedVector& vector, Index entries, std::uint8_t* levels) {
  const Index count = (entries + kBlockEntries - 1) / kBlockEntries;
  for (Index first = 0; first < count; first += kBlocksAtOnce) {
    decode_along(vector, entries, first, std::min(kBlocksAtOnce, count - first), levels + kBlockEntries * first);
  }
}

inline void unpack_codes(const std::uint8_t* packed, Index count, std::uint8_t* levels) {
  constexpr std::uint8_t kZero = 128;
  Index j = 0;
  for (; j + kBlockEntries <= count; j += kBlockEntries) {
    store(levels + j, levels_of_halves(packed + j / 2));
  }
  for (; j < count; j += 2) {
    levels[j] = kZero | (packed[j / 2] & 15U);
    levels[j + 1] = kZero | packed[j / 2] >> 4U;
  }
}

// 16 vectors of 16 words of four bytes; word k of vector 4 l + e becomes word 4 l + e of x[k].
inline void transpose_words(Bytes* x) {
  for (int l = 0; l < 4; ++l) {
    Bytes* const y = x + 4 * l;
    const Bytes a = low32(y[0], y[1]), b = high32(y[0], y[1]), c = low32(y[2], y[3]), d = high32(y[2], y[3]);
    y[0] = low64(a, c);
    y[1] = high64(a, c);
    y[2] = low64(b, d);
    y[3] = high64(b, d);
  }
  for (int c = 0; c < 4; ++c) {
    Bytes y[4] = {x[c], x[4 + c], x[8 + c], x[12 + c]};
    transpose_lanes(y);
    for (int q = 0; q < 4; ++q) x[4 * q + c] = y[q];
  }
}

// The words m of a panel. Row e of the four from row l * step on belongs to output 16 l + 4 m + e.
inline void interleave_rows(const std::uint8_t* rows, Index stride, Index step, Index blocks, std::uint8_t* panel) {
  for (Index block = 0; block < blocks; ++block) {
    Bytes x[16];
    for (Index i = 0; i < 16; ++i) x[i] = load(rows + (i / 4 * step + i % 4) * stride + block * kBlockEntries);
    transpose_words(x);
    for (Index k = 0; k < 16; ++k) store(panel + (16 * block + k) * 256, x[k]);
  }
}

inline void panel_of_outputs(CodedVectors outputs, std::uint8_t* scratch, std::uint8_t* panel) {
  const Index blocks = (outputs.entries + kBlockEntries - 1) / kBlockEntries;
  for (Index m = 0; m < 4; ++m) {
    for (Index i = 0; i < 16; ++i) {
      const Index output = 16 * (i / 4) + 4 * m + i % 4;
      decode_levels(output < outputs.count ? outputs.vectors[output] : CodedVector{}, outputs.entries,
             scratch + i * blocks * kBlockEntries);
    }
    interleave_rows(scratch, kBlockEntries * blocks, 4, blocks, panel + 64 * m);
  }
}

inline void panel_of_rows(const std::uint8_t* rows, Index stride, Index inputs, std::uint8_t* panel) {
  for (Index m = 0; m < 4; ++m) {
    interleave_rows(rows + 4 * m * stride, stride, 16, inputs / kBlockEntries, panel + 64 * m);
  }
}

// Levels of 64 outputs for four inputs, each `stride` bytes behind the one before, in the order of a panel.
inline void interleave(const std::uint8_t* levels, Index stride, Bytes* w) {
  const Bytes a = load(levels), b = load(levels + stride), c = load(levels + 2 * stride), d = load(levels + 3 * stride);
  const Bytes low_ab = low8(a, b), high_ab = high8(a, b), low_cd = low8(c, d), high_cd = high8(c, d);
  w[0] = low16(low_ab, low_cd);
  w[1] = high16(low_ab, low_cd);
  w[2] = low16(high_ab, high_cd);
  w[3] = high16(high_ab, high_cd);
}

// The blocks of 64 entries from `first` on of up to kBlocksAtOnce vectors from `input` on; zeros for vectors past the
// last.
inline void decode_across(CodedVectors inputs, Index input, Index first, std::uint8_t* levels) {
  const CodedVector none;
  const CodedVector* vectors[kBlocksAtOnce];
  std::uint64_t now[kBlocksAtOnce], before[kBlocksAtOnce];
  for (Index i = 0; i < kBlocksAtOnce; ++i) {
    vectors[i] = input + i < inputs.count ? &inputs.vectors[input + i] : &none;
    const bool has_plane = vectors[i]->bits > 0;
    now[i] = has_plane ? word_at(vectors[i]->planes + first / 8) : 0;
    before[i] = !has_plane ? 0 : first > 0 ? vectors[i]->planes[first / 8 - 1] : vectors[i]->before;
  }
  const Parities parities(words_of(now), words_of(before));
  for (Index i = 0; i < kBlocksAtOnce; ++i) {
    store(levels + 64 * i,
          levels_of(*vectors[i], first / 8, (inputs.entries + 7) / 8, parities.low[i], parities.high[i]));
  }
}

// A cache line of a plane holds the entries of eight panels.
inline void panels_of_inputs(CodedVectors inputs, Index first, Index count, Index stride, std::uint8_t* panels) {
  for (Index input = 0; input < inputs.count; input += kBlocksAtOnce) {
    for (Index i = 0; i < count; ++i) {
      alignas(64) std::uint8_t levels[64 * kBlocksAtOnce];
      decode_across(inputs, input, first + kPanelOutputs * i, levels);
      std::uint8_t* const panel = panels + i * stride + 64 * input;
      for (Index four = 0; four < kBlocksAtOnce / 4; ++four) {
        Bytes w[4];
        interleave(levels + 256 * four, 64, w);
        for (Index m = 0; m < 4; ++m) store(panel + 256 * four + 64 * m, w[m]);
      }
    }
  }
}

// A tile: kCount tokens times the outputs of kGroupsOfTile words m of the panel. Only unrolled loops keep its sums in
// registers.
template <int kCount>
inline void multiply_tile(const std::uint8_t* panel, Index inputs, const ByteTokens& tokens, Index token, Index group,
                          std::int32_t* sums) {
  Sums tile[kCount * kGroupsOfTile];
#pragma GCC unroll 24
  for (Sums& sum : tile) sum = no_sums();
  const std::int8_t* const values = tokens.values + token * tokens.stride;
  for (Index k = 0; k < inputs; k += 4) {
    Weights w[kGroupsOfTile];
#pragma GCC unroll 4
    for (int m = 0; m < kGroupsOfTile; ++m) w[m] = weights(load(panel + 64 * (k + group + m)));
#pragma GCC unroll 24
    for (int i = 0; i < kCount * kGroupsOfTile; ++i) {
      const Bytes x = all(values + i / kGroupsOfTile * tokens.stride + k);
      tile[i] = add_products(tile[i], w[i % kGroupsOfTile], x);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < kCount * kGroupsOfTile; ++i) {
    std::int32_t* const row = sums + (token + i / kGroupsOfTile) * kPanelOutputs + 4 * (group + i % kGroupsOfTile);
#pragma GCC unroll 4
    for (int lane = 0; lane < 4; ++lane) store_lane(row + 16 * lane, tile[i], lane);
  }
}

template <int kCount>
inline void multiply_tokens(const std::uint8_t* panel, Index inputs, const ByteTokens& tokens, Index token,
                            std::int32_t* sums) {
  for (Index group = 0; group < 4; group += kGroupsOfTile) {
    multiply_tile<kCount>(panel, inputs, tokens, token, group, sums);
  }
}

// The last tokens, at most kCount.
template <int kCount>
inline void multiply_rest(const std::uint8_t* panel, Index inputs, const ByteTokens& tokens, Index token,
                          std::int32_t* sums) {
  if constexpr (kCount > 0) {
    if (tokens.count - token == kCount) return multiply_tokens<kCount>(panel, inputs, tokens, token, sums);
    multiply_rest<kCount - 1>(panel, inputs, tokens, token, sums);
  }
}

inline void multiply(const std::uint8_t* panel, Index inputs, ByteTokens tokens, std::int32_t* sums) {
  Index token = 0;
  for (; token + kTokensOfTile <= tokens.count; token += kTokensOfTile) {
    multiply_tokens<kTokensOfTile>(panel, inputs, tokens, token, sums);
  }
  multiply_rest<kTokensOfTile - 1>(panel, inputs, tokens, token, sums);
  if constexpr (kOffset != 0) {
    for (Index t = 0; t < tokens.count; ++t) {
      for (Index i = 0; i < kPanelOutputs; ++i) sums[t * kPanelOutputs + i] -= kOffset * tokens.sums[t];
    }
  }
}

// The products of one token. Nothing is decoded twice, so panels would only take time.

using LaneSums = std::int32_t __attribute__((vector_size(64)));
using LaneFloats = float __attribute__((vector_size(64)));

// Rows whose levels are bytes.
struct ByteRow {
  static constexpr bool kHasOffset = kOffset != 0;
  static Index place(Index k) { return k; }
  static Weights weights_at(const std::uint8_t* p) { return weights(load(p)); }
};

// Rows whose levels are codes of 4 bits.
struct HalfByteRow {
  static constexpr bool kHasOffset = false;
  static Index place(Index k) { return k / 2; }
  static Weights weights_at(const std::uint8_t* p) { return weights_of_halves(p); }
};

inline LaneSums lanes_of(const Sums& sums) {
  LaneSums lanes;
  std::memcpy(&lanes, &sums, sizeof(lanes));
  return lanes;
}

template <typename Row>
inline LaneFloats floats_of(const Sums& sums, const Sums& offsets) {
  if constexpr (!Row::kHasOffset) return __builtin_convertvector(lanes_of(sums), LaneFloats);
  return __builtin_convertvector(lanes_of(sums) - lanes_of(offsets), LaneFloats);
}

// In an order that does not depend on the processor.
inline float total(LaneFloats floats) {
  float x[16];
  std::memcpy(x, &floats, sizeof(x));
  for (int half = 8; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) x[l] += x[l + half];
  }
  return x[0];
}

// Sums in lanes are scaled part by part: to add up the lanes of each part by itself would take longer than the products.
template <typename Row, int kRows, int kBytes>
inline void multiply_few_rows(const LevelRows& rows, Index first, const PartedToken& token, const float* scales,
                              float* products) {
  const std::uint8_t* const bytes = rows.bytes + first * rows.stride;
  const Index ahead = rows.followed ? kRows * rows.stride : 0;  // the processor foresees no more than a page
  LaneFloats floats[kRows] = {};
  for (Index p = 0; p < token.parts; ++p) {
    Sums sums[kRows * kBytes], offsets[kBytes];
#pragma GCC unroll 8
    for (Sums& sum : sums) sum = no_sums();
#pragma GCC unroll 2
    for (Sums& offset : offsets) offset = no_sums();
    for (Index k = token.places[p]; k < token.places[p + 1]; k += kBlockEntries) {
      Bytes x[kBytes];
#pragma GCC unroll 2
      for (int b = 0; b < kBytes; ++b) {
        x[b] = load(reinterpret_cast<const std::uint8_t*>(token.values) + b * token.stride + k);
        if constexpr (Row::kHasOffset) offsets[b] = add_products(offsets[b], weights(zero_levels()), x[b]);
      }
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const std::uint8_t* const p = bytes + i * rows.stride + Row::place(k);
        fetch(p, ahead);
        const Weights w = Row::weights_at(p);
#pragma GCC unroll 2
        for (int b = 0; b < kBytes; ++b) sums[i * kBytes + b] = add_products(sums[i * kBytes + b], w, x[b]);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      LaneFloats part = floats_of<Row>(sums[i * kBytes], offsets[0]);
      if constexpr (kBytes == 2) part = part * kFirstByteWeight + floats_of<Row>(sums[i * kBytes + 1], offsets[1]);
      floats[i] += part * (token.scales[p] * scales[p * kPanelOutputs + first + i]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) products[first + i] = total(floats[i]);
}

template <typename Row, int kBytes>
inline void multiply_rows(const LevelRows& rows, Index count, const PartedToken& token, const float* scales,
                          float* products) {
  constexpr Index kRows = 4;
  Index i = 0;
  for (; i + kRows <= count; i += kRows) {
    multiply_few_rows<Row, kRows, kBytes>(rows, i, token, scales, products);
  }
  for (; i < count; ++i) {
    multiply_few_rows<Row, 1, kBytes>(rows, i, token, scales, products);
  }
}

template <typename Row>
inline void multiply_rows(const LevelRows& rows, Index count, const PartedToken& token, const float* scales,
                          float* products) {
  if (token.bytes_of_entry == 1) return multiply_rows<Row, 1>(rows, count, token, scales, products);
  multiply_rows<Row, 2>(rows, count, token, scales, products);
}

inline void multiply_rows(const LevelRows& rows, Index count, const PartedToken& token, const float* scales,
                          float* products) {
  if (rows.bits == 8) return multiply_rows<ByteRow>(rows, count, token, scales, products);
  multiply_rows<HalfByteRow>(rows, count, token, scales, products);
}

inline std::int32_t product_along(const CodedVector& vector, Index entries, const std::uint8_t* token) {
  LOEWNER_WITH_BITS(vector.bits, product_along, vector, entries, token)
}

inline void multiply_outputs(CodedVectors outputs, ByteTokens token, std::int32_t* sums) {
  const auto* const values = reinterpret_cast<const std::uint8_t*>(token.values);
  for (Index i = 0; i < outputs.count; ++i) {
    const CodedVector& vector = outputs.vectors[i];
    sums[i] = vector.bits == 0 ? 0 : product_along(vector, outputs.entries, values) - kOffset * token.sums[0];
  }
}

// kOutputs sums at a time stay in the first cache while all inputs pass.
inline void multiply_inputs(CodedVectors inputs, Index first, Index count, ByteTokens token, std::int32_t* sums) {
  constexpr Index kOutputs = 4096, kStride = kBlockEntries * kBlocksAtOnce;
  const CodedVector none;
  for (Index chunk = 0; chunk < count; chunk += kOutputs) {
    const Index blocks = (std::min(kOutputs, count - chunk) + kPanelOutputs - 1) / kPanelOutputs;
    const Index first_block = (first + chunk) / kBlockEntries;
    Sums ordered[4 * kOutputs / kPanelOutputs];
    for (Index i = 0; i < 4 * blocks; ++i) ordered[i] = no_sums();
    for (Index input = 0; input < inputs.count; input += 4) {
      const Bytes x = all(token.values + input);
      for (Index block = 0; block < blocks; block += kBlocksAtOnce) {
        const Index size = std::min(kBlocksAtOnce, blocks - block);
        alignas(64) std::uint8_t levels[4 * kStride];
        for (Index i = 0; i < 4; ++i) {
          const CodedVector& vector = input + i < inputs.count ? inputs.vectors[input + i] : none;
          decode_along(vector, inputs.entries, first_block + block, size, levels + i * kStride);
        }
        for (Index i = 0; i < size; ++i) {
          Bytes w[4];
          interleave(levels + kBlockEntries * i, kStride, w);
          Sums* const to = ordered + 4 * (block + i);
          for (Index m = 0; m < 4; ++m) to[m] = add_products(to[m], weights(w[m]), x);
        }
      }
    }
    for (Index block = 0; block < blocks; ++block) {
      std::int32_t outputs[kPanelOutputs];
      for (Index m = 0; m < 4; ++m) {
        for (int lane = 0; lane < 4; ++lane) store_lane(outputs + 16 * lane + 4 * m, ordered[4 * block + m], lane);
      }
      const Index place = chunk + kPanelOutputs * block;
      for (Index i = 0; i < std::min(kPanelOutputs, count - place); ++i) {
        sums[place + i] = outputs[i] - kOffset * token.sums[0];
      }
    }
  }
}
