// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/archetypes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "base/lane_sum.hpp"
#include "codec/half_scales.hpp"
#include "codec/nested_matrix.hpp"
#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/cluster/convex_code.hpp"

namespace loewner {
namespace {

constexpr std::array<std::string_view, 1> kResiduals = {"codes"};
constexpr const char* kResidual = "residual";

Index index_at(const Archetypes::Shape& shape, const std::vector<std::uint8_t>& indices, Index at) {
  if (shape.index_bytes() == 1) return indices[at];
  return indices[2 * at] | Index{indices[2 * at + 1]} << 8;
}

void require_counts(const Archetypes::Shape& shape) {
  if (shape.rows < 1 || shape.cols < 1) throw IoError("specification: rows and cols must be at least 1");
  if (shape.count < 1 || shape.count > Archetypes::kMostArchetypes) {
    throw IoError("specification: archetypes must be in [1, 65536], got " + std::to_string(shape.count));
  }
  if (shape.per_row < 1 || shape.per_row > Archetypes::kMostPerRow) {
    throw IoError("specification: per_row must be in [1, 255], got " + std::to_string(shape.per_row));
  }
}

void require_indices(const Archetypes::Shape& shape, const std::vector<std::uint8_t>& indices) {
  for (Index at = 0; at < shape.rows * shape.per_row; ++at) {
    if (index_at(shape, indices, at) < shape.count) continue;
    throw IoError("array 'indices': row " + std::to_string(at / shape.per_row) + " must have indices below " +
                  std::to_string(shape.count) + ", got " + std::to_string(index_at(shape, indices, at)));
  }
}

void require_convex(const Archetypes::Shape& shape, const std::vector<std::uint8_t>& weights) {
  for (Index i = 0; i < shape.rows; ++i) {
    const auto row = weights.begin() + i * shape.per_row;
    const int sum = std::accumulate(row, row + shape.per_row, 0);
    if (sum == Archetypes::kWeightSum) continue;
    throw IoError("array 'weights': row " + std::to_string(i) + " must add up to " +
                  std::to_string(Archetypes::kWeightSum) + ", got " + std::to_string(sum));
  }
}

// Rounds shares to integers with the given sum by largest remainders.
void round_to_sum(std::span<const double> shares, int sum, std::span<std::uint8_t> out) {
  std::vector<double> lost(shares.size());
  int left = sum;
  for (std::size_t m = 0; m < shares.size(); ++m) {
    out[m] = static_cast<std::uint8_t>(shares[m] * sum);
    lost[m] = shares[m] * sum - out[m];
    left -= out[m];
  }
  for (; left > 0; --left) {
    const auto most = std::ranges::max_element(lost) - lost.begin();
    ++out[static_cast<std::size_t>(most)];
    lost[static_cast<std::size_t>(most)] -= 1;
  }
}

// Indices and weights of all rows; unused places have index 0 and weight 0.
void fill_mixtures(const ConvexCodes& codes, const Archetypes::Shape& shape, Archetypes::Arrays& arrays) {
  arrays.indices.assign(static_cast<std::size_t>(shape.rows * shape.per_row * shape.index_bytes()), 0);
  arrays.weights.assign(static_cast<std::size_t>(shape.rows * shape.per_row), 0);
  for (Index i = 0; i < shape.rows; ++i) {
    const auto first = codes.row_offsets[i], used = codes.row_offsets[i + 1] - first;
    const Index at = i * shape.per_row;
    round_to_sum(std::span(codes.weights).subspan(first, used), Archetypes::kWeightSum,
                 std::span(arrays.weights).subspan(at, used));
    for (Index m = 0; m < used; ++m) {
      const auto index = static_cast<unsigned>(codes.columns[first + m]);
      for (Index byte = 0; byte < shape.index_bytes(); ++byte) {
        arrays.indices[(at + m) * shape.index_bytes() + byte] = static_cast<std::uint8_t>(index >> 8 * byte);
      }
    }
  }
}

std::vector<std::uint16_t> halves_of(MatrixView<const float> values) {
  std::vector<std::uint16_t> halves;
  for (Index i = 0; i < values.rows(); ++i) {
    for (const float x : values.row(i)) halves.push_back(float_to_half(x));
  }
  return halves;
}

Matrix<float> widened(const std::vector<std::uint16_t>& halves, Index rows, Index cols) {
  Matrix<float> values = Matrix<float>::uninitialized(rows, cols);
  std::ranges::transform(halves, values.data(), half_to_float);
  return values;
}

// Least-squares scales <q, x> / <q, q> for the rows q of the mixtures with scale 1.
std::vector<double> best_scales(const RowSource& a, const RowSource& mixtures) {
  std::vector<double> scales(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    Matrix<float> buffer;
    const auto q = mixtures.read_rows(first, rows.rows(), buffer);
    for (Index i = 0; i < rows.rows(); ++i) {
      const auto dot = [&](std::span<const float> x, std::span<const float> y) {
        return detail::lane_sum(a.cols(), [&](Index j) { return static_cast<double>(x[j]) * y[j]; });
      };
      const double length = dot(q.row(i), q.row(i));
      scales[first + i] = length > 0 ? dot(q.row(i), rows.row(i)) / length : 0.0;
    }
  });
  return scales;
}

}  // namespace

Archetypes::Archetypes(const Shape& shape, Arrays arrays, std::unique_ptr<EncodedMatrix> residual)
    : shape_(shape),
      arrays_(std::make_shared<const Arrays>(std::move(arrays))),
      archetypes_(widened(arrays_->archetypes, shape.count, shape.cols)),
      residual_(std::move(residual)) {
  require(residual_ == nullptr || (residual_->rows() == rows() && residual_->cols() == cols()),
          [] { return std::string("Archetypes: the residual must have the shape of the matrix"); });
}

std::unique_ptr<Archetypes> Archetypes::with_residual(std::unique_ptr<EncodedMatrix> residual) const {
  return std::make_unique<Archetypes>(shape_, *arrays_, std::move(residual));
}

std::unique_ptr<EncodedMatrix> Archetypes::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Shape shape{.rows = detail::size_field(spec, "rows"),
                    .cols = detail::size_field(spec, "cols"),
                    .count = detail::size_field(spec, "archetypes"),
                    .per_row = detail::size_field(spec, "per_row"),
                    .scale_exponent = detail::exponent_field(spec)};
  require_counts(shape);
  Arrays arrays;
  arrays.archetypes = detail::read_stored<std::uint16_t>(lookup("archetypes"), DType::f16, shape.count, shape.cols);
  detail::require_finite_halves(arrays.archetypes, "archetypes");
  arrays.indices =
      detail::read_stored<std::uint8_t>(lookup("indices"), DType::u8, shape.rows, shape.per_row * shape.index_bytes());
  require_indices(shape, arrays.indices);
  arrays.weights = detail::read_stored<std::uint8_t>(lookup("weights"), DType::u8, shape.rows, shape.per_row);
  require_convex(shape, arrays.weights);
  arrays.scales = detail::read_stored<std::uint16_t>(lookup("scales"), DType::f16, shape.rows);
  detail::require_finite_halves(arrays.scales, "scales");
  std::unique_ptr<EncodedMatrix> residual;
  if (spec.contains(kResidual)) {
    residual = detail::nested_matrix(spec, kResidual, kResiduals, lookup);
    if (residual->rows() != shape.rows || residual->cols() != shape.cols) {
      throw IoError("specification: the residual of archetypes must be rows x cols");
    }
  }
  return std::make_unique<Archetypes>(shape, std::move(arrays), std::move(residual));
}

std::vector<StoredArray> Archetypes::to_tensors() const {
  const auto part = [&](auto member) {
    return std::shared_ptr<const std::remove_cvref_t<decltype((*arrays_).*member)>>(arrays_, &((*arrays_).*member));
  };
  std::vector<StoredArray> arrays = {
      detail::stored_bytes("archetypes", DType::f16, part(&Arrays::archetypes), shape_.cols),
      detail::stored_bytes("indices", DType::u8, part(&Arrays::indices), shape_.per_row * shape_.index_bytes()),
      detail::stored_bytes("weights", DType::u8, part(&Arrays::weights), shape_.per_row),
      detail::stored_bytes("scales", DType::f16, part(&Arrays::scales))};
  if (residual_ != nullptr) detail::add_nested_arrays(*residual_, kResidual, arrays);
  return arrays;
}

Json Archetypes::spec_fields() const {
  Json fields = {{"archetypes", shape_.count}, {"per_row", shape_.per_row}, {"scale_exponent", shape_.scale_exponent}};
  if (residual_ != nullptr) fields[kResidual] = residual_->spec();
  return fields;
}

void Archetypes::add_mixture(Index row, std::span<float> out) const {
  std::vector<float> sum(out.size(), 0.0F);
  for (Index at = row * shape_.per_row; at < (row + 1) * shape_.per_row; ++at) {
    if (arrays_->weights[at] == 0) continue;
    const auto weight = static_cast<float>(arrays_->weights[at]);
    const auto archetype = archetypes_.row(index_at(shape_, arrays_->indices, at));
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weight * archetype[j];
  }
  const float scale = std::ldexp(half_to_float(arrays_->scales[row]), shape_.scale_exponent) / float{kWeightSum};
  for (std::size_t j = 0; j < sum.size(); ++j) out[j] += scale * sum[j];
}

MatrixView<const float> Archetypes::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  std::fill_n(buffer.data(), count * cols(), 0.0F);
  if (residual_ != nullptr) {
    Matrix<float> own;
    const auto rest = residual_->read_rows(first, count, own);
    for (Index i = 0; i < count; ++i) std::ranges::copy(rest.row(i), buffer.row(i).begin());
  }
  for (Index i = 0; i < count; ++i) add_mixture(first + i, buffer.row(i));
  return std::as_const(buffer).view();
}

void Archetypes::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  constexpr Index kRowsPerTask = 256;
  if (residual_ != nullptr) residual_->decode_rows(indices, out);
  const auto count = static_cast<Index>(indices.size());
  parallel_for((count + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
    for (Index i = task * kRowsPerTask; i < std::min(count, (task + 1) * kRowsPerTask); ++i) {
      if (residual_ == nullptr) std::ranges::fill(out.row(i), 0.0F);
      add_mixture(indices[i], out.row(i));
    }
  });
}

std::unique_ptr<Archetypes> encode_archetypes(const RowSource& a, MatrixView<const float> archetypes, Index per_row) {
  Archetypes::Shape shape{.rows = a.rows(), .cols = a.cols(), .count = archetypes.rows(), .per_row = per_row};
  require(shape.count >= 1 && shape.count <= Archetypes::kMostArchetypes && archetypes.cols() == a.cols(), [&] {
    return "encode_archetypes: archetypes must be 1 to 65536 rows of " + std::to_string(a.cols()) + " columns, got " +
           std::to_string(archetypes.rows()) + " x " + std::to_string(archetypes.cols());
  });
  require(per_row >= 1 && per_row <= Archetypes::kMostPerRow,
          [&] { return "encode_archetypes: per_row must be in [1, 255], got " + std::to_string(per_row); });
  Archetypes::Arrays arrays;
  arrays.archetypes = halves_of(archetypes);
  const Matrix<float> rounded = widened(arrays.archetypes, shape.count, shape.cols);
  Matrix<double> vertices = Matrix<double>::uninitialized(shape.count, shape.cols);
  std::copy_n(rounded.data(), shape.count * shape.cols, vertices.data());
  fill_mixtures(convex_code(vertices.view(), RowMatrix(a), {.sparsity = per_row, .scaled = true}), shape, arrays);
  arrays.scales.assign(static_cast<std::size_t>(shape.rows), float_to_half(1.0F));
  const Archetypes mixtures(shape, arrays, nullptr);
  auto scales = detail::half_scales(best_scales(a, mixtures));
  arrays.scales = std::move(scales.halves);
  shape.scale_exponent = scales.exponent;
  return std::make_unique<Archetypes>(shape, std::move(arrays), nullptr);
}

}  // namespace loewner
