// SPDX-License-Identifier: Apache-2.0
#include "codec/entropy_row_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "codec/entropy_forecast.hpp"

namespace loewner::detail {
namespace {

constexpr auto kPrice = static_cast<float>(kPriceOfBit);

// The prices of the symbols of magnitudes: tables x even or odd x symbols.
using Prices = std::array<std::array<std::array<float, kEntropySymbols>, 2>, kEntropyTables>;

const Prices& symbol_prices() {
  static const Prices prices = [] {
    Prices all;
    for (int j = 0; j < kEntropyTables; ++j) {
      for (int odd = 0; odd < 2; ++odd) {
        for (int s = 0; s < kEntropySymbols; ++s) {
          all[j][odd][s] = kPrice * static_cast<float>(kFrequencyBits - std::log2(kFrequencies[j][odd][s]));
        }
      }
    }
    return all;
  }();
  return prices;
}

// The number of a magnitude's cell of 2^low_bits magnitudes; 0 has a cell of its own.
int cell_of(int magnitude, int low_bits) {
  return magnitude == 0 ? 0 : 1 + ((magnitude - 1) >> low_bits);
}

// A number from the escape symbol on: its length, and its bits below the highest.
struct Escaped {
  int length;
  std::uint32_t low;
};

Escaped escaped(int number) {
  const auto above = static_cast<std::uint32_t>(number - kEscape + 1);
  const int length = std::bit_width(above) - 1;
  return {length, above - (1U << length)};
}

// The price of a magnitude and its sign.
float price_of(int magnitude, ClassTable of_class, int odd, const Prices& prices) {
  const auto& table = prices[of_class.table][odd];
  if (magnitude == 0) return table[0];
  const int cell = cell_of(magnitude, of_class.low_bits), bits = 1 + of_class.low_bits;
  if (cell < kEscape) return table[cell] + kPrice * static_cast<float>(bits);
  return table[kEscape] + kPrice * static_cast<float>(bits + kBitsOfLength + escaped(cell).length);
}

// Cost of a Gaussian entry of a class whose square is x: mean + of_square x.
struct ClassCost {
  double mean = 0, of_square = 0;
};

const auto kClassCosts = [] {
  std::array<ClassCost, kMostClass + 1> costs;
  for (int t = 1; t <= kMostClass; ++t) {
    const auto j = static_cast<std::size_t>(std::min(t, kEntropyTables) - 1);
    const double bits = kEntropyBits[j] + std::max(t - kEntropyTables, 0) / static_cast<double>(kScalesOfOctave);
    const double variance = std::exp2(2.0 * (t - kClassOfStep) / kScalesOfOctave);
    const double of_square = kPriceOfBit / (2 * std::numbers::ln2 * variance);
    costs[t] = {kPriceOfBit * bits + kEntropyErrors[j] - of_square * variance, of_square};
  }
  return costs;
}();

// Levels and their squared errors keep their digits in float32.
constexpr int kOctavesOfLevels = 20;
constexpr float kMostMagnitude = 1 << kOctavesOfLevels;

int whole(float x) {
  return static_cast<int>(std::min(x, kMostMagnitude));
}

// The step, or a coarser one for rows with larger entries than levels reach.
std::uint8_t coarse_enough(std::span<const float> row, std::uint8_t step, int exponent) {
  float largest = 0;
  for (const float entry : row) largest = std::max(largest, std::abs(entry));
  if (!(largest > 0)) return step;
  const int least = kScalesOfOctave * (std::ilogb(largest) + 1 - kOctavesOfLevels - exponent);
  return static_cast<std::uint8_t>(std::clamp(least, static_cast<int>(step), kMostStep));
}

// The best magnitude of one parity: of the two whose levels surround the entry, and the least one.
struct Choice {
  float cost;
  int magnitude;
};

Choice best_magnitude(float size, int odd, int parity, ClassTable of_class, const Prices& prices) {
  const auto cost_of = [&](int magnitude) {
    const float error = size - static_cast<float>(level_of(magnitude, odd));
    return error * error + price_of(magnitude, of_class, odd, prices);
  };
  int below = whole((size + static_cast<float>(odd)) / 2);
  below -= (below ^ parity) & 1;
  Choice best{cost_of(parity), parity};
  for (const int magnitude : {below, below + 2}) {
    if (magnitude <= parity) continue;
    const float cost = cost_of(magnitude);
    if (cost < best.cost) best = {cost, magnitude};
  }
  return best;
}

void append(const SymbolTable& table, int symbol, std::vector<CodedRange>& ranges) {
  ranges.push_back({table.starts[symbol], table.frequencies[symbol]});
}

void append_bits(std::uint32_t value, int count, std::vector<CodedRange>& ranges) {
  if (count > kFrequencyBits) {
    append_bits(value >> kFrequencyBits, count - kFrequencyBits, ranges);
    return append_bits(value & (kFrequencyTotal - 1), kFrequencyBits, ranges);
  }
  const int unused = kFrequencyBits - count;
  if (count > 0)
    ranges.push_back({static_cast<std::uint16_t>(value << unused), static_cast<std::uint16_t>(1U << unused)});
}

void append_magnitude(int magnitude, ClassTable of_class, int odd, std::vector<CodedRange>& ranges) {
  const int cell = cell_of(magnitude, of_class.low_bits);
  append(kMagnitudeTables[of_class.table][odd], std::min(cell, kEscape), ranges);
  if (cell >= kEscape) {
    const auto rest = escaped(cell);
    append_bits(static_cast<std::uint32_t>(rest.length), kBitsOfLength, ranges);
    append_bits(rest.low, rest.length, ranges);
  }
  if (magnitude > 0) {
    append_bits(static_cast<std::uint32_t>(magnitude - 1) & ((1U << of_class.low_bits) - 1), of_class.low_bits, ranges);
  }
}

// 0, -1, 1, -2, 2, ...: 0, 1, 2, 3, 4, ...
void append_change(int change, std::vector<CodedRange>& ranges) {
  const int folded = change >= 0 ? 2 * change : -2 * change - 1;
  append(kChangeTable, std::min(folded, kEscape), ranges);
  if (folded >= kEscape) append_bits(static_cast<std::uint32_t>(folded - kEscape), kBitsOfEscapedChange, ranges);
}

void append_header(EntropyRowHeader header, const EntropyRowHeader* before, std::vector<CodedRange>& ranges) {
  if (before == nullptr) {
    append_bits(header.step, kBitsOfHeader, ranges);
    append_bits(header.scale, kBitsOfHeader, ranges);
  } else {
    append_change(header.step - before->step, ranges);
    append_change(header.scale - before->scale, ranges);
  }
}

}  // namespace

EntropyRowEncoder::EntropyRowEncoder(std::span<const std::uint8_t> col_scales)
    : col_scales_(col_scales), entries_(col_scales.size()), paths_(static_cast<Index>(col_scales.size())) {
  for (const std::uint8_t scale : col_scales) shares_ += std::exp2(-2.0 * scale / kScalesOfOctave);
}

EntropyRowHeader EntropyRowEncoder::encode(std::span<const float> row, std::uint8_t wanted_step, int exponent,
                                           const EntropyRowHeader* before, std::vector<CodedRange>& ranges) {
  const std::uint8_t step = coarse_enough(row, wanted_step, exponent);
  const float inverse = 1 / step_value(step, exponent);
  std::ranges::transform(row, entries_.begin(), [&](float entry) { return inverse * entry; });
  const EntropyRowHeader header{step, best_scale()};
  append_header(header, before, ranges);
  find_path(header.scale);
  append_levels(header.scale, ranges);
  stored_entries_ += paths_.entries();
  return header;
}

// The classes of an entry do not depend on its size, so a row's scale is what its bits and errors
// cost least with; that of its energy is near.
std::uint8_t EntropyRowEncoder::best_scale() const {
  constexpr int kTried = 3;
  double energy = 0;
  for (const float entry : entries_) energy += static_cast<double>(entry) * static_cast<double>(entry);
  if (!(energy > 0)) return 0;
  const double about = kScalesOfOctave / 2.0 * std::log2(energy / shares_) + kClassOfStep;
  const int middle = static_cast<int>(std::lround(std::clamp(about, 0.0, static_cast<double>(kMostClass))));
  int best = 0;
  double least = cost_of_scale(0);
  for (int scale = std::max(middle - kTried, 1); scale <= std::min(middle + kTried, kMostClass); ++scale) {
    const double cost = cost_of_scale(scale);
    if (cost < least) {
      least = cost;
      best = scale;
    }
  }
  return static_cast<std::uint8_t>(best);
}

// The mean price and error of each class, corrected by how likely the entry is in it.
double EntropyRowEncoder::cost_of_scale(int scale) const {
  double cost = 0;
  for (std::size_t k = 0; k < entries_.size(); ++k) {
    const int entry_class = scale - col_scales_[k];
    const double square = static_cast<double>(entries_[k]) * static_cast<double>(entries_[k]);
    cost += entry_class < 1 ? square : kClassCosts[entry_class].mean + kClassCosts[entry_class].of_square * square;
  }
  return cost;
}

void EntropyRowEncoder::find_path(int scale) {
  const Prices& prices = symbol_prices();
  costs_.clear();
  magnitudes_.clear();
  for (std::size_t k = 0; k < entries_.size(); ++k) {
    const int entry_class = scale - col_scales_[k];
    if (entry_class < 1) continue;
    const float size = std::abs(entries_[k]);
    for (int subset = 0; subset < kSubsets; ++subset) {
      const Choice best = best_magnitude(size, subset % 2, subset / 2, kTablesOfClasses[entry_class], prices);
      costs_.push_back(best.cost);
      magnitudes_.push_back(best.magnitude);
    }
  }
  paths_.begin();
  paths_.extend(costs_);
  // The first of the four is overwritten by the one on the path.
  paths_.for_each_backwards([&](Index entry, int subset, unsigned) {
    magnitudes_[kSubsets * entry] = magnitudes_[kSubsets * entry + subset];
  });
}

void EntropyRowEncoder::append_levels(int scale, std::vector<CodedRange>& ranges) {
  unsigned state = 0;
  std::size_t entry = 0;
  for (std::size_t k = 0; k < entries_.size(); ++k) {
    const int entry_class = scale - col_scales_[k];
    if (entry_class < 1) continue;
    const auto& now = kTrellis[state];
    const int magnitude = magnitudes_[kSubsets * entry++];
    append_magnitude(magnitude, kTablesOfClasses[entry_class], now.odd, ranges);
    if (magnitude > 0) append_bits(entries_[k] < 0 ? 1 : 0, 1, ranges);
    state = now.next[magnitude % 2];
  }
}

}  // namespace loewner::detail
