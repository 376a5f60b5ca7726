// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "codec/entropy_codes_streams.hpp"
#include "codec/entropy_forecast.hpp"
#include "codec/entropy_model.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/entropy_codes.hpp"

namespace loewner {
namespace {

// Weighted energies of the rows and of the columns.
struct MatrixEnergies {
  std::vector<double> rows, cols;
};

MatrixEnergies weighted_energies(const RowSource& a, std::span<const double> row_weights) {
  MatrixEnergies energies{.rows = std::vector<double>(static_cast<std::size_t>(a.rows()), 0.0),
                          .cols = std::vector<double>(static_cast<std::size_t>(a.cols()), 0.0)};
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(num_row_blocks(a)));
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    auto& part = parts[block];
    part.assign(energies.cols.size(), 0.0);
    for (Index i = 0; i < rows.rows(); ++i) {
      const double weight = row_weights.empty() ? 1.0 : row_weights[first + i];
      for (Index k = 0; k < rows.cols(); ++k) {
        const double energy = weight * static_cast<double>(rows(i, k)) * static_cast<double>(rows(i, k));
        part[k] += energy;
        energies.rows[first + i] += energy;
      }
    }
  });
  for (const auto& part : parts) {
    for (std::size_t k = 0; k < part.size(); ++k) energies.cols[k] += part[k];
  }
  return energies;
}

// Quarters of an octave below the largest column.
std::vector<std::uint8_t> col_scales_of(const std::vector<double>& energies) {
  constexpr double kByte = 255;
  const double largest = std::ranges::max(energies);
  std::vector<std::uint8_t> scales;
  for (const double energy : energies) {
    const double below = energy > 0 ? detail::kScalesOfOctave / 2.0 * std::log2(largest / energy) : kByte;
    scales.push_back(static_cast<std::uint8_t>(std::lround(std::min(below, kByte))));
  }
  return scales;
}

// The logarithm of the step whose forecast takes these bytes.
double forecast_step(const detail::EntropyForecast& forecast, Index rows, Index cols, Index max_bytes) {
  double high = forecast.log2_of_largest_step(), low = high - 64;
  for (int round = 0; round < 24; ++round) {
    const double middle = (low + high) / 2;
    const double bytes = detail::entropy_bytes(forecast.at(middle, 0).bits, rows, cols);
    (bytes > static_cast<double>(max_bytes) ? low : high) = middle;
  }
  return high;
}

// Finds the step for which the streams take at most max_bytes, and nearly so many.
class StepSearch {
 public:
  StepSearch(detail::EntropyStreams& streams, detail::EntropyRowSteps& steps, Index max_bytes)
      : streams_(streams), steps_(steps), max_bytes_(static_cast<double>(max_bytes)) {}

  void run(double log2_step) {
    constexpr Index kSampled = 16;  // one part of so many
    constexpr int kExactRounds = 6;
    constexpr double kUnused = 5e-4;  // share of the bytes
    log2_step_ = log2_step;
    if (streams_.parts() >= 2 * kSampled) {
      for (int round = 0; round < 2; ++round) move(encode(kSampled), kUnused / 2);
    }
    double slack = kUnused / 2;
    for (int round = 0; round < kMostRounds; ++round) {
      const double bytes = encode(1);
      if (bytes <= max_bytes_ && (bytes >= (1 - kUnused) * max_bytes_ || round >= kExactRounds)) return;
      if (round >= kExactRounds) slack *= 2;  // few rows: bytes do not follow the step closely
      move(bytes, std::min(slack, 0.5));
    }
    throw BudgetError("entropy codes take at least " + std::to_string(static_cast<Index>(encode(1))) +
                      " bytes for their streams, the budget leaves " + std::to_string(static_cast<Index>(max_bytes_)));
  }

 private:
  static constexpr int kMostRounds = 40;

  // The bytes of all streams, estimated from the encoded part.
  double encode(Index every) {
    steps_.set(log2_step_);
    const auto size = streams_.encode(steps_, every);
    const Index parts = (streams_.parts() + every - 1) / every;
    const double factor = static_cast<double>(streams_.parts()) / static_cast<double>(parts);
    stored_entries_ = factor * static_cast<double>(size.stored_entries);
    return factor * static_cast<double>(size.bytes);
  }

  // A stored entry takes one bit less for each octave of the step.
  void move(double bytes, double slack) {
    const double excess = 8 * (bytes - (1 - slack) * max_bytes_);
    log2_step_ += std::clamp(excess / std::max(stored_entries_, 1.0), -2.0, 2.0);
  }

  detail::EntropyStreams& streams_;
  detail::EntropyRowSteps& steps_;
  double max_bytes_, log2_step_ = 0, stored_entries_ = 0;
};

void require_usable(const RowSource& a, const EntropyCodesOptions& options) {
  const detail::ArgumentCheck check("encode_entropy_codes");
  check.row_weights(options.row_weights, a.rows());
  require(a.cols() <= EntropyCodes::kMostCols, [&] {
    return "encode_entropy_codes: at most " + std::to_string(EntropyCodes::kMostCols) + " columns are possible, got " +
           std::to_string(a.cols());
  });
}

std::unique_ptr<EntropyCodes> encode_rows(const RowSource& a, double largest, int exponent,
                                          const EntropyCodesOptions& options) {
  const MatrixEnergies energies = weighted_energies(a, options.row_weights);
  const auto col_scales = col_scales_of(energies.cols);
  detail::EntropyStreams streams(a, col_scales);
  const Index rest = options.max_bytes - detail::kBytesOfLength * streams.count() - a.cols();
  detail::EntropyRowSteps steps(a.rows(), options.row_weights, largest);
  std::vector<double> falling = energies.cols;
  std::ranges::sort(falling, std::ranges::greater());
  const detail::EntropyForecast forecast(energies.rows, falling);
  StepSearch(streams, steps, rest).run(forecast_step(forecast, a.rows(), a.cols(), options.max_bytes));
  return std::make_unique<EntropyCodes>(a.rows(), streams.rows_of_stream(), steps.exponent() + exponent,
                                        streams.arrays());
}

}  // namespace

std::unique_ptr<EntropyCodes> encode_entropy_codes(const RowSource& a, const EntropyCodesOptions& options) {
  require_usable(a, options);
  constexpr int kOrdinary = 100;  // steps and their inverses stay in float32
  const double largest = detail::largest_magnitude(a, "encode_entropy_codes: the matrix");
  const int exponent = detail::input_exponent(largest, kOrdinary);
  if (exponent == 0) return encode_rows(a, largest, 0, options);
  return encode_rows(detail::ScaledRows(a, exponent), std::ldexp(largest, -exponent), exponent, options);
}

}  // namespace loewner
