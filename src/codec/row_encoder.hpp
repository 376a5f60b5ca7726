// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/lane_sum.hpp"
#include "codec/code_bands.hpp"
#include "loewner/codec/code_ladder.hpp"

namespace loewner::detail {

inline double dot_of_floats(std::span<const float> a, std::span<const float> b) {
  return lane_sum(static_cast<Index>(a.size()), [&](Index j) { return static_cast<double>(a[j]) * b[j]; });
}

/// The least-squares scale of x as a multiple of q: <q, x> / <q, q>.
inline double best_scale(std::span<const float> x, std::span<const float> q) {
  const double length = dot_of_floats(q, q);
  return length > 0 ? dot_of_floats(q, x) / length : 0.0;
}

/// Quantizes rotated rows one by one and reuses its quantizer.
class RowEncoder {
 public:
  explicit RowEncoder(const CodeLadder& ladder) : ladder_(ladder), quantizer_(ladder.cols()) {
    rotated_.resize(static_cast<std::size_t>(ladder.cols()));
    unit_ = rotated_;
    decoded_ = rotated_;
  }

  /// The row to encode: the caller fills the bands that have bits, each rotated.
  std::span<float> row() { return rotated_; }

  /// The quantized entries of these bands after encode(), before scales and sizes.
  std::span<const float> decoded() const { return decoded_; }

  /// Root mean square of the entries of the bands with bits, relative to the sizes of the bands.
  double root_mean_square(int step) {
    double energy = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int, Index) {
      const auto x = part(rotated_, first, ladder_.bands()[g].cols);
      energy += dot_of_floats(x, x);
    });
    const double expected = size_of_coded_bands(ladder_, step);
    return expected > 0 ? std::sqrt(energy / expected) : 0.0;
  }

  /// About the squared error of the row divided by `scale`: that of Gaussian entries, and what lies
  /// beyond the last levels.
  double expected_error(int step, double scale) {
    double error = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index) {
      const auto band = ladder_.bands()[g];
      const double size = scale * static_cast<double>(band.size);
      const auto last = static_cast<float>(size * static_cast<double>(trellis_levels(bits).back()));
      error += static_cast<double>(band.cols) * size * size * kTrellisDistortion[bits];
      for (const float x : part(rotated_, first, band.cols)) {
        const float beyond = std::max(std::abs(x) - last, 0.0F);
        error += static_cast<double>(beyond) * static_cast<double>(beyond);
      }
    });
    return error;
  }

  /// Writes the planes of the row on a step > 0 divided by `scale`, a path of the trellis for each
  /// band, and returns its least-squares scale.
  double encode_bands(int step, double scale, std::uint8_t* planes) {
    divide(step, scale, planes);
    for (auto& one : parts_) {
      one.weight = 1;  // alone in its path
      quantizer_.encode({&one, 1});
    }
    return best_scale_of_planes(step, planes);
  }

  /// The same with one path through all bands.
  void encode_joined(int step, double scale, std::uint8_t* planes) {
    divide(step, scale, planes);
    quantizer_.encode(parts_);
  }

 private:
  static std::span<float> part(std::vector<float>& values, Index first, Index count) {
    return std::span(values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }

  // Into parts, whose errors count as those of the row itself.
  void divide(int step, double scale, std::uint8_t* planes) {
    parts_.clear();
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols), unit = part(unit_, first, band.cols);
      const double size = scale * static_cast<double>(band.size);
      const auto inverse = size > 0 ? static_cast<float>(1 / size) : 0.0F;
      std::ranges::transform(x, unit.begin(), [&](float entry) { return inverse * entry; });
      parts_.push_back({unit, bits, planes + offset, band.size * band.size});
    });
  }

  double best_scale_of_planes(int step, const std::uint8_t* planes) {
    double product = 0, length = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols), q = part(decoded_, first, band.cols);
      decode_trellis(planes + offset, bits, q);
      product += static_cast<double>(band.size) * dot_of_floats(q, x);
      length += static_cast<double>(band.size) * static_cast<double>(band.size) * dot_of_floats(q, q);
    });
    return length > 0 ? product / length : 0.0;
  }

  const CodeLadder& ladder_;
  std::vector<float> rotated_, unit_, decoded_;
  std::vector<TrellisPart> parts_;
  TrellisQuantizer quantizer_;
};

}  // namespace loewner::detail
