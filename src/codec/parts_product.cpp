// SPDX-License-Identifier: Apache-2.0
#include "codec/parts_product.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/dispatch.hpp"
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

}  // namespace

// Vectors as bytes, part by part.
struct PartsProduct::Tokens {
  Index count, stride, features;
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> sums;     // parts x count
  std::vector<float> scales;          // parts x count
  std::vector<float> feature_values;  // features x count
  std::vector<Index> in_floats;       // tokens that are not representable

  Tokens(Index tokens, Index bytes_of_each, Index parts, Index features_of_each)
      : count(tokens),
        stride(bytes_of_each),
        features(features_of_each),
        bytes(static_cast<std::size_t>(tokens * bytes_of_each)),
        sums(static_cast<std::size_t>(tokens * parts)),
        scales(static_cast<std::size_t>(tokens * parts)),
        feature_values(static_cast<std::size_t>(tokens * features_of_each)) {}
};

PartsProduct::PartsProduct(std::unique_ptr<PartedRows> rows, FloatProduct in_floats)
    : ByteProduct(std::move(in_floats)), rows_(std::move(rows)), places_{0} {
  for (const auto& part : rows_->parts()) places_.push_back(places_.back() + rounded_up(part.count, kBlockEntries));
}

bool PartsProduct::is_preferable() const {
  return isa() >= Isa::avx2;
}

void PartsProduct::apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                                  int threads) const {
  Tokens tokens(x.rows(), places_.back(), std::ssize(rows_->parts()), rows_->features());
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
      const auto entries = std::span<const float>(in_basis).subspan(static_cast<std::size_t>(parts[p].first),
                                                                    static_cast<std::size_t>(parts[p].count));
      const ByteScale scale = round_to_bytes(entries, tokens.bytes.data() + t * tokens.stride + places_[p]);
      tokens.scales[p * tokens.count + t] = scale.scale;
      tokens.sums[p * tokens.count + t] = scale.sum;
      is_representable = is_representable && scale.is_representable;
    }
    if (!is_representable) tokens.in_floats.push_back(t);
  }
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
  for (Index p = 0; p + 1 < std::ssize(places_); ++p) {
    const Index entries = places_[p + 1] - places_[p], at = p * tokens.count + first;
    const ByteTokens part = {tokens.bytes.data() + first * tokens.stride + places_[p], tokens.stride,
                             tokens.sums.data() + at, count};
    if (tokens.count == 1) {
      kernels.multiply_rows(rows.decoded.values + places_[p], rows.decoded.stride, kPanelOutputs, entries, part,
                            rows.sums.data());
    } else {
      kernels.multiply(rows.panel.data() + places_[p] * kPanelOutputs, entries, part, rows.sums.data());
    }
    add_scaled_sums(rows.sums.data(), count, tokens.scales.data() + at, rows.scales.data() + p * kPanelOutputs,
                    rows.products.data());
  }
}

}  // namespace loewner::detail
