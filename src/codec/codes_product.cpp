// SPDX-License-Identifier: Apache-2.0
#include "codec/codes_product.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/dispatch.hpp"
#include "codec/float_rows.hpp"
#include "codec/hadamard.hpp"
#include "kernel/byte_tokens.hpp"

namespace loewner::detail {
namespace {

constexpr Index kTokensOfBlock = 96;           // their sums stay in the first cache
constexpr Index kInputsInCache = 1024;         // whose cache lines of codes stay there from panel to panel
constexpr Index kMostBytesOfPanels = 1 << 20;  // of panels that are decoded together
constexpr Index kRowsAhead = 2;                // between a row that is fetched and that in use

// y (width entries a row, `pitch` apart) = sums scaled by token and, unless outputs is null, by output.
LOEWNER_INLINE void scale_sums_body(const std::int32_t* sums, Index count, Index width, const float* tokens,
                                    const float* outputs, float* y, Index pitch) {
  for (Index t = 0; t < count; ++t) {
    const std::int32_t* const from = sums + t * kPanelOutputs;
    float* const to = y + t * pitch;
    const float scale = tokens[t];
    if (outputs != nullptr) {
      for (Index i = 0; i < width; ++i) to[i] = static_cast<float>(from[i]) * (scale * outputs[i]);
    } else {
      for (Index i = 0; i < width; ++i) to[i] = static_cast<float>(from[i]) * scale;
    }
  }
}

LOEWNER_DISPATCH(scale_sums,
                 (const std::int32_t* sums, Index count, Index width, const float* tokens, const float* outputs,
                  float* y, Index pitch),
                 (sums, count, width, tokens, outputs, y, pitch))

}  // namespace

// Tokens as bytes.
struct CodesProduct::Tokens {
  Index stride;
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> sums;
  std::vector<float> scales, shared;  // shared: the products with the shared row, or its factors
  std::vector<Index> in_floats;       // tokens that are not representable

  Tokens(Index count, Index inputs)
      : stride(rounded_up(inputs, count == 1 ? kTokenEntries : kBlockEntries)),
        bytes(static_cast<std::size_t>(count * stride)),
        sums(static_cast<std::size_t>(count)),
        scales(static_cast<std::size_t>(count)),
        shared(static_cast<std::size_t>(count)) {}

  Index count() const { return static_cast<Index>(sums.size()); }
  ByteTokens view(Index first, Index size) const {
    return {bytes.data() + first * stride, stride, sums.data() + first, size};
  }
};

CodesProduct::CodesProduct(const Codes& codes, Rows rows, std::optional<Rotation> input_rotation,
                           FloatProduct in_floats)
    : ByteProduct(std::move(in_floats)),
      codes_(codes),
      rows_(rows),
      coded_(codes),
      rotation_(codes.cols(), codes.seed()),
      input_rotation_(std::move(input_rotation)) {}

bool CodesProduct::is_preferable() const {
  const bool is_rotated = rows_ == Rows::outputs || input_rotation_.has_value();
  return isa() >= Isa::avx2 && is_rotated && codes_.mean_bits() <= kMostPreferredBits;
}

void CodesProduct::apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                                  int threads) const {
  Tokens tokens(x.rows(), inputs());
  prepare(x, tokens);
  const Index panels = (outputs() + kPanelOutputs - 1) / kPanelOutputs;
  if (tokens.count() == 1) {
    const Index size = (panels + threads - 1) / threads * kPanelOutputs;
    for_each_on(threads, threads, [&](Index part) { multiply_one(part * size, size, tokens, y); });
  } else {
    const Index size = panels_at_once(tokens);
    for_each_on(threads, (panels + size - 1) / size,
                [&](Index task) { multiply_panels(task * size, std::min(size, panels - task * size), tokens, y); });
  }
  multiply_in_floats(x, tokens.in_floats, y);
  finish(tokens, bias, y);
}

void CodesProduct::prepare(MatrixView<const float> x, Tokens& tokens) const {
  std::vector<float> rotated(static_cast<std::size_t>(inputs()));
  for (Index t = 0; t < x.rows(); ++t) {
    if (t + kRowsAhead < x.rows()) fetch(x.row(t + kRowsAhead));
    if (rows_ == Rows::outputs) {
      if (!coded_.shared_scales().empty()) tokens.shared[t] = dot(x.row(t), codes_.shared_row());
      rotation_.apply(x.row(t), rotated);
    } else {
      if (input_rotation_) {
        input_rotation_->apply(x.row(t), rotated);
      } else {
        std::ranges::copy(x.row(t), rotated.begin());
      }
      if (!coded_.shared_scales().empty()) tokens.shared[t] = dot(rotated, coded_.shared_scales());
      scale_entries(rotated.data(), coded_.scales().data(), 1.0F, inputs());
    }
    const ByteScale scale = round_to_bytes(rotated, tokens.bytes.data() + t * tokens.stride);
    tokens.scales[t] = scale.scale;
    tokens.sums[t] = scale.sum;
    if (!scale.is_representable) tokens.in_floats.push_back(t);
  }
}

// A cache line holds codes of one input for several panels. The lines of many inputs do not stay in the cache.
Index CodesProduct::panels_at_once(const Tokens& tokens) const {
  if (rows_ == Rows::outputs) return 1;
  const Index most = kMostBytesOfPanels / (tokens.stride * kPanelOutputs);
  return std::max(std::min(tokens.stride / kInputsInCache, most), Index{1});
}

void CodesProduct::multiply_panels(Index first, Index count, const Tokens& tokens, MatrixView<float> y) const {
  const ByteKernels& kernels = byte_kernels();
  thread_local std::vector<std::uint8_t> panels, scratch;
  const Index stride = tokens.stride * kPanelOutputs;
  panels.resize(static_cast<std::size_t>(count * stride));
  if (rows_ == Rows::outputs) {
    const Index output = first * kPanelOutputs;
    scratch.resize(static_cast<std::size_t>(tokens.stride * 16));
    kernels.panel_of_outputs({coded_.vectors().data() + output, std::min(kPanelOutputs, outputs() - output), inputs()},
                             scratch.data(), panels.data());
  } else {
    kernels.panels_of_inputs({coded_.vectors().data(), inputs(), outputs()}, first * kPanelOutputs, count, stride,
                             panels.data());
  }
  for (Index i = 0; i < count; ++i) multiply_panel(panels.data() + i * stride, first + i, tokens, y);
}

void CodesProduct::multiply_panel(const std::uint8_t* panel, Index number, const Tokens& tokens,
                                  MatrixView<float> y) const {
  thread_local std::vector<std::int32_t> sums;
  sums.resize(static_cast<std::size_t>(kTokensOfBlock * kPanelOutputs));
  const Index first = number * kPanelOutputs, count = std::min(kPanelOutputs, outputs() - first);
  for (Index token = 0; token < tokens.count(); token += kTokensOfBlock) {
    const Index size = std::min(kTokensOfBlock, tokens.count() - token);
    for (Index t = 0; t < size; ++t) fetch(y.row(token + t).subspan(first, count));
    byte_kernels().multiply(panel, inputs(), tokens.view(token, size), sums.data());
    scale(sums.data(), first, count, tokens, token, size, y);
  }
}

void CodesProduct::multiply_one(Index first, Index count, const Tokens& tokens, MatrixView<float> y) const {
  count = std::min(count, outputs() - first);
  if (count <= 0) return;
  thread_local std::vector<std::int32_t> sums;
  sums.resize(static_cast<std::size_t>(count));
  if (rows_ == Rows::outputs) {
    byte_kernels().multiply_outputs({coded_.vectors().data() + first, count, inputs()}, tokens.view(0, 1), sums.data());
  } else {
    byte_kernels().multiply_inputs({coded_.vectors().data(), inputs(), outputs()}, first, count, tokens.view(0, 1),
                                   sums.data());
  }
  scale(sums.data(), first, count, tokens, 0, 1, y);
}

void CodesProduct::scale(const std::int32_t* sums, Index first, Index count, const Tokens& tokens, Index token,
                         Index size, MatrixView<float> y) const {
  const float* const factors = rows_ == Rows::outputs ? coded_.scales().data() + first : nullptr;
  scale_sums(sums, size, count, tokens.scales.data() + token, factors, y.row(token).data() + first, y.stride());
}

void CodesProduct::finish(const Tokens& tokens, std::span<const float> bias, MatrixView<float> y) const {
  const auto shared = rows_ == Rows::outputs ? coded_.shared_scales() : codes_.shared_row();
  const bool has_shared = !coded_.shared_scales().empty();
  auto in_floats = tokens.in_floats.begin();
  for (Index t = 0; t < y.rows(); ++t) {
    const auto row = y.row(t);
    if (t + kRowsAhead < y.rows()) fetch(y.row(t + kRowsAhead));
    if (in_floats != tokens.in_floats.end() && *in_floats == t) {
      ++in_floats;
    } else {
      if (rows_ == Rows::inputs) rotation_.apply_inverse(row);
      if (has_shared) add_multiple(row.data(), tokens.shared[t], shared.data(), outputs());
    }
    if (!bias.empty()) add_multiple(row.data(), 1.0F, bias.data(), outputs());
  }
}

}  // namespace loewner::detail
