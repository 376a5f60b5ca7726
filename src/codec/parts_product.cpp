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
constexpr Index kRowsAtOnce = 8;     // for a single token: their levels stay in the first cache

// products (count x 64) += sums scaled by token and by output. first_bytes: nullptr, or sums that count
// kFirstByteWeight times as much.
LOEWNER_INLINE void add_scaled_sums_body(const std::int32_t* first_bytes, const std::int32_t* sums, Index count,
                                         const float* tokens, const float* outputs, float* products) {
  for (Index t = 0; t < count; ++t) {
    const float scale = tokens[t];
    for (Index i = 0; i < kPanelOutputs; ++i) {
      const Index at = t * kPanelOutputs + i;
      const float first = first_bytes == nullptr ? 0.0F : static_cast<float>(first_bytes[at]) * kFirstByteWeight;
      products[at] += (first + static_cast<float>(sums[at])) * (scale * outputs[i]);
    }
  }
}

LOEWNER_DISPATCH(add_scaled_sums,
                 (const std::int32_t* first_bytes, const std::int32_t* sums, Index count, const float* tokens,
                  const float* outputs, float* products),
                 (first_bytes, sums, count, tokens, outputs, products))

// products (64) += features (`stride` apart) times their offsets (count x 64).
LOEWNER_INLINE void add_features_body(const float* features, Index stride, Index count, const float* offsets,
                                      float* products) {
  for (Index k = 0; k < count; ++k) {
    const float feature = features[k * stride];
    for (Index i = 0; i < kPanelOutputs; ++i) products[i] += feature * offsets[k * kPanelOutputs + i];
  }
}

LOEWNER_DISPATCH(add_features,
                 (const float* features, Index stride, Index count, const float* offsets, float* products),
                 (features, stride, count, offsets, products))

std::span<float> part_of(std::span<float> entries, PartedRows::Part part) {
  return entries.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count));
}

}  // namespace

// Vectors as bytes. A term is one byte of each entry of a part; the scales are those of the last byte.
struct PartsProduct::Tokens {
  Index count, stride, features;
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> sums;     // terms x count
  std::vector<float> scales;          // parts x count
  std::vector<float> feature_values;  // features x count
  std::vector<Index> in_floats;       // tokens that are not representable

  Tokens(Index tokens, Index padded, const PartedRows& rows)
      : count(tokens),
        stride(rows.bytes_of_entry() * padded),
        features(rows.features()),
        bytes(static_cast<std::size_t>(tokens * stride)),
        sums(static_cast<std::size_t>(tokens * rows.bytes_of_entry() * std::ssize(rows.parts()))),
        scales(static_cast<std::size_t>(tokens * std::ssize(rows.parts()))),
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
  const Index parts = std::ssize(rows_->parts()), at = part * tokens.count + token;
  std::int8_t* const bytes = tokens.bytes.data() + token * tokens.stride + places_[part];
  const ByteScale rounded = round_to_bytes(entries, bytes);
  tokens.sums[at] = rounded.sum;
  tokens.scales[at] = rounded.scale;
  if (rows_->bytes_of_entry() == 2) {
    tokens.sums[parts * tokens.count + at] = round_rest_to_bytes(entries, rounded.scale, bytes, bytes + places_.back());
    tokens.scales[at] /= kFirstByteWeight;
  }
  return rounded.is_representable;
}

// The rows of a panel of W, decoded, and their products.
struct PartsProduct::Rows {
  Index first = 0, count = 0;
  PartedRows::Decoded decoded{};
  std::vector<std::uint8_t> levels, panel;
  std::vector<float> scales, offsets, products;
  std::vector<std::int32_t> sums;

  PartedRows::Buffers buffers(Index stride) { return {levels.data(), stride, scales.data(), offsets.data()}; }
};

void PartsProduct::multiply_rows(Index first, const Tokens& tokens, std::span<const float> bias,
                                 MatrixView<float> y) const {
  thread_local Rows rows;
  rows.first = first;
  rows.count = std::min(kPanelOutputs, outputs() - first);
  rows.levels.resize(static_cast<std::size_t>(places_.back() * kPanelOutputs));
  rows.scales.resize(static_cast<std::size_t>(std::ssize(rows_->parts()) * kPanelOutputs));
  rows.offsets.resize(static_cast<std::size_t>(rows_->features() * kPanelOutputs));
  rows.products.resize(static_cast<std::size_t>(kTokensAtOnce * kPanelOutputs));
  if (tokens.count == 1) {
    multiply_one_token(rows, tokens, bias, y);
  } else {
    multiply_panel(rows, tokens, bias, y);
  }
}

// A single token needs no panel.
void PartsProduct::multiply_one_token(Rows& rows, const Tokens& tokens, std::span<const float> bias,
                                      MatrixView<float> y) const {
  const PartedToken token = {tokens.bytes.data(),        places_.back(),      rows_->bytes_of_entry(), places_.data(),
                             std::ssize(rows_->parts()), tokens.scales.data()};
  for (Index i = 0; i < rows.count; i += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, rows.count - i);
    rows.decoded = rows_->decode_for_one_token(rows.first + i, count, rows.buffers(places_.back()));
    byte_kernels().multiply_rows(rows.decoded.levels, count, token, rows.decoded.scales + i, rows.products.data() + i);
  }
  finish(rows, tokens, 0, rows.products.data(), bias, y);
}

void PartsProduct::multiply_panel(Rows& rows, const Tokens& tokens, std::span<const float> bias,
                                  MatrixView<float> y) const {
  rows.decoded = rows_->decode(rows.first, rows.count, kPanelOutputs, rows.buffers(places_.back()));
  rows.panel.resize(rows.levels.size());
  byte_kernels().panel_of_rows(rows.decoded.levels.bytes, rows.decoded.levels.stride, places_.back(),
                               rows.panel.data());
  for (Index token = 0; token < tokens.count; token += kTokensAtOnce) {
    multiply_tokens(rows, token, tokens);
    for (Index t = token; t < std::min(token + kTokensAtOnce, tokens.count); ++t) {
      finish(rows, tokens, t, rows.products.data() + (t - token) * kPanelOutputs, bias, y);
    }
  }
}

void PartsProduct::multiply_tokens(Rows& rows, Index first, const Tokens& tokens) const {
  const Index count = std::min(kTokensAtOnce, tokens.count - first), size = kTokensAtOnce * kPanelOutputs,
              parts = std::ssize(rows_->parts()), last = rows_->bytes_of_entry() - 1;
  rows.products.assign(static_cast<std::size_t>(size), 0.0F);
  rows.sums.resize(static_cast<std::size_t>(2 * size));
  for (Index p = 0; p < parts; ++p) {
    for (Index b = 0; b <= last; ++b) {
      const ByteTokens bytes = tokens.view(b * parts + p, b * places_.back() + places_[p], first, count);
      byte_kernels().multiply(rows.panel.data() + places_[p] * kPanelOutputs, places_[p + 1] - places_[p], bytes,
                              rows.sums.data() + b * size);
    }
    add_scaled_sums(last > 0 ? rows.sums.data() : nullptr, rows.sums.data() + last * size, count,
                    tokens.scales.data() + p * tokens.count + first, rows.decoded.scales + p * kPanelOutputs,
                    rows.products.data());
  }
}

void PartsProduct::finish(const Rows& rows, const Tokens& tokens, Index token, float* products,
                          std::span<const float> bias, MatrixView<float> y) const {
  add_features(tokens.feature_values.data() + token, tokens.count, tokens.features, rows.decoded.offsets, products);
  if (!bias.empty()) add_multiple(products, 1.0F, bias.data() + rows.first, rows.count);
  std::copy_n(products, rows.count, y.row(token).data() + rows.first);
}

}  // namespace loewner::detail
