// SPDX-License-Identifier: Apache-2.0
#include "codec/parts_product.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/dispatch.hpp"
#include "codec/float_rows.hpp"
#include "kernel/byte_kernels.hpp"
#include "kernel/byte_tokens.hpp"

namespace loewner::detail {
namespace {

constexpr Index kTokensAtOnce = 32;  // their sums and products stay in the first cache

// products (count x 64) += sums scaled by token and by output.
LOEWNER_INLINE void add_scaled_sums_body(const std::int32_t* sums, Index count, const float* tokens,
                                         const float* outputs, float* products) {
  for (Index t = 0; t < count; ++t) {
    const float scale = tokens[t];
    for (Index i = 0; i < kPanelOutputs; ++i) {
      const Index at = t * kPanelOutputs + i;
      products[at] += static_cast<float>(sums[at]) * (scale * outputs[i]);
    }
  }
}

LOEWNER_DISPATCH(add_scaled_sums,
                 (const std::int32_t* sums, Index count, const float* tokens, const float* outputs, float* products),
                 (sums, count, tokens, outputs, products))

// x -= scale bytes.
LOEWNER_INLINE void subtract_rounded_body(float* x, Index count, const std::int8_t* bytes, float scale) {
  for (Index j = 0; j < count; ++j) x[j] -= scale * static_cast<float>(bytes[j]);
}

LOEWNER_DISPATCH(subtract_rounded, (float* x, Index count, const std::int8_t* bytes, float scale),
                 (x, count, bytes, scale))

std::span<float> part_of(std::span<float> entries, PartedRows::Part part) {
  return entries.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count));
}

}  // namespace

// Vectors as bytes. A term is one byte of each entry of a part.
struct PartsProduct::Tokens {
  Index count, stride, features;
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> sums;     // terms x count
  std::vector<float> scales;          // terms x count
  std::vector<float> feature_values;  // features x count
  std::vector<Index> in_floats;       // tokens that are not representable

  Tokens(Index tokens, Index padded, const PartedRows& rows)
      : count(tokens),
        stride(rows.bytes_of_entry() * padded),
        features(rows.features()),
        bytes(static_cast<std::size_t>(tokens * stride)),
        sums(static_cast<std::size_t>(tokens * rows.bytes_of_entry() * std::ssize(rows.parts()))),
        scales(sums.size()),
        feature_values(static_cast<std::size_t>(tokens * features)) {}

  ByteTokens view(Index term, Index place, Index first, Index size) const {
    return {bytes.data() + first * stride + place, stride, sums.data() + term * count + first, size};
  }
};

PartsProduct::PartsProduct(std::unique_ptr<PartedRows> rows, FloatProduct in_floats)
    : ByteProduct(std::move(in_floats)), rows_(std::move(rows)), places_{0} {
  for (const auto& part : rows_->parts()) places_.push_back(places_.back() + rounded_up(part.count, kBlockEntries));
}

void PartsProduct::apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                                  int threads) const {
  Tokens tokens(x.rows(), places_.back(), *rows_);
  prepare(x, tokens);
  for_each_on(threads, (outputs() + kPanelOutputs - 1) / kPanelOutputs,
              [&](Index panel) { multiply_rows(panel * kPanelOutputs, tokens, bias, y); });
  multiply_in_floats(x, tokens.in_floats, y);
  if (bias.empty()) return;
  for (const Index t : tokens.in_floats) add_multiple(y.row(t).data(), 1.0F, bias.data(), outputs());
}

void PartsProduct::prepare(MatrixView<const float> x, Tokens& tokens) const {
  std::vector<float> in_basis(static_cast<std::size_t>(inputs())), features(static_cast<std::size_t>(tokens.features));
  const auto parts = rows_->parts();
  for (Index t = 0; t < tokens.count; ++t) {
    rows_->prepare(x.row(t), in_basis, features);
    for (Index k = 0; k < tokens.features; ++k) tokens.feature_values[k * tokens.count + t] = features[k];
    bool is_representable = true;
    for (Index p = 0; p < std::ssize(parts); ++p) {
      is_representable = round_part(t, p, part_of(in_basis, parts[p]), tokens) && is_representable;
    }
    if (!is_representable) tokens.in_floats.push_back(t);
  }
}

bool PartsProduct::round_part(Index token, Index part, std::span<float> entries, Tokens& tokens) const {
  for (Index digit = 0; digit < rows_->bytes_of_entry(); ++digit) {
    std::int8_t* const bytes = tokens.bytes.data() + token * tokens.stride + digit * places_.back() + places_[part];
    const ByteScale scale = round_to_bytes(entries, bytes);
    if (!scale.is_representable) return digit > 0;  // what the first byte leaves may be tiny
    const Index at = (digit * std::ssize(rows_->parts()) + part) * tokens.count + token;
    tokens.scales[at] = scale.scale;
    tokens.sums[at] = scale.sum;
    if (digit + 1 < rows_->bytes_of_entry()) subtract_rounded(entries.data(), std::ssize(entries), bytes, scale.scale);
  }
  return true;
}

// Up to 64 rows of W, decoded, and their products.
struct PartsProduct::Rows {
  PartedRows::Levels decoded;
  std::vector<std::uint8_t> levels, panel;
  std::vector<float> scales, offsets, products;
  std::vector<std::int32_t> sums;
};

void PartsProduct::multiply_rows(Index first, const Tokens& tokens, std::span<const float> bias,
                                 MatrixView<float> y) const {
  thread_local Rows rows;
  const Index count = std::min(kPanelOutputs, outputs() - first), stride = places_.back();
  rows.levels.resize(static_cast<std::size_t>(stride * kPanelOutputs));
  rows.scales.resize(static_cast<std::size_t>(std::ssize(rows_->parts()) * kPanelOutputs));
  rows.offsets.resize(static_cast<std::size_t>(tokens.features * kPanelOutputs));
  rows.sums.resize(static_cast<std::size_t>(kTokensAtOnce * kPanelOutputs));
  rows.decoded = rows_->decode(first, count, {rows.levels.data(), stride, rows.scales.data(), rows.offsets.data()});
  if (tokens.count > 1) {
    rows.panel.resize(rows.levels.size());
    byte_kernels().panel_of_rows(rows.decoded.values, rows.decoded.stride, stride, rows.panel.data());
  }
  for (Index token = 0; token < tokens.count; token += kTokensAtOnce) {
    multiply_tokens(rows, token, tokens);
    for (Index t = token; t < std::min(token + kTokensAtOnce, tokens.count); ++t) {
      float* const products = rows.products.data() + (t - token) * kPanelOutputs;
      for (Index k = 0; k < tokens.features; ++k) {
        add_multiple(products, tokens.feature_values[k * tokens.count + t], rows.offsets.data() + k * kPanelOutputs,
                     count);
      }
      if (!bias.empty()) add_multiple(products, 1.0F, bias.data() + first, count);
      std::copy_n(products, count, y.row(t).data() + first);
    }
  }
}

// A single token needs no panel.
void PartsProduct::multiply_tokens(Rows& rows, Index first, const Tokens& tokens) const {
  const ByteKernels& kernels = byte_kernels();
  const Index count = std::min(kTokensAtOnce, tokens.count - first);
  rows.products.assign(rows.sums.size(), 0.0F);
  const Index parts = std::ssize(rows_->parts());
  for (Index term = 0; term < rows_->bytes_of_entry() * parts; ++term) {
    const Index p = term % parts, place = places_[p], entries = places_[p + 1] - place;
    const ByteTokens bytes = tokens.view(term, term / parts * places_.back() + place, first, count);
    if (tokens.count == 1) {
      kernels.multiply_rows(rows.decoded.values + place, rows.decoded.stride, kPanelOutputs, entries, bytes,
                            rows.sums.data());
    } else {
      kernels.multiply(rows.panel.data() + place * kPanelOutputs, entries, bytes, rows.sums.data());
    }
    add_scaled_sums(rows.sums.data(), count, tokens.scales.data() + term * tokens.count + first,
                    rows.scales.data() + p * kPanelOutputs, rows.products.data());
  }
}

}  // namespace loewner::detail
