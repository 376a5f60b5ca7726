// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "codec/entropy_forecast.hpp"
#include "codec/entropy_model.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/entropy_codes.hpp"

namespace loewner {
namespace detail {
namespace {

constexpr int kBinsOfOctave = 16;

// Bits and squared error, in squared steps, of an entry whose standard deviation is 2^log2 steps.
struct OfEntry {
  double bits = 0, error = 0;
};

OfEntry of_entry(double log2_deviation) {
  const double table = kScalesOfOctave * log2_deviation + kClassOfStep - 1;  // its number in kEntropyBits
  if (table < 0) return {0, std::exp2(2 * log2_deviation)};
  constexpr int kLast = kEntropyTables - 1;
  if (table >= kLast) return {kEntropyBits[kLast] + (table - kLast) / kScalesOfOctave, kEntropyErrors[kLast]};
  const auto j = static_cast<std::size_t>(table);
  const double part = table - static_cast<double>(j);
  return {std::lerp(kEntropyBits[j], kEntropyBits[j + 1], part),
          std::lerp(kEntropyErrors[j], kEntropyErrors[j + 1], part)};
}

}  // namespace

LogHistogram::LogHistogram(std::span<const double> values) {
  std::map<long, double> counts;
  for (const double value : values) {
    if (value > 0) ++counts[std::lround(kBinsOfOctave * std::log2(value))];
  }
  for (const auto& [bin, count] : counts) bins_.push_back({static_cast<double>(bin) / kBinsOfOctave, count});
}

EntropyForecast::EntropyForecast(std::span<const double> energies, std::span<const double> variances)
    : rows_(energies) {
  double total = 0;
  for (const double variance : variances) total += variance;
  for (const double variance : variances) {
    log2_shares_.push_back(variance > 0 ? std::round(kBinsOfOctave * std::log2(variance / total)) / kBinsOfOctave
                                        : -std::numeric_limits<double>::infinity());
  }
}

double EntropyForecast::log2_of_largest_step() const {
  if (rows_.bins().empty()) return 0;
  return (rows_.bins().back().log2 + log2_shares_.front()) / 2 + 1;
}

EntropyForecast::Sum EntropyForecast::of_column(double log2_share, double log2_step) const {
  Sum sum;
  for (const auto& bin : rows_.bins()) {
    const double log2_deviation = (bin.log2 + log2_share) / 2 - log2_step;
    const auto entry = of_entry(log2_deviation);
    sum.bits += bin.count * entry.bits;
    sum.error += bin.count * entry.error;
    sum.energy += bin.count * std::exp2(2 * log2_deviation);
  }
  return sum;
}

EntropyForecast::Sum EntropyForecast::at(double log2_step, Index bytes_of_column) const {
  const double price_of_column = kPriceOfBit * 8 * static_cast<double>(bytes_of_column);
  Sum sum, column;
  double last_share = 0;  // no column has all of the energy and a neighbor
  bool worth_its_price = true;
  for (const double share : log2_shares_) {
    if (share != last_share || sum.energy == 0) column = of_column(share, log2_step);
    last_share = share;
    worth_its_price = worth_its_price && column.energy - column.error - kPriceOfBit * column.bits > price_of_column;
    sum.energy += column.energy;
    sum.error += worth_its_price ? column.error : column.energy;
    sum.bits += worth_its_price ? column.bits : 0;
    sum.cols += worth_its_price ? 1 : 0;
  }
  return sum;
}

double entropy_bytes(double bits, Index rows, Index cols) {
  constexpr double kBitsOfChanges = 6, kBytesOfStream = 2 + 2 + 2;  // its length, its last state, the first header
  const double n = static_cast<double>(rows);
  return (bits + kBitsOfChanges * n) / 8 + kBytesOfStream * n / static_cast<double>(rows_of_stream(cols)) +
         static_cast<double>(cols);
}

Index rows_of_stream(Index cols) {
  constexpr Index kMost = 8;  // a row is decoded with half of the others in its stream
  return std::clamp(EntropyCodes::kMostCols / cols, Index{1}, kMost);
}

}  // namespace detail

std::vector<EntropyCodesRate> entropy_codes_curve(std::span<const double> energies, std::span<const double> variances,
                                                  Index bytes_of_column, int points) {
  constexpr double kOctaves = 14;
  const detail::EntropyForecast forecast(energies, variances);
  const double largest = forecast.log2_of_largest_step();
  std::vector<EntropyCodesRate> curve(static_cast<std::size_t>(points));
  parallel_for(points, [&](Index k) {
    const double step = largest - kOctaves * static_cast<double>(k) / static_cast<double>(points);
    const auto sum = forecast.at(step, bytes_of_column);
    const Index cols = std::max(sum.cols, Index{1});
    curve[k] = {.cols = cols,
                .bytes = static_cast<Index>(detail::entropy_bytes(sum.bits, static_cast<Index>(energies.size()), cols)),
                .error = sum.energy > 0 ? sum.error / sum.energy : 0.0};
  });
  return curve;
}

}  // namespace loewner
