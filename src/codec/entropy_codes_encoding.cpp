// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "codec/entropy_forecast.hpp"
#include "codec/entropy_model.hpp"
#include "codec/entropy_row_encoder.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/entropy_codes.hpp"

namespace loewner {
namespace {

constexpr Index kRowsOfPart = 256;
constexpr std::size_t kMostLength = 65535;

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

// The steps of the rows: the nearest stored ones to step / weight^1/2.
class RowSteps {
 public:
  /// largest: of the magnitudes of all entries.
  RowSteps(Index rows, std::span<const double> row_weights, double largest)
      : log2_of_weights_(static_cast<std::size_t>(rows), 0.0), largest_(largest) {
    for (std::size_t i = 0; i < row_weights.size(); ++i) log2_of_weights_[i] = std::log2(row_weights[i]) / 2;
  }

  /// Sets the step of a row of weight 1. The exponent is set once: steps that were not foreseen are clamped.
  void set(double log2_step) {
    if (!exponent_) {
      constexpr double kFiner = 4;     // octaves that later steps may be finer
      constexpr double kReached = 80;  // octaves between the finest step and the largest entry
      const double finest = log2_step - std::ranges::max(log2_of_weights_) - kFiner;
      const double least = largest_ > 0 ? std::log2(largest_) - kReached : finest;
      exponent_ = static_cast<int>(std::floor(std::max(finest, least)));
    }
    log2_step_ = log2_step;
  }

  int exponent() const { return *exponent_; }
  std::uint8_t code_of(Index row) const {
    const double octaves = log2_step_ - log2_of_weights_[row] - static_cast<double>(*exponent_);
    const auto code =
        std::lround(std::clamp(detail::kScalesOfOctave * octaves, 0.0, static_cast<double>(detail::kMostStep)));
    return static_cast<std::uint8_t>(code);
  }

 private:
  std::vector<double> log2_of_weights_;  // of their square roots
  double largest_;
  std::optional<int> exponent_;
  double log2_step_ = 0;
};

// The streams of all rows. Each is encoded again when the step of one of its rows changes.
class Streams {
 public:
  Streams(const RowSource& a, std::span<const std::uint8_t> col_scales)
      : a_(a),
        col_scales_(col_scales),
        rows_of_stream_(detail::rows_of_stream(a.cols())),
        streams_(static_cast<std::size_t>((a.rows() + rows_of_stream_ - 1) / rows_of_stream_)),
        tasks_((a.rows() + kRowsOfPart - 1) / kRowsOfPart) {}

  struct Size {
    Index bytes = 0, stored_entries = 0;
  };

  /// Encodes every `every`-th part of the rows by these steps, and returns the size of these.
  Size encode(const RowSteps& steps, Index every) {
    std::vector<Size> sizes(static_cast<std::size_t>((tasks_ + every - 1) / every));
    parallel_for(static_cast<Index>(sizes.size()), [&](Index i) { sizes[i] = encode_task(steps, i * every); });
    Size total;
    for (const Size& size : sizes) {
      total.bytes += size.bytes;
      total.stored_entries += size.stored_entries;
    }
    return total;
  }

  Index tasks() const { return tasks_; }
  Index rows_of_stream() const { return rows_of_stream_; }

  /// The streams one after another, and their lengths.
  EntropyCodes::Arrays arrays() const {
    EntropyCodes::Arrays arrays;
    auto codes = std::make_shared<std::vector<std::uint8_t>>();
    for (const Stream& stream : streams_) {
      codes->insert(codes->end(), stream.bytes.begin(), stream.bytes.end());
      for (const int shift : {0, 8}) arrays.lengths.push_back(static_cast<std::uint8_t>(stream.bytes.size() >> shift));
    }
    arrays.codes = detail::stored_bytes("codes", DType::u8, std::move(codes));
    arrays.col_scales.assign(col_scales_.begin(), col_scales_.end());
    return arrays;
  }

 private:
  struct Stream {
    std::vector<std::uint8_t> steps, bytes;
    Index stored_entries = 0;
  };

  Index first_stream(Index task) const { return std::min(task * kRowsOfPart, a_.rows()) / rows_of_stream_; }

  Index end_of_streams(Index task) const {
    return task + 1 == tasks_ ? static_cast<Index>(streams_.size()) : first_stream(task + 1);
  }

  std::vector<std::uint8_t> steps_of(Index stream, const RowSteps& steps) const {
    std::vector<std::uint8_t> codes;
    for (Index row = stream * rows_of_stream_; row < std::min((stream + 1) * rows_of_stream_, a_.rows()); ++row) {
      codes.push_back(steps.code_of(row));
    }
    return codes;
  }

  Size encode_task(const RowSteps& steps, Index task) {
    Size size;
    std::optional<detail::EntropyRowEncoder> encoder;
    Matrix<float> buffer;
    for (Index s = first_stream(task); s < end_of_streams(task); ++s) {
      auto codes = steps_of(s, steps);
      if (codes != streams_[s].steps) {
        if (!encoder) encoder.emplace(col_scales_);
        const auto rows = a_.read_rows(s * rows_of_stream_, static_cast<Index>(codes.size()), buffer);
        encode_stream(rows, std::move(codes), steps.exponent(), *encoder, streams_[s]);
      }
      size.bytes += static_cast<Index>(streams_[s].bytes.size());
      size.stored_entries += streams_[s].stored_entries;
    }
    return size;
  }

  static void encode_stream(MatrixView<const float> rows, std::vector<std::uint8_t> steps, int exponent,
                            detail::EntropyRowEncoder& encoder, Stream& stream) {
    const Index before = encoder.stored_entries();
    std::vector<detail::CodedRange> ranges;
    detail::EntropyRowHeader header;
    for (Index i = 0; i < rows.rows(); ++i) {
      header = encoder.encode(rows.row(i), steps[i], exponent, i > 0 ? &header : nullptr, ranges);
    }
    stream.bytes.clear();
    detail::encode_ranges(ranges, stream.bytes);
    require(stream.bytes.size() <= kMostLength, [] {
      return std::string("encode_entropy_codes: a stream is longer than 65535 bytes; max_bytes is too large");
    });
    stream.steps = std::move(steps);
    stream.stored_entries = encoder.stored_entries() - before;
  }

  const RowSource& a_;
  std::span<const std::uint8_t> col_scales_;
  Index rows_of_stream_;
  std::vector<Stream> streams_;
  Index tasks_;
};

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
  StepSearch(Streams& streams, RowSteps& steps, Index max_bytes)
      : streams_(streams), steps_(steps), max_bytes_(static_cast<double>(max_bytes)) {}

  void run(double log2_step) {
    constexpr Index kSampled = 16;  // one part of so many
    constexpr int kRounds = 6;
    constexpr double kUnused = 5e-4;  // share of the bytes
    log2_step_ = log2_step;
    if (streams_.tasks() >= 2 * kSampled) {
      for (int round = 0; round < 2; ++round) improve(kSampled, kUnused / 2);
    }
    double slack = kUnused / 2;
    for (int round = 0; round < kMostRounds; ++round) {
      const double bytes = encode(1);
      if (bytes <= max_bytes_ && (bytes >= (1 - kUnused) * max_bytes_ || round >= kRounds)) return;
      if (round >= kRounds) slack *= 2;  // few rows: bytes do not follow the step closely
      move(bytes, std::min(slack, 0.5));
    }
    throw BudgetError("entropy codes take at least " + std::to_string(static_cast<Index>(encode(1))) +
                      " bytes, the budget leaves " + std::to_string(static_cast<Index>(max_bytes_)));
  }

 private:
  static constexpr int kMostRounds = 40;

  // The bytes of all streams, estimated from the encoded part.
  double encode(Index every) {
    steps_.set(log2_step_);
    const auto size = streams_.encode(steps_, every);
    const double parts = static_cast<double>((streams_.tasks() + every - 1) / every);
    const double factor = static_cast<double>(streams_.tasks()) / parts;
    stored_entries_ = factor * static_cast<double>(size.stored_entries);
    return factor * static_cast<double>(size.bytes);
  }

  void improve(Index every, double slack) { move(encode(every), slack); }

  // A stored entry takes one bit less for each octave of the step.
  void move(double bytes, double slack) {
    const double excess = 8 * (bytes - (1 - slack) * max_bytes_);
    log2_step_ += std::clamp(excess / std::max(stored_entries_, 1.0), -2.0, 2.0);
  }

  Streams& streams_;
  RowSteps& steps_;
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
  Streams streams(a, col_scales);
  const Index stream_count = (a.rows() + streams.rows_of_stream() - 1) / streams.rows_of_stream();
  const Index rest = options.max_bytes - 2 * stream_count - a.cols();
  if (rest < 0) {
    throw BudgetError("entropy codes take at least " + std::to_string(2 * stream_count + a.cols()) +
                      " bytes, the budget leaves " + std::to_string(options.max_bytes));
  }
  RowSteps steps(a.rows(), options.row_weights, largest);
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
