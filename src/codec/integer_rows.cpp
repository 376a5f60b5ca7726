// SPDX-License-Identifier: Apache-2.0
#include "codec/integer_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "base/dispatch.hpp"
#include "codec/byte_product.hpp"
#include "codec/float_rows.hpp"
#include "codec/integer_grid.hpp"
#include "kernel/byte_kernels.hpp"

namespace loewner::detail {
namespace {

constexpr float kCenter = 128;  // the code of level 0 with 8 bits; codes of 4 bits are levels

// Halves times 2^scale_exponent.
std::vector<float> values(const StoredArray& array, const Integers::Shape& shape) {
  std::vector<std::uint16_t> halves(static_cast<std::size_t>(array.rows * array.cols));
  array.read_rows(0, array.rows, reinterpret_cast<std::byte*>(halves.data()));
  std::vector<float> result;
  result.reserve(halves.size());
  for (const std::uint16_t half : halves) result.push_back(grid_value(half, shape.scale_exponent));
  return result;
}

}  // namespace

IntegerRows::IntegerRows(const Integers& integers) : shape_(integers.shape()) {
  for (Index first = 0; first < shape_.cols; first += shape_.group) {
    parts_.push_back({first, std::min(shape_.group, shape_.cols - first)});
  }
  std::vector<StoredArray> arrays = integers.to_tensors();
  codes_ = std::move(arrays[0]);
  const std::vector<float> steps = values(arrays[1], shape_), offsets = values(arrays[2], shape_);
  const Index groups = shape_.groups();
  scales_.resize(static_cast<std::size_t>(rounded_up(shape_.rows, kPanelOutputs) * groups));
  offsets_.resize(scales_.size());
  for (Index i = 0; i < shape_.rows; ++i) {
    for (Index g = 0; g < groups; ++g) {
      const Index from = i * groups + g, to = (i / kPanelOutputs * groups + g) * kPanelOutputs + i % kPanelOutputs;
      scales_[to] = steps[from];
      offsets_[to] = shape_.bits == 8 ? offsets[from] + kCenter * steps[from] : offsets[from];
    }
  }
}

bool IntegerRows::has_parts(const Integers& integers) {
  const Integers::Shape& shape = integers.shape();
  return shape.groups() == 1 || (shape.bits == 4 && shape.group % kBlockEntries == 0);
}

// With narrower products, the second byte of an entry takes more time than the product with the decoded matrix.
bool IntegerRows::is_preferable() const {
  return isa() >= Isa::avx512_vnni;
}

void IntegerRows::prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const {
  std::ranges::copy(x, in_basis.begin());
  for (std::size_t g = 0; g < parts_.size(); ++g) {
    features[g] = sum(x.subspan(static_cast<std::size_t>(parts_[g].first), static_cast<std::size_t>(parts_[g].count)));
  }
}

PartedRows::Decoded IntegerRows::decode(Index first, Index count, Index read, const Buffers& buffers) const {
  if (shape_.bits == 8 && rows_are_blocks() && read <= count) return in_place(first, count);
  const std::uint8_t* const codes = codes_of_rows(first, count);
  const Index row_bytes = shape_.row_bytes();
  for (Index i = 0; i < count; ++i) {
    if (shape_.bits == 8) {
      std::copy_n(codes + i * row_bytes, row_bytes, buffers.levels + i * buffers.stride);
    } else {
      byte_kernels().unpack_codes(codes + i * row_bytes, shape_.cols, buffers.levels + i * buffers.stride);
    }
  }
  return with_scales(first, {buffers.levels, buffers.stride, 8, false});
}

PartedRows::Decoded IntegerRows::decode_for_one_token(Index first, Index count, const Buffers& buffers) const {
  return rows_are_blocks() ? in_place(first, count) : decode(first, count, count, buffers);
}

PartedRows::Decoded IntegerRows::in_place(Index first, Index count) const {
  const bool followed = codes_.memory != nullptr && first + count < shape_.rows;
  return with_scales(first, {codes_of_rows(first, count), shape_.row_bytes(), shape_.bits, followed});
}

PartedRows::Decoded IntegerRows::with_scales(Index first, const LevelRows& levels) const {
  const Index place = first / kPanelOutputs * kPanelOutputs * shape_.groups();
  return {levels, scales_.data() + place, offsets_.data() + place};
}

const std::uint8_t* IntegerRows::codes_of_rows(Index first, Index count) const {
  const Index row_bytes = shape_.row_bytes();
  if (codes_.memory != nullptr) {
    return reinterpret_cast<const std::uint8_t*>(codes_.memory) + first * row_bytes;
  }
  thread_local std::vector<std::uint8_t> copy;
  copy.resize(static_cast<std::size_t>(count * row_bytes));
  codes_.read_rows(first, count, reinterpret_cast<std::byte*>(copy.data()));
  return copy.data();
}

}  // namespace loewner::detail
