// SPDX-License-Identifier: Apache-2.0
#include "codec/entropy_codes_streams.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "codec/entropy_forecast.hpp"
#include "codec/entropy_model.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr std::size_t kMostLength = 65535;

// So few that a part takes tenths of a second, and a run can be cancelled after it.
Index streams_of_part(Index entries_of_stream) {
  constexpr Index kEntries = 1 << 17, kMost = 32;
  return std::clamp(kEntries / entries_of_stream, Index{1}, kMost);
}

std::vector<std::uint8_t> encoded_stream(MatrixView<const float> rows, std::span<const std::uint8_t> steps,
                                         int exponent, EntropyRowEncoder& encoder) {
  std::vector<CodedRange> ranges;
  EntropyRowHeader header;
  for (Index i = 0; i < rows.rows(); ++i) {
    header =
        encoder.encode(rows.row(i), steps[static_cast<std::size_t>(i)], exponent, i > 0 ? &header : nullptr, ranges);
  }
  std::vector<std::uint8_t> bytes;
  encode_ranges(ranges, bytes);
  require(bytes.size() <= kMostLength, [] {
    return std::string("encode_entropy_codes: a stream is longer than 65535 bytes; max_bytes is too large");
  });
  return bytes;
}

}  // namespace

EntropyRowSteps::EntropyRowSteps(Index rows, std::span<const double> row_weights, double largest)
    : log2_of_weights_(static_cast<std::size_t>(rows), 0.0), largest_(largest) {
  for (std::size_t i = 0; i < row_weights.size(); ++i) log2_of_weights_[i] = std::log2(row_weights[i]) / 2;
}

void EntropyRowSteps::set(double log2_step) {
  if (!exponent_) {
    constexpr double kFiner = 4;     // octaves that later steps may be finer
    constexpr double kReached = 80;  // octaves between the finest step and the largest entry
    const double finest = log2_step - std::ranges::max(log2_of_weights_) - kFiner;
    const double least = largest_ > 0 ? std::log2(largest_) - kReached : finest;
    exponent_ = static_cast<int>(std::floor(std::max(finest, least)));
  }
  log2_step_ = log2_step;
}

std::uint8_t EntropyRowSteps::code_of(Index row) const {
  const double octaves = log2_step_ - log2_of_weights_[row] - static_cast<double>(*exponent_);
  const double code = std::clamp(kScalesOfOctave * octaves, 0.0, static_cast<double>(kMostStep));
  return static_cast<std::uint8_t>(std::lround(code));
}

EntropyStreams::EntropyStreams(const RowSource& a, std::span<const std::uint8_t> col_scales)
    : a_(a),
      col_scales_(col_scales),
      rows_of_stream_(detail::rows_of_stream(a.cols())),
      streams_(static_cast<std::size_t>((a.rows() + rows_of_stream_ - 1) / rows_of_stream_)),
      streams_of_part_(streams_of_part(rows_of_stream_ * a.cols())),
      parts_((count() + streams_of_part_ - 1) / streams_of_part_) {}

EntropyStreams::Size EntropyStreams::encode(const EntropyRowSteps& steps, Index every) {
  std::vector<Size> sizes(static_cast<std::size_t>((parts_ + every - 1) / every));
  parallel_for(static_cast<Index>(sizes.size()), [&](Index i) { sizes[i] = encode_part(steps, i * every); });
  Size total;
  for (const Size& size : sizes) {
    total.bytes += size.bytes;
    total.stored_entries += size.stored_entries;
  }
  return total;
}

std::vector<std::uint8_t> EntropyStreams::steps_of(Index stream, const EntropyRowSteps& steps) const {
  std::vector<std::uint8_t> codes;
  for (Index row = stream * rows_of_stream_; row < std::min((stream + 1) * rows_of_stream_, a_.rows()); ++row) {
    codes.push_back(steps.code_of(row));
  }
  return codes;
}

EntropyStreams::Size EntropyStreams::encode_part(const EntropyRowSteps& steps, Index part) {
  Size size;
  std::optional<EntropyRowEncoder> encoder;  // its memory is not worth a part whose steps stay
  Matrix<float> buffer;
  const Index first = part * streams_of_part_;
  for (Index s = first; s < std::min(first + streams_of_part_, count()); ++s) {
    Stream& stream = streams_[s];
    auto codes = steps_of(s, steps);
    if (codes != stream.steps) {
      if (!encoder) encoder.emplace(col_scales_);
      const Index before = encoder->stored_entries();
      const auto rows = a_.read_rows(s * rows_of_stream_, static_cast<Index>(codes.size()), buffer);
      stream.bytes = encoded_stream(rows, codes, steps.exponent(), *encoder);
      stream.steps = std::move(codes);
      stream.stored_entries = encoder->stored_entries() - before;
    }
    size.bytes += static_cast<Index>(stream.bytes.size());
    size.stored_entries += stream.stored_entries;
  }
  return size;
}

EntropyCodes::Arrays EntropyStreams::arrays() const {
  EntropyCodes::Arrays arrays;
  auto codes = std::make_shared<std::vector<std::uint8_t>>();
  for (const Stream& stream : streams_) {
    codes->insert(codes->end(), stream.bytes.begin(), stream.bytes.end());
    for (const int shift : {0, 8}) arrays.lengths.push_back(static_cast<std::uint8_t>(stream.bytes.size() >> shift));
  }
  arrays.codes = stored_bytes("codes", DType::u8, std::move(codes));
  arrays.col_scales.assign(col_scales_.begin(), col_scales_.end());
  return arrays;
}

}  // namespace loewner::detail
