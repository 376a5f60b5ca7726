// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/entropy_codes.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "codec/entropy_model.hpp"
#include "codec/range_coder.hpp"
#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

Index stream_length(const std::vector<std::uint8_t>& lengths, Index stream) {
  return lengths[2 * stream] | lengths[2 * stream + 1] << 8;
}

// 0, -1, 1, -2, 2, ...: 0, 1, 2, 3, 4, ...
int change(detail::RangeDecoder& decoder) {
  const int symbol = decoder.symbol(detail::kChangeTable.starts, detail::kChangeTable.frequencies);
  const int folded = symbol < detail::kEscape
                         ? symbol
                         : detail::kEscape + static_cast<int>(decoder.bits(detail::kBitsOfEscapedChange));
  return folded % 2 == 0 ? folded / 2 : -(folded + 1) / 2;
}

void read_header(detail::RangeDecoder& decoder, bool first, detail::EntropyRowHeader& header) {
  for (std::uint8_t* const number : {&header.step, &header.scale}) {
    const int value = first ? static_cast<int>(decoder.bits(detail::kBitsOfHeader)) : *number + change(decoder);
    *number = static_cast<std::uint8_t>(value);  // modulo 256
  }
}

int read_magnitude(detail::RangeDecoder& decoder, detail::ClassTable of_class, int odd) {
  const auto& table = detail::kMagnitudeTables[of_class.table][odd];
  int cell = decoder.symbol(table.starts, table.frequencies);
  if (cell == 0) return 0;
  if (cell == detail::kEscape) {
    const auto length = static_cast<int>(decoder.bits(detail::kBitsOfLength));
    cell += static_cast<int>((1U << length | decoder.bits(length)) - 1);
  }
  return 1 + ((cell - 1) << of_class.low_bits | static_cast<int>(decoder.bits(of_class.low_bits)));
}

// Calls body(column, level) for the entries that are stored.
template <typename Body>
void read_levels(detail::RangeDecoder& decoder, int scale, std::span<const std::uint8_t> col_scales, Body&& body) {
  unsigned state = 0;
  for (std::size_t k = 0; k < col_scales.size(); ++k) {
    const int entry_class = std::min(scale - col_scales[k], detail::kMostClass);
    if (entry_class < 1) continue;
    const auto& now = detail::kTrellis[state];
    const int magnitude = read_magnitude(decoder, detail::kTablesOfClasses[entry_class], now.odd);
    const int level = detail::level_of(magnitude, now.odd);
    body(k, magnitude > 0 && decoder.bits(1) != 0 ? -level : level);
    state = now.next[magnitude % 2];
  }
}

}  // namespace

EntropyCodes::EntropyCodes(Index rows, Index rows_of_stream, int scale_exponent, Arrays arrays)
    : rows_(rows), rows_of_stream_(rows_of_stream), scale_exponent_(scale_exponent), arrays_(std::move(arrays)) {
  offsets_.push_back(0);
  for (Index stream = 0; stream < (rows + rows_of_stream - 1) / rows_of_stream; ++stream) {
    offsets_.push_back(offsets_.back() + stream_length(arrays_.lengths, stream));
  }
}

double EntropyCodes::mean_bits() const {
  return 8 * static_cast<double>(offsets_.back()) / (static_cast<double>(rows_) * static_cast<double>(cols()));
}

void EntropyCodes::decode_stream(Index stream, Index first, Index last, MatrixView<float> out) const {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(offsets_[stream + 1] - offsets_[stream]));
  if (!bytes.empty()) {
    arrays_.codes.read_rows(offsets_[stream], offsets_[stream + 1] - offsets_[stream],
                            reinterpret_cast<std::byte*>(bytes.data()));
  }
  detail::RangeDecoder decoder(bytes);
  detail::EntropyRowHeader header;
  const Index begin = stream * rows_of_stream_, end = std::min(begin + rows_of_stream_, rows_);
  for (Index row = begin; row < last; ++row) {
    read_header(decoder, row == begin, header);
    if (row < first) {
      read_levels(decoder, header.scale, arrays_.col_scales, [](std::size_t, int) {});
      continue;
    }
    const auto entries = out.row(row - first);
    std::ranges::fill(entries, 0.0F);
    const float step = detail::step_value(header.step, scale_exponent_);
    read_levels(decoder, header.scale, arrays_.col_scales,
                [&](std::size_t k, int level) { entries[k] = step * static_cast<float>(level); });
  }
  if (last == end && !decoder.at_end()) {
    throw IoError("array 'codes': the stream of rows " + std::to_string(begin) + " to " + std::to_string(end - 1) +
                  " is damaged");
  }
}

MatrixView<const float> EntropyCodes::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  for (Index row = first; row < first + count;) {
    const Index stream = row / rows_of_stream_, last = std::min((stream + 1) * rows_of_stream_, first + count);
    decode_stream(stream, row, last, buffer.view().row_block(row - first, last - row));
    row = last;
  }
  return std::as_const(buffer).view();
}

void EntropyCodes::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  // Texts repeat their tokens, and rows share streams: each stream is decoded once.
  std::vector<std::size_t> order(indices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return indices[i]; });
  const auto stream_of = [&](std::size_t i) { return indices[order[i]] / rows_of_stream_; };
  std::vector<std::size_t> groups;  // where the rows of another stream begin, and the end
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || stream_of(i) != stream_of(i - 1)) groups.push_back(i);
  }
  groups.push_back(order.size());
  constexpr Index kGroupsOfTask = 8;
  const auto count = static_cast<Index>(groups.size()) - 1;
  parallel_for((count + kGroupsOfTask - 1) / kGroupsOfTask, [&](Index task) {
    Matrix<float> rows;
    for (Index g = task * kGroupsOfTask; g < std::min(count, (task + 1) * kGroupsOfTask); ++g) {
      const Index first = indices[order[groups[g]]], last = indices[order[groups[g + 1] - 1]];
      (void)read_rows(first, last - first + 1, rows);
      for (std::size_t i = groups[g]; i < groups[g + 1]; ++i) {
        std::ranges::copy(rows.row(indices[order[i]] - first), out.row(static_cast<Index>(order[i])).begin());
      }
    }
  });
}

std::vector<StoredArray> EntropyCodes::to_tensors() const {
  StoredArray codes = arrays_.codes;
  codes.name = "codes";
  return {std::move(codes), detail::stored_bytes("lengths", DType::u8, arrays_.lengths, detail::kBytesOfLength),
          detail::stored_bytes("col_scales", DType::u8, arrays_.col_scales)};
}

Json EntropyCodes::spec_fields() const {
  return {{"rows_of_stream", rows_of_stream_}, {"scale_exponent", scale_exponent_}, {"code_bytes", arrays_.codes.rows}};
}

std::unique_ptr<EncodedMatrix> EntropyCodes::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  if (rows < 1 || cols < 1) throw IoError("specification: rows and cols must be at least 1");
  if (cols > kMostCols) {
    throw IoError("specification: cols of entropy codes must be at most " + std::to_string(kMostCols) + ", got " +
                  std::to_string(cols));
  }
  const Index rows_of_stream = detail::integer_field(spec, "rows_of_stream", 1, 256);
  const auto exponent = detail::exponent_field(spec);
  const Index streams = (rows - 1) / rows_of_stream + 1;
  Arrays arrays;
  arrays.lengths = detail::read_stored<std::uint8_t>(lookup("lengths"), DType::u8, streams, detail::kBytesOfLength);
  arrays.col_scales = detail::read_stored<std::uint8_t>(lookup("col_scales"), DType::u8, cols);
  arrays.codes = lookup("codes");
  Index total = 0;
  for (Index stream = 0; stream < streams; ++stream) total += stream_length(arrays.lengths, stream);
  detail::require_array(arrays.codes, DType::u8, total);
  if (total != detail::size_field(spec, "code_bytes")) {
    throw IoError("specification: code_bytes must be the length of the array 'codes'");
  }
  return std::make_unique<EntropyCodes>(rows, rows_of_stream, exponent, std::move(arrays));
}

}  // namespace loewner
