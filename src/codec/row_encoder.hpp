// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "base/lane_sum.hpp"
#include "codec/code_bands.hpp"

namespace loewner::detail {

inline double dot_of_floats(std::span<const float> a, std::span<const float> b) {
  return lane_sum(static_cast<Index>(a.size()), [&](Index j) { return static_cast<double>(a[j]) * b[j]; });
}

/// The least-squares scale of x as a multiple of q: <q, x> / <q, q>.
inline double best_scale(std::span<const float> x, std::span<const float> q) {
  const double length = dot_of_floats(q, q);
  return length > 0 ? dot_of_floats(q, x) / length : 0.0;
}

/// Quantizes rotated rows one by one and reuses its quantizers.
class RowEncoder {
 public:
  explicit RowEncoder(const CodeLadder& ladder) : ladder_(ladder), quantizers_(ladder.bands().size()) {
    rotated_.resize(static_cast<std::size_t>(ladder.cols()));
    unit_ = rotated_;
    decoded_ = rotated_;
  }

  /// The row to encode: the caller fills the bands that have bits, each rotated.
  std::span<float> row() { return rotated_; }

  /// The quantized entries of these bands after encode(), before scales and sizes.
  std::span<const float> decoded() const { return decoded_; }

  /// Writes the planes of the row on a step > 0 and returns its least-squares scale.
  double encode(int step, std::uint8_t* planes) {
    const double scale = root_mean_square(step);
    double product = 0, length = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols), unit = part(unit_, first, band.cols),
                 q = part(decoded_, first, band.cols);
      const double size = scale * static_cast<double>(band.size);
      const auto inverse = size > 0 ? static_cast<float>(1 / size) : 0.0F;
      std::ranges::transform(x, unit.begin(), [&](float entry) { return inverse * entry; });
      quantizer(g, bits).encode(unit, planes + offset);
      decode_trellis(planes + offset, bits, q);
      product += static_cast<double>(band.size) * dot_of_floats(q, x);
      length += static_cast<double>(band.size) * static_cast<double>(band.size) * dot_of_floats(q, q);
    });
    return length > 0 ? product / length : 0.0;
  }

 private:
  static std::span<float> part(std::vector<float>& values, Index first, Index count) {
    return std::span(values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }

  // Of the entries of the coded bands, relative to the sizes of the bands.
  double root_mean_square(int step) {
    double energy = 0, expected = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int, Index) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols);
      energy += dot_of_floats(x, x);
      expected += static_cast<double>(band.cols) * static_cast<double>(band.size) * static_cast<double>(band.size);
    });
    return expected > 0 ? std::sqrt(energy / expected) : 0.0;
  }

  TrellisQuantizer& quantizer(std::size_t band, int bits) {
    auto& quantizer = quantizers_[band][static_cast<std::size_t>(bits)];
    if (quantizer == nullptr) quantizer = std::make_unique<TrellisQuantizer>(ladder_.bands()[band].cols, bits);
    return *quantizer;
  }

  const CodeLadder& ladder_;
  std::vector<float> rotated_, unit_, decoded_;
  std::vector<std::array<std::unique_ptr<TrellisQuantizer>, kMaxCodeBits + 1>> quantizers_;
};

}  // namespace loewner::detail
