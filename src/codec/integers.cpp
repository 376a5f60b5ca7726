// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/integers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/half_scales.hpp"
#include "codec/integer_grid.hpp"
#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

constexpr Index kGroupOfInt4 = 64;

// Calls body(group, first entry, number of entries) for the groups of a row.
template <typename Body>
void for_each_group(const Integers::Shape& shape, Body&& body) {
  for (Index g = 0; g < shape.groups(); ++g) {
    body(g, g * shape.group, std::min(shape.group, shape.cols - g * shape.group));
  }
}

void encode_row(std::span<const float> row, const Integers::Shape& shape, std::uint8_t* out) {
  std::fill_n(out, shape.row_bytes(), std::uint8_t{0});
  for_each_group(shape, [&](Index, Index first, Index count) {
    const detail::IntegerGrid grid = detail::integer_grid(row.subspan(first, count), shape);
    const float step = detail::grid_value(grid.step, shape.scale_exponent),
                offset = detail::grid_value(grid.offset, shape.scale_exponent);
    for (Index j = first; j < first + count; ++j) {
      const auto code = static_cast<unsigned>(detail::integer_code(row[j], step, offset, shape.bits));
      detail::put_code(out, j, shape.bits, code);
    }
  });
}

// Encodes and decodes a row without packing the codes.
void round_row(std::span<const float> row, const Integers::Shape& shape, std::span<float> out) {
  for_each_group(shape, [&](Index, Index first, Index count) {
    const detail::IntegerGrid grid = detail::integer_grid(row.subspan(first, count), shape);
    const float step = detail::grid_value(grid.step, shape.scale_exponent),
                offset = detail::grid_value(grid.offset, shape.scale_exponent);
    for (Index j = first; j < first + count; ++j)
      out[j] = offset + step * detail::integer_code(row[j], step, offset, shape.bits);
  });
}

template <typename Pick>
StoredArray grid_array(std::string name, std::shared_ptr<const RowSource> a, const Integers::Shape& shape, Pick pick) {
  StoredArray array{
      .name = std::move(name), .dtype = DType::f16, .rows = shape.rows, .cols = shape.groups(), .read_rows = {}};
  array.read_rows = [a = std::move(a), shape, pick](Index first, Index count, std::byte* out) {
    Matrix<float> buffer;
    const auto rows = a->read_rows(first, count, buffer);
    std::vector<std::uint16_t> halves;
    for (Index i = 0; i < count; ++i) {
      for_each_group(shape, [&](Index, Index start, Index size) {
        halves.push_back(pick(detail::integer_grid(rows.row(i).subspan(start, size), shape)));
      });
    }
    std::memcpy(out, halves.data(), halves.size() * sizeof(std::uint16_t));
  };
  return array;
}

StoredArray code_array(std::shared_ptr<const RowSource> a, const Integers::Shape& shape) {
  StoredArray array{
      .name = "codes", .dtype = DType::u8, .rows = shape.rows, .cols = shape.row_bytes(), .read_rows = {}};
  array.read_rows = [a = std::move(a), shape](Index first, Index count, std::byte* out) {
    Matrix<float> buffer;
    const auto rows = a->read_rows(first, count, buffer);
    for (Index i = 0; i < count; ++i) {
      encode_row(rows.row(i), shape, reinterpret_cast<std::uint8_t*>(out) + i * shape.row_bytes());
    }
  };
  return array;
}

std::vector<std::uint16_t> read_halves(const StoredArray& array, Index first, Index count) {
  std::vector<std::uint16_t> halves(static_cast<std::size_t>(count * array.cols));
  array.read_rows(first, count, reinterpret_cast<std::byte*>(halves.data()));
  return halves;
}

}  // namespace

Integers::Integers(const std::shared_ptr<const RowSource>& a, const Shape& shape)
    : shape_(shape),
      source_(a),
      codes_(code_array(a, shape)),
      steps_(grid_array("steps", a, shape, [](const detail::IntegerGrid& grid) { return grid.step; })),
      offsets_(grid_array("offsets", a, shape, [](const detail::IntegerGrid& grid) { return grid.offset; })) {}

Integers::Integers(const Shape& shape, StoredArray codes, StoredArray steps, StoredArray offsets)
    : shape_(shape), codes_(std::move(codes)), steps_(std::move(steps)), offsets_(std::move(offsets)) {}

std::unique_ptr<EncodedMatrix> Integers::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Shape shape{.rows = detail::size_field(spec, "rows"),
                    .cols = detail::size_field(spec, "cols"),
                    .bits = static_cast<int>(detail::integer_field(spec, "bits", 4, 8)),
                    .group = detail::size_field(spec, "group"),
                    .scale_exponent = detail::exponent_field(spec)};
  if (shape.rows < 1 || shape.cols < 1 || shape.group < 1) {
    throw IoError("specification: rows, cols and group must be at least 1");
  }
  if (shape.bits != 4 && shape.bits != 8) {
    throw IoError("specification: bits must be 4 or 8, got " + std::to_string(shape.bits));
  }
  StoredArray codes = lookup("codes"), steps = lookup("steps"), offsets = lookup("offsets");
  detail::require_array(codes, DType::u8, shape.rows, shape.row_bytes());
  for (const auto* array : {&steps, &offsets}) {
    detail::require_finite_halves(detail::read_stored<std::uint16_t>(*array, DType::f16, shape.rows, shape.groups()),
                                  array->name);
  }
  return std::make_unique<Integers>(shape, std::move(codes), std::move(steps), std::move(offsets));
}

Json Integers::spec_fields() const {
  return {{"bits", shape_.bits}, {"group", shape_.group}, {"scale_exponent", shape_.scale_exponent}};
}

MatrixView<const float> Integers::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  if (source_ != nullptr) {
    Matrix<float> source_buffer;
    const auto rows = source_->read_rows(first, count, source_buffer);
    for (Index i = 0; i < count; ++i) round_row(rows.row(i), shape_, buffer.row(i));
    return std::as_const(buffer).view();
  }
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(count * shape_.row_bytes()));
  codes_.read_rows(first, count, reinterpret_cast<std::byte*>(codes.data()));
  const auto steps = read_halves(steps_, first, count), offsets = read_halves(offsets_, first, count);
  const unsigned mask = (1u << shape_.bits) - 1;
  for (Index i = 0; i < count; ++i) {
    const std::uint8_t* row = codes.data() + i * shape_.row_bytes();
    for_each_group(shape_, [&](Index group, Index start, Index size) {
      const Index g = i * shape_.groups() + group;
      const float step = detail::grid_value(steps[g], shape_.scale_exponent),
                  offset = detail::grid_value(offsets[g], shape_.scale_exponent);
      for (Index j = start; j < start + size; ++j) {
        const unsigned code = row[j * shape_.bits / 8] >> (j * shape_.bits % 8) & mask;
        buffer(i, j) = offset + step * static_cast<float>(code);
      }
    });
  }
  return std::as_const(buffer).view();
}

Integers::Shape integers_shape(const RowSource& a, int bits) {
  std::vector<float> largest(static_cast<std::size_t>(num_row_blocks(a)), 0.0F);
  for_each_row_block(a, [&](Index block, Index, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      for (const float x : rows.row(i)) largest[block] = std::max(largest[block], std::abs(x));
    }
  });
  const double most = largest.empty() ? 0.0 : 2.0 * static_cast<double>(*std::ranges::max_element(largest));
  return {.rows = a.rows(),
          .cols = a.cols(),
          .bits = bits,
          .group = bits == 8 ? a.cols() : std::min(kGroupOfInt4, a.cols()),
          .scale_exponent = detail::half_exponent(most)};
}

}  // namespace loewner
