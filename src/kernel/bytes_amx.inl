// SPDX-License-Identifier: Apache-2.0
// Products of 16 tokens, 16 outputs and 64 inputs at a time, in the tiles of AMX. The rows of a tile of weights are the
// 64 bytes of a panel that belong to four inputs and 16 outputs.

constexpr Index kTileTokens = 16, kPanelGroups = 4;

// All eight tiles have 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, first_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// Sums of 32 tokens in the order of the tiles.
struct alignas(64) TileSums {
  std::int32_t sums[kPanelGroups][2 * kTileTokens][16];
};

// 32 tokens times all outputs, two groups of 16 at a time.
inline void multiply_pair_of_tiles(const std::uint8_t* panel, Index inputs, const std::int8_t* tokens, Index stride,
                                   TileSums& to) {
  for (Index group = 0; group < kPanelGroups; group += 2) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (Index k = 0; k < inputs; k += 64) {
      _tile_loadd(4, tokens + k, stride);
      _tile_loadd(6, panel + 64 * (k + group), 256);
      _tile_dpbsud(0, 4, 6);
      _tile_loadd(5, tokens + kTileTokens * stride + k, stride);
      _tile_dpbsud(1, 5, 6);
      _tile_loadd(7, panel + 64 * (k + group + 1), 256);
      _tile_dpbsud(2, 4, 7);
      _tile_dpbsud(3, 5, 7);
    }
    _tile_stored(0, to.sums[group], 64);
    _tile_stored(1, to.sums[group] + kTileTokens, 64);
    _tile_stored(2, to.sums[group + 1], 64);
    _tile_stored(3, to.sums[group + 1] + kTileTokens, 64);
  }
}

// 16 tokens times all outputs.
inline void multiply_tile(const std::uint8_t* panel, Index inputs, const std::int8_t* tokens, Index stride,
                          TileSums& to) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (Index k = 0; k < inputs; k += 64) {
    _tile_loadd(4, tokens + k, stride);
    _tile_loadd(6, panel + 64 * k, 256);
    _tile_dpbsud(0, 4, 6);
    _tile_loadd(7, panel + 64 * k + 64, 256);
    _tile_dpbsud(1, 4, 7);
    _tile_loadd(6, panel + 64 * k + 128, 256);
    _tile_dpbsud(2, 4, 6);
    _tile_loadd(7, panel + 64 * k + 192, 256);
    _tile_dpbsud(3, 4, 7);
  }
  _tile_stored(0, to.sums[0], 64);
  _tile_stored(1, to.sums[1], 64);
  _tile_stored(2, to.sums[2], 64);
  _tile_stored(3, to.sums[3], 64);
}

// The sums of a token in the order of outputs, without the offset of the levels.
inline void put_in_order(const TileSums& from, Index row, std::int32_t token_sum, std::int32_t* sums) {
  Bytes x[kPanelGroups];
  for (Index group = 0; group < kPanelGroups; ++group) x[group] = _mm512_load_si512(from.sums[group][row]);
  avx512::transpose_lanes(x);
  const Bytes offset = _mm512_set1_epi32(avx512::kOffset * token_sum);
  for (Index lane = 0; lane < 4; ++lane) _mm512_storeu_si512(sums + 16 * lane, _mm512_sub_epi32(x[lane], offset));
}

inline void multiply(const std::uint8_t* panel, Index inputs, ByteTokens tokens, std::int32_t* sums) {
  Index token = 0;
  if (tokens.count >= kTileTokens) {
    const TileShapes shapes;
    _tile_loadconfig(&shapes);
    TileSums from;
    while (tokens.count - token >= kTileTokens) {
      const std::int8_t* const values = tokens.values + token * tokens.stride;
      const Index count = tokens.count - token >= 2 * kTileTokens ? 2 * kTileTokens : kTileTokens;
      (count == kTileTokens ? multiply_tile : multiply_pair_of_tiles)(panel, inputs, values, tokens.stride, from);
      for (Index row = 0; row < count; ++row) {
        put_in_order(from, row, tokens.sums[token + row], sums + (token + row) * kPanelOutputs);
      }
      token += count;
    }
    _tile_release();
  }
  const ByteTokens rest = {tokens.values + token * tokens.stride, tokens.stride, tokens.sums + token,
                           tokens.count - token};
  avx512::multiply(panel, inputs, rest, sums + token * kPanelOutputs);
}

constexpr ByteKernels kKernels = {
    avx512::decode_floats, avx512::decode_levels,    avx512::unpack_codes, avx512::panel_of_outputs,
    avx512::panel_of_rows, avx512::panels_of_inputs, multiply,             avx512::multiply_rows,
    avx512::multiply_outputs, avx512::multiply_inputs};
