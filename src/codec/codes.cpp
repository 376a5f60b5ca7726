// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/codes.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "codec/code_bands.hpp"
#include "codec/log_scales.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerAnchor = 32;

}  // namespace

Codes::Codes(CodeLadder ladder, std::uint64_t seed, int scale_exponent, Arrays arrays)
    : ladder_(std::move(ladder)),
      rotations_(detail::rotations_of(ladder_, seed)),
      seed_(seed),
      scale_exponent_(scale_exponent),
      arrays_(std::move(arrays)),
      shared_row_(detail::widened_halves(arrays_.shared)) {
  Index offset = 0;
  for (Index i = 0; i < rows(); ++i) {
    if (i % kRowsPerAnchor == 0) anchors_.push_back(offset);
    offset += ladder_.bytes(arrays_.bits[i]);
  }
}

Index Codes::bytes_at(Index rows, Index cols, Index code_bytes, bool shared, CodesForm form) {
  const Index scale_bytes = form == CodesForm::joined ? 1 : 2;
  return code_bytes + scale_bytes * rows + (rows + 1) / 2 + (shared ? 2 * cols : 0);
}

std::string_view Codes::structure() const {
  return form() == CodesForm::joined ? "joined_codes" : "codes";
}

double Codes::mean_bits() const {
  double sum = 0;
  for (const std::uint8_t step : arrays_.bits) sum += ladder_.mean_bits(step);
  return sum / static_cast<double>(rows());
}

Index Codes::offset_of(Index row) const {
  const Index anchor = row / kRowsPerAnchor;
  Index offset = anchors_[anchor];
  for (Index i = anchor * kRowsPerAnchor; i < row; ++i) offset += ladder_.bytes(arrays_.bits[i]);
  return offset;
}

float Codes::scale_of(Index row) const {
  return form() == CodesForm::joined ? detail::log_scale_value(arrays_.log_scales[row], scale_exponent_)
                                     : std::ldexp(half_to_float(arrays_.scales[row]), scale_exponent_);
}

void Codes::decode_row(Index row, const std::uint8_t* planes, std::span<float> out) const {
  const int step = arrays_.bits[row];
  const float scale = scale_of(row);
  if (step == 0 && shared_row_.empty()) {
    std::ranges::fill(out, 0.0F);
    return;
  }
  if (step == 0) {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * shared_row_[j];
    return;
  }
  if (ladder_.bands().size() > 1) std::ranges::fill(out, 0.0F);
  const bool joined = form() == CodesForm::joined;
  std::uint8_t before = 0;
  detail::for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
    const auto band = out.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rotations_[g].cols()));
    decode_trellis(planes + offset, bits, band, before);
    if (joined) before = planes[offset + TrellisQuantizer::bytes(rotations_[g].cols(), 1) - 1];
    rotations_[g].apply_inverse(band, scale * ladder_.bands()[g].size);
  });
}

MatrixView<const float> Codes::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  if (count == 0) return std::as_const(buffer).view();
  const Index begin = offset_of(first);
  const Index end = offset_of(first + count - 1) + ladder_.bytes(arrays_.bits[first + count - 1]);
  std::vector<std::uint8_t> planes(static_cast<std::size_t>(end - begin));
  arrays_.codes.read_rows(begin, end - begin, reinterpret_cast<std::byte*>(planes.data()));
  Index offset = 0;
  for (Index i = 0; i < count; ++i) {
    decode_row(first + i, planes.data() + offset, buffer.row(i));
    offset += ladder_.bytes(arrays_.bits[first + i]);
  }
  return std::as_const(buffer).view();
}

void Codes::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  constexpr Index kRowsPerTask = 256;
  const auto count = static_cast<Index>(indices.size());
  Index most_bytes = 0;
  for (std::size_t step = 0; step < ladder_.steps().size(); ++step) {
    most_bytes = std::max(most_bytes, ladder_.bytes(static_cast<int>(step)));
  }
  parallel_for((count + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
    std::vector<std::uint8_t> planes(static_cast<std::size_t>(most_bytes));
    for (Index i = task * kRowsPerTask; i < std::min(count, (task + 1) * kRowsPerTask); ++i) {
      const Index size = ladder_.bytes(arrays_.bits[indices[i]]);
      if (size > 0) {
        arrays_.codes.read_rows(offset_of(indices[i]), size, reinterpret_cast<std::byte*>(planes.data()));
      }
      decode_row(indices[i], planes.data(), out.row(i));
    }
  });
}

std::vector<StoredArray> Codes::to_tensors() const {
  std::vector<std::uint8_t> packed(static_cast<std::size_t>((rows() + 1) / 2));
  for (Index i = 0; i < rows(); ++i) packed[i / 2] |= static_cast<std::uint8_t>(arrays_.bits[i] << 4 * (i % 2));
  StoredArray codes = arrays_.codes;
  codes.name = "codes";
  std::vector<StoredArray> arrays = {std::move(codes), detail::stored_bytes("bits", DType::u8, packed),
                                     form() == CodesForm::joined
                                         ? detail::stored_bytes("log_scales", DType::u8, arrays_.log_scales)
                                         : detail::stored_bytes("scales", DType::f16, arrays_.scales)};
  if (!arrays_.shared.empty()) arrays.push_back(detail::stored_bytes("shared", DType::f16, arrays_.shared));
  return arrays;
}

}  // namespace loewner
