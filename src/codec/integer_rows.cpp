// SPDX-License-Identifier: Apache-2.0
#include "codec/integer_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "base/dispatch.hpp"
#include "codec/float_rows.hpp"
#include "codec/integer_grid.hpp"
#include "kernel/byte_kernels.hpp"

namespace loewner::detail {
namespace {

constexpr float kMostLevel = 127;
constexpr float kMostCode = 15;      // of 4 bits
constexpr float kCenter = 128;       // byte 128 of a panel is level 0
constexpr double kFixedPoint = 256;  // multiples of 1 / 256 in 16 bits

std::uint16_t fixed(double multiples) {
  return static_cast<std::uint16_t>(std::lround(multiples));
}

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
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (shape_.bits == 8) {
      scales_.push_back(steps[i]);
      offsets_.push_back(offsets[i] + kCenter * steps[i]);
    } else {
      add_grid(steps[i], offsets[i]);
    }
  }
}

void IntegerRows::add_grid(float step, float offset) {
  const float largest = std::max(std::abs(offset), std::abs(offset + kMostCode * step));
  const double unit = largest > 0 ? kFixedPoint * kMostLevel / static_cast<double>(largest) : 0.0;
  scales_.push_back(largest / kMostLevel);
  grids_.push_back({fixed(static_cast<double>(step) * unit),
                    fixed(static_cast<double>(offset) * unit + kFixedPoint * (kCenter + 0.5))});
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
  if (!features.empty()) features[0] = sum(x);
}

PartedRows::Levels IntegerRows::decode(Index first, Index count, const Decoded& to) const {
  const Index groups = shape_.groups();
  for (Index i = 0; i < count; ++i) {
    for (Index g = 0; g < groups; ++g) to.scales[g * kPanelOutputs + i] = scales_[(first + i) * groups + g];
  }
  if (features() > 0) std::copy_n(offsets_.begin() + first, count, to.offsets);
  const std::uint8_t* const codes = codes_of_rows(first, count);
  const Index row_bytes = shape_.row_bytes();
  if (shape_.bits == 8 && row_bytes == to.stride && count == kPanelOutputs) return {codes, row_bytes};
  for (Index i = 0; i < count; ++i) {
    if (shape_.bits == 8) {
      std::copy_n(codes + i * row_bytes, row_bytes, to.levels + i * to.stride);
    } else {
      byte_kernels().unpack_codes(codes + i * row_bytes, shape_.cols, shape_.group,
                                  grids_.data() + (first + i) * groups, to.levels + i * to.stride);
    }
  }
  return {to.levels, to.stride};
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
