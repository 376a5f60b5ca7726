// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "loewner/base/number_format.hpp"
#include "loewner/codec/bit_allocation.hpp"
#include "loewner/codec/code_ladder.hpp"
#include "loewner/codec/rotation.hpp"
#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner::detail {

/// The rotation of each band, with signs from seed, seed + 1, ...
inline std::vector<Rotation> rotations_of(const CodeLadder& ladder, std::uint64_t seed) {
  std::vector<Rotation> rotations;
  for (const auto& band : ladder.bands()) rotations.emplace_back(band.cols, seed + rotations.size());
  return rotations;
}

/// Calls body(band, first column, bits, offset of the planes) for the bands with bits of a row on
/// this step.
template <typename Body>
void for_each_coded_band(const CodeLadder& ladder, int step, Body&& body) {
  Index first = 0, offset = 0;
  for (std::size_t g = 0; g < ladder.bands().size(); ++g) {
    const int bits = ladder.steps()[static_cast<std::size_t>(step)][g];
    const Index cols = ladder.bands()[g].cols;
    if (bits > 0) body(g, first, bits, offset);
    first += cols;
    offset += TrellisQuantizer::bytes(cols, bits);
  }
}

/// The expected energy of the bands with bits of a row whose scale is 1.
inline double size_of_coded_bands(const CodeLadder& ladder, int step) {
  double sum = 0;
  for_each_coded_band(ladder, step, [&](std::size_t g, Index, int, Index) {
    const auto band = ladder.bands()[g];
    sum += static_cast<double>(band.cols) * static_cast<double>(band.size) * static_cast<double>(band.size);
  });
  return sum;
}

/// The price of each step is its bytes.
inline std::vector<Index> prices_of(const CodeLadder& ladder) {
  std::vector<Index> prices;
  for (std::size_t step = 0; step < ladder.steps().size(); ++step) {
    prices.push_back(ladder.bytes(static_cast<int>(step)));
  }
  return prices;
}

/// The steps of rows with these energies.
inline BitAllocation allocation_of(std::span<const double> energies, const CodeLadder& ladder) {
  return {energies, ladder.distortion(), prices_of(ladder)};
}

/// The first byte of each row in the array of codes, and the total.
inline std::vector<Index> offsets_of(const std::vector<std::uint8_t>& steps, const CodeLadder& ladder) {
  std::vector<Index> offsets{0};
  for (const std::uint8_t step : steps) offsets.push_back(offsets.back() + ladder.bytes(step));
  return offsets;
}

inline std::vector<float> widened_halves(const std::vector<std::uint16_t>& halves) {
  std::vector<float> values;
  values.reserve(halves.size());
  for (const std::uint16_t h : halves) values.push_back(half_to_float(h));
  return values;
}

}  // namespace loewner::detail
