// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/codes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "detail/lane_sum.hpp"
#include "detail/row_weights.hpp"
#include "detail/spec_field.hpp"
#include "detail/stored_bytes.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/bit_allocation.hpp"
#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerAnchor = 32;
constexpr int kLargestHalfExponent = 15;  // halves end at 65504, just below 2^16

std::vector<double> energies_of(const RowSource& a, std::span<const double> row_weights) {
  std::vector<double> energies(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      const auto row = rows.row(i);
      const double norm = detail::lane_sum(rows.cols(), [&](Index j) { return static_cast<double>(row[j]) * row[j]; });
      energies[first + i] = (row_weights.empty() ? 1.0 : row_weights[first + i]) * norm;
    }
  });
  return energies;
}

BitAllocation allocation_of(const RowSource& a, std::span<const double> row_weights) {
  return BitAllocation(energies_of(a, row_weights), kTrellisDistortion);
}

// How many row bits the bytes pay for; -1 when not even none.
Index row_bits_within(Index rows, Index cols, Index most, Index max_bytes) {
  if (Codes::bytes_at(rows, cols, most, false) <= max_bytes) return most;
  return std::min(most, (max_bytes - Codes::bytes_at(rows, cols, 0, true)) / std::max<Index>(1, (cols + 7) / 8));
}

double dot(std::span<const float> a, std::span<const float> b) {
  return detail::lane_sum(static_cast<Index>(a.size()), [&](Index j) { return static_cast<double>(a[j]) * b[j]; });
}

// Weighted sum of the rows of 0 bits, in row order.
std::vector<double> shared_sum(const RowSource& a, std::span<const double> row_weights,
                               const std::vector<std::uint8_t>& bits) {
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(num_row_blocks(a)));
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    auto& sum = parts[block];
    sum.assign(static_cast<std::size_t>(a.cols()), 0.0);
    for (Index i = 0; i < rows.rows(); ++i) {
      if (bits[first + i] != 0) continue;
      const double weight = row_weights.empty() ? 1.0 : row_weights[first + i];
      for (Index j = 0; j < a.cols(); ++j) sum[j] += weight * static_cast<double>(rows(i, j));
    }
  });
  std::vector<double> total(static_cast<std::size_t>(a.cols()), 0.0);
  for (const auto& part : parts) {
    for (std::size_t j = 0; j < total.size(); ++j) total[j] += part[j];
  }
  return total;
}

// The direction of the shared sum, in halves, of root mean square 1.
std::vector<std::uint16_t> shared_row(const std::vector<double>& sum) {
  double norm = 0;
  for (const double x : sum) norm += x * x;
  const double scale = norm > 0 ? std::sqrt(static_cast<double>(sum.size()) / norm) : 0.0;
  std::vector<std::uint16_t> row;
  for (const double x : sum) row.push_back(float_to_half(static_cast<float>(scale * x)));
  return row;
}

std::vector<float> widened_halves(const std::vector<std::uint16_t>& halves) {
  std::vector<float> values;
  for (const std::uint16_t h : halves) values.push_back(half_to_float(h));
  return values;
}

// A row's scale by least squares: <q, x> / <q, q>.
double best_scale(std::span<const float> x, std::span<const float> q) {
  const double length = dot(q, q);
  return length > 0 ? dot(q, x) / length : 0.0;
}

// Rotated rows of one bit width at a time share a quantiser.
class RowEncoder {
 public:
  RowEncoder(const Rotation& rotation, std::span<const float> shared) : rotation_(rotation), shared_(shared) {
    rotated_.resize(static_cast<std::size_t>(rotation.cols()));
    unit_ = rotated_;
    decoded_ = rotated_;
  }

  // Writes the row's planes and returns its scale.
  double encode(std::span<const float> row, int bits, std::uint8_t* planes) {
    if (bits == 0) return best_scale(row, shared_);
    std::ranges::copy(row, rotated_.begin());
    rotation_.apply(rotated_);
    const double size = std::sqrt(dot(rotated_, rotated_) / static_cast<double>(rotated_.size()));
    const auto inverse = size > 0 ? static_cast<float>(1 / size) : 0.0F;
    std::ranges::transform(rotated_, unit_.begin(), [&](float x) { return inverse * x; });
    quantizer(bits).encode(unit_, planes);
    decode_trellis(planes, bits, decoded_);
    return best_scale(rotated_, decoded_);
  }

 private:
  TrellisQuantizer& quantizer(int bits) {
    auto& quantizer = quantizers_[static_cast<std::size_t>(bits)];
    if (quantizer == nullptr) quantizer = std::make_unique<TrellisQuantizer>(rotation_.cols(), bits);
    return *quantizer;
  }

  const Rotation& rotation_;
  std::span<const float> shared_;
  std::vector<float> rotated_, unit_, decoded_;
  std::array<std::unique_ptr<TrellisQuantizer>, kMaxCodeBits + 1> quantizers_;
};

// The power of two that brings the largest scale just below the largest half.
int exponent_of(const std::vector<double>& scales) {
  double largest = 0;
  for (const double scale : scales) largest = std::max(largest, std::abs(scale));
  return largest > 0 ? std::ilogb(largest) + 1 - kLargestHalfExponent : 0;
}

std::vector<Index> offsets_of(const std::vector<std::uint8_t>& bits, Index cols) {
  std::vector<Index> offsets{0};
  for (const std::uint8_t b : bits) offsets.push_back(offsets.back() + TrellisQuantizer::bytes(cols, b));
  return offsets;
}

}  // namespace

Codes::Codes(Index cols, std::uint64_t seed, int scale_exponent, Arrays arrays)
    : rotation_(cols, seed),
      seed_(seed),
      scale_exponent_(scale_exponent),
      arrays_(std::move(arrays)),
      shared_row_(widened_halves(arrays_.shared)) {
  Index offset = 0;
  for (Index i = 0; i < rows(); ++i) {
    if (i % kRowsPerAnchor == 0) anchors_.push_back(offset);
    offset += TrellisQuantizer::bytes(cols, arrays_.bits[i]);
  }
}

Index Codes::bytes_at(Index rows, Index cols, Index row_bits, bool shared) {
  return row_bits * ((cols + 7) / 8) + 2 * rows + (rows + 1) / 2 + (shared ? 2 * cols : 0);
}

double Codes::mean_bits() const {
  double sum = 0;
  for (const std::uint8_t b : arrays_.bits) sum += b;
  return sum / static_cast<double>(rows());
}

Index Codes::offset_of(Index row) const {
  const Index anchor = row / kRowsPerAnchor;
  Index row_bits = 0;
  for (Index i = anchor * kRowsPerAnchor; i < row; ++i) row_bits += arrays_.bits[i];
  return anchors_[anchor] + row_bits * TrellisQuantizer::bytes(cols(), 1);
}

void Codes::decode_row(Index row, const std::uint8_t* planes, std::span<float> out) const {
  const int bits = arrays_.bits[row];
  const float scale = std::ldexp(half_to_float(arrays_.scales[row]), scale_exponent_);
  if (bits == 0) {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * shared_row_[j];
    return;
  }
  decode_trellis(planes, bits, out);
  rotation_.apply_inverse(out, scale);
}

MatrixView<const float> Codes::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  if (count == 0) return std::as_const(buffer).view();
  const Index begin = offset_of(first);
  const Index end = offset_of(first + count - 1) + TrellisQuantizer::bytes(cols(), arrays_.bits[first + count - 1]);
  std::vector<std::uint8_t> planes(static_cast<std::size_t>(end - begin));
  arrays_.codes.read_rows(begin, end - begin, reinterpret_cast<std::byte*>(planes.data()));
  Index offset = 0;
  for (Index i = 0; i < count; ++i) {
    decode_row(first + i, planes.data() + offset, buffer.row(i));
    offset += TrellisQuantizer::bytes(cols(), arrays_.bits[first + i]);
  }
  return std::as_const(buffer).view();
}

void Codes::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  constexpr Index kRowsPerTask = 256;
  const auto count = static_cast<Index>(indices.size());
  parallel_for((count + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
    std::vector<std::uint8_t> planes(static_cast<std::size_t>(TrellisQuantizer::bytes(cols(), kMaxCodeBits)));
    for (Index i = task * kRowsPerTask; i < std::min(count, (task + 1) * kRowsPerTask); ++i) {
      const Index size = TrellisQuantizer::bytes(cols(), arrays_.bits[indices[i]]);
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
                                     detail::stored_bytes("scales", DType::f16, arrays_.scales)};
  if (!arrays_.shared.empty()) arrays.push_back(detail::stored_bytes("shared", DType::f16, arrays_.shared));
  return arrays;
}

Json Codes::spec_fields() const {
  return {{"rotation_seed", seed_},
          {"scale_exponent", scale_exponent_},
          {"code_bytes", arrays_.codes.rows},
          {"has_shared", !arrays_.shared.empty()}};
}

std::unique_ptr<EncodedMatrix> Codes::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  const auto exponent = detail::spec_field<int>(spec, "scale_exponent");
  const auto seed = detail::spec_field<Json>(spec, "rotation_seed");
  if (!seed.is_number_unsigned()) throw IoError("specification: rotation_seed must be an integer in [0, 2^64)");
  const bool has_shared = detail::spec_field<bool>(spec, "has_shared");
  if (rows < 1 || cols < 1) throw IoError("specification: rows and cols must be at least 1");
  if (std::abs(exponent) > 200) throw IoError("specification: scale_exponent must be in [-200, 200]");
  Arrays arrays;
  const auto packed = detail::read_stored<std::uint8_t>(lookup("bits"), DType::u8, (rows + 1) / 2);
  for (Index i = 0; i < rows; ++i) arrays.bits.push_back(packed[i / 2] >> 4 * (i % 2) & 15u);
  if (rows % 2 == 1 && packed.back() >> 4 != 0) throw IoError("array 'bits': the unused half byte must be 0");
  const auto bad = std::ranges::find_if(arrays.bits, [](int b) { return b > kMaxCodeBits; });
  if (bad != arrays.bits.end()) {
    throw IoError("array 'bits': row " + std::to_string(bad - arrays.bits.begin()) + " must have at most " +
                  std::to_string(kMaxCodeBits) + " bits, got " + std::to_string(*bad));
  }
  arrays.scales = detail::read_stored<std::uint16_t>(lookup("scales"), DType::f16, rows);
  detail::require_finite_halves(arrays.scales, "scales");
  if (has_shared) {
    arrays.shared = detail::read_stored<std::uint16_t>(lookup("shared"), DType::f16, cols);
    detail::require_finite_halves(arrays.shared, "shared");
  } else if (std::ranges::find(arrays.bits, 0) != arrays.bits.end()) {
    throw IoError("array 'bits': rows of 0 bits need the array 'shared'");
  }
  arrays.codes = lookup("codes");
  detail::require_stored(arrays.codes, DType::u8, offsets_of(arrays.bits, cols).back());
  if (arrays.codes.rows != detail::size_field(spec, "code_bytes")) {
    throw IoError("specification: code_bytes must be the length of the array 'codes'");
  }
  return std::make_unique<Codes>(cols, seed.get<std::uint64_t>(), exponent, std::move(arrays));
}

std::unique_ptr<Codes> encode_codes(const RowSource& a, const CodesOptions& options) {
  detail::require_row_weights(options.row_weights, a.rows(), "encode_codes");
  require_finite(a, "encode_codes: the matrix");
  const BitAllocation allocation = allocation_of(a, options.row_weights);
  const Index spent = row_bits_within(a.rows(), a.cols(), allocation.most(), options.max_bytes);
  if (spent < 0) {
    throw BudgetError("codes take at least " + std::to_string(Codes::bytes_at(a.rows(), a.cols(), 0, true)) +
                      " bytes, the budget leaves " + std::to_string(options.max_bytes));
  }
  Codes::Arrays arrays;
  arrays.bits = allocation.bits(spent);
  if (std::ranges::find(arrays.bits, 0) != arrays.bits.end()) {
    arrays.shared = shared_row(shared_sum(a, options.row_weights, arrays.bits));
  }
  const auto shared = widened_halves(arrays.shared);
  const auto offsets = offsets_of(arrays.bits, a.cols());
  const Rotation rotation(a.cols(), options.seed);
  auto planes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets.back()));
  std::vector<double> scales(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    RowEncoder encoder(rotation, shared);
    for (Index i = 0; i < rows.rows(); ++i) {
      const Index row = first + i;
      scales[row] = encoder.encode(rows.row(i), arrays.bits[row], planes->data() + offsets[row]);
    }
  });
  const int exponent = exponent_of(scales);
  for (const double scale : scales) {
    arrays.scales.push_back(float_to_half(static_cast<float>(std::ldexp(scale, -exponent))));
  }
  arrays.codes = detail::stored_bytes("codes", DType::u8, std::move(planes));
  return std::make_unique<Codes>(a.cols(), options.seed, exponent, std::move(arrays));
}

std::vector<CodesRate> codes_curve(const RowSource& a, std::span<const double> row_weights, int points) {
  const BitAllocation allocation = allocation_of(a, row_weights);
  const double total = allocation.errors().front();
  std::vector<CodesRate> curve;
  for (int k = 0; k <= points; ++k) {
    const Index spent = allocation.most() * k / points;
    const double error = total > 0 ? allocation.errors()[spent] / total : 0.0;
    curve.push_back({Codes::bytes_at(a.rows(), a.cols(), spent, spent < allocation.most()), error});
  }
  return curve;
}

}  // namespace loewner
