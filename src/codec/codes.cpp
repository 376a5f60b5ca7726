// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/codes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include "base/lane_sum.hpp"
#include "codec/half_scales.hpp"
#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/row_weight_check.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/bit_allocation.hpp"
#include "loewner/codec/trellis_quantizer.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerAnchor = 32;
constexpr Index kMostColsInBands = 1 << 20;

BitAllocation allocation_of(std::span<const double> energies, const CodeLadder& ladder) {
  std::vector<Index> prices;
  for (std::size_t step = 0; step < ladder.steps().size(); ++step)
    prices.push_back(ladder.bytes(static_cast<int>(step)));
  return {energies, ladder.distortion(), prices};
}

// What the bytes pay for; nothing when not even all rows on step 0.
std::optional<BitAllocation::Spent> spent_within(const BitAllocation& allocation, Index rows, Index cols,
                                                 Index max_bytes) {
  if (Codes::bytes_at(rows, cols, allocation.most_price(), false) <= max_bytes) {
    return allocation.within(allocation.most_price());
  }
  const Index rest = max_bytes - Codes::bytes_at(rows, cols, 0, true);
  if (rest < allocation.least_price()) return {};
  return allocation.within(rest);
}

double dot(std::span<const float> a, std::span<const float> b) {
  return detail::lane_sum(static_cast<Index>(a.size()), [&](Index j) { return static_cast<double>(a[j]) * b[j]; });
}

// Weighted sum of the rows on step 0, in row order.
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
  row.reserve(sum.size());
  for (const double x : sum) row.push_back(float_to_half(static_cast<float>(scale * x)));
  return row;
}

std::vector<float> widened_halves(const std::vector<std::uint16_t>& halves) {
  std::vector<float> values;
  values.reserve(halves.size());
  for (const std::uint16_t h : halves) values.push_back(half_to_float(h));
  return values;
}

// A row's scale by least squares: <q, x> / <q, q>.
double best_scale(std::span<const float> x, std::span<const float> q) {
  const double length = dot(q, q);
  return length > 0 ? dot(q, x) / length : 0.0;
}

std::vector<Rotation> rotations_of(const CodeLadder& ladder, std::uint64_t seed) {
  std::vector<Rotation> rotations;
  for (const auto& band : ladder.bands()) rotations.emplace_back(band.cols, seed + rotations.size());
  return rotations;
}

// Calls body(band, first column, bits, the band's planes) for the bands of a row that have bits.
template <typename Body>
void for_each_coded_band(const CodeLadder& ladder, int step, Body&& body) {
  Index first = 0, offset = 0;
  for (std::size_t g = 0; g < ladder.bands().size(); ++g) {
    const int bits = ladder.steps()[static_cast<std::size_t>(step)][g];
    const Index cols = ladder.bands()[g].cols;
    if (bits > 0) body(g, first, bits, offset);
    first += cols;
    offset += TrellisQuantizer::bytes(cols, bits);
  }
}

// Encodes rows one by one; quantisers are kept for the next.
class RowEncoder {
 public:
  RowEncoder(const CodeLadder& ladder, std::span<const Rotation> rotations, std::span<const float> shared)
      : ladder_(ladder), rotations_(rotations), shared_(shared), quantizers_(ladder.bands().size()) {
    rotated_.resize(static_cast<std::size_t>(ladder.cols()));
    unit_ = rotated_;
    decoded_ = rotated_;
  }

  // Writes the row's planes and returns its scale.
  double encode(std::span<const float> row, int step, std::uint8_t* planes) {
    if (step == 0) return best_scale(row, shared_);
    const double scale = rotate(row, step);
    double product = 0, length = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols), unit = part(unit_, first, band.cols),
                 q = part(decoded_, first, band.cols);
      const double size = scale * static_cast<double>(band.size);
      const auto inverse = size > 0 ? static_cast<float>(1 / size) : 0.0F;
      std::ranges::transform(x, unit.begin(), [&](float entry) { return inverse * entry; });
      quantizer(g, bits).encode(unit, planes + offset);
      decode_trellis(planes + offset, bits, q);
      product += static_cast<double>(band.size) * dot(q, x);
      length += static_cast<double>(band.size) * static_cast<double>(band.size) * dot(q, q);
    });
    return length > 0 ? product / length : 0.0;
  }

 private:
  static std::span<float> part(std::vector<float>& values, Index first, Index count) {
    return std::span(values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }

  // Rotates the coded bands and returns the root mean square of their entries over the bands' sizes.
  double rotate(std::span<const float> row, int step) {
    double energy = 0, expected = 0;
    for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int, Index) {
      const auto band = ladder_.bands()[g];
      const auto x = part(rotated_, first, band.cols);
      std::copy_n(row.begin() + first, band.cols, x.begin());
      rotations_[g].apply(x);
      energy += dot(x, x);
      expected += static_cast<double>(band.cols) * static_cast<double>(band.size) * static_cast<double>(band.size);
    });
    return expected > 0 ? std::sqrt(energy / expected) : 0.0;
  }

  TrellisQuantizer& quantizer(std::size_t band, int bits) {
    auto& quantizer = quantizers_[band][static_cast<std::size_t>(bits)];
    if (quantizer == nullptr) quantizer = std::make_unique<TrellisQuantizer>(ladder_.bands()[band].cols, bits);
    return *quantizer;
  }

  const CodeLadder& ladder_;
  std::span<const Rotation> rotations_;
  std::span<const float> shared_;
  std::vector<float> rotated_, unit_, decoded_;
  std::vector<std::array<std::unique_ptr<TrellisQuantizer>, kMaxCodeBits + 1>> quantizers_;
};

std::vector<Index> offsets_of(const std::vector<std::uint8_t>& steps, const CodeLadder& ladder) {
  std::vector<Index> offsets{0};
  for (const std::uint8_t step : steps) offsets.push_back(offsets.back() + ladder.bytes(step));
  return offsets;
}

// A plain ladder goes without saying.
Json ladder_to_json(const CodeLadder& ladder) {
  Json fields = Json::object();
  if (ladder.is_plain()) return fields;
  for (const auto& band : ladder.bands()) {
    fields["band_cols"].push_back(band.cols);
    fields["band_sizes"].push_back(band.size);
  }
  fields["band_bits"] = ladder.steps();
  return fields;
}

CodeLadder ladder_from_json(const Json& spec, Index cols) {
  if (!spec.contains("band_cols")) return CodeLadder::plain(cols);
  // Columns without bits take no bytes, so the size of the arrays does not bound their number.
  if (cols > kMostColsInBands) {
    throw IoError("specification: cols of codes in bands must be at most " + std::to_string(kMostColsInBands));
  }
  const auto band_cols = detail::spec_field<std::vector<Index>>(spec, "band_cols");
  const auto sizes = detail::spec_field<std::vector<float>>(spec, "band_sizes");
  const auto bits = detail::spec_field<std::vector<std::vector<int>>>(spec, "band_bits");
  if (sizes.size() != band_cols.size()) throw IoError("specification: band_sizes must be as many as band_cols");
  std::vector<CodeLadder::Band> bands;
  for (std::size_t g = 0; g < sizes.size(); ++g) bands.push_back({band_cols[g], sizes[g]});
  CodeLadder::Steps steps;
  for (const auto& step : bits) {
    auto& numbers = steps.emplace_back();
    for (const int b : step) numbers.push_back(static_cast<std::uint8_t>(std::clamp(b, 0, 255)));
  }
  try {
    CodeLadder ladder(std::move(bands), std::move(steps));
    if (ladder.cols() != cols) throw IoError("specification: band_cols must add up to cols");
    return ladder;
  } catch (const InvalidArgument& error) {
    throw IoError("specification: " + std::string(error.what()));
  }
}

}  // namespace

Codes::Codes(CodeLadder ladder, std::uint64_t seed, int scale_exponent, Arrays arrays)
    : ladder_(std::move(ladder)),
      rotations_(rotations_of(ladder_, seed)),
      seed_(seed),
      scale_exponent_(scale_exponent),
      arrays_(std::move(arrays)),
      shared_row_(widened_halves(arrays_.shared)) {
  Index offset = 0;
  for (Index i = 0; i < rows(); ++i) {
    if (i % kRowsPerAnchor == 0) anchors_.push_back(offset);
    offset += ladder_.bytes(arrays_.bits[i]);
  }
}

Index Codes::bytes_at(Index rows, Index cols, Index code_bytes, bool shared) {
  return code_bytes + 2 * rows + (rows + 1) / 2 + (shared ? 2 * cols : 0);
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

void Codes::decode_row(Index row, const std::uint8_t* planes, std::span<float> out) const {
  const int step = arrays_.bits[row];
  const float scale = std::ldexp(half_to_float(arrays_.scales[row]), scale_exponent_);
  if (step == 0) {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * shared_row_[j];
    return;
  }
  if (ladder_.bands().size() > 1) std::ranges::fill(out, 0.0F);
  for_each_coded_band(ladder_, step, [&](std::size_t g, Index first, int bits, Index offset) {
    const auto band = out.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rotations_[g].cols()));
    decode_trellis(planes + offset, bits, band);
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
                                     detail::stored_bytes("scales", DType::f16, arrays_.scales)};
  if (!arrays_.shared.empty()) arrays.push_back(detail::stored_bytes("shared", DType::f16, arrays_.shared));
  return arrays;
}

Json Codes::spec_fields() const {
  Json fields = {{"rotation_seed", seed_},
                 {"scale_exponent", scale_exponent_},
                 {"code_bytes", arrays_.codes.rows},
                 {"has_shared", !arrays_.shared.empty()}};
  fields.update(ladder_to_json(ladder_));
  return fields;
}

std::unique_ptr<EncodedMatrix> Codes::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  const auto exponent = detail::spec_field<int>(spec, "scale_exponent");
  const auto seed = detail::spec_field<Json>(spec, "rotation_seed");
  if (!seed.is_number_unsigned()) throw IoError("specification: rotation_seed must be an integer in [0, 2^64)");
  const bool has_shared = detail::spec_field<bool>(spec, "has_shared");
  if (rows < 1 || cols < 1) throw IoError("specification: rows and cols must be at least 1");
  if (std::abs(exponent) > 200) throw IoError("specification: scale_exponent must be in [-200, 200]");
  CodeLadder ladder = ladder_from_json(spec, cols);
  const auto highest = static_cast<int>(ladder.steps().size()) - 1;
  Arrays arrays;
  const auto packed = detail::read_stored<std::uint8_t>(lookup("bits"), DType::u8, (rows + 1) / 2);
  for (Index i = 0; i < rows; ++i) arrays.bits.push_back(packed[i / 2] >> 4 * (i % 2) & 15u);
  if (rows % 2 == 1 && packed.back() >> 4 != 0) throw IoError("array 'bits': the unused half byte must be 0");
  const auto bad = std::ranges::find_if(arrays.bits, [&](int step) { return step > highest; });
  if (bad != arrays.bits.end()) {
    throw IoError("array 'bits': row " + std::to_string(bad - arrays.bits.begin()) + " must have at most " +
                  std::to_string(highest) + " bits, got " + std::to_string(*bad));
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
  detail::require_stored(arrays.codes, DType::u8, offsets_of(arrays.bits, ladder).back());
  if (arrays.codes.rows != detail::size_field(spec, "code_bytes")) {
    throw IoError("specification: code_bytes must be the length of the array 'codes'");
  }
  return std::make_unique<Codes>(std::move(ladder), seed.get<std::uint64_t>(), exponent, std::move(arrays));
}

std::unique_ptr<Codes> encode_codes(const RowSource& a, const CodesOptions& options) {
  detail::require_row_weights(options.row_weights, a.rows(), "encode_codes");
  const CodeLadder ladder = options.ladder.value_or(CodeLadder::plain(a.cols()));
  require(ladder.cols() == a.cols(), [&] {
    return "encode_codes: the ladder must have " + std::to_string(a.cols()) + " columns, got " +
           std::to_string(ladder.cols());
  });
  require_finite(a, "encode_codes: the matrix");
  const BitAllocation allocation = allocation_of(row_energies(a, options.row_weights), ladder);
  const auto spent = spent_within(allocation, a.rows(), a.cols(), options.max_bytes);
  if (!spent) {
    throw BudgetError("codes take at least " + std::to_string(Codes::bytes_at(a.rows(), a.cols(), 0, true)) +
                      " bytes, the budget leaves " + std::to_string(options.max_bytes));
  }
  Codes::Arrays arrays;
  arrays.bits = allocation.steps(*spent);
  if (std::ranges::find(arrays.bits, 0) != arrays.bits.end()) {
    arrays.shared = shared_row(shared_sum(a, options.row_weights, arrays.bits));
  }
  const auto shared = widened_halves(arrays.shared);
  const auto offsets = offsets_of(arrays.bits, ladder);
  const auto rotations = rotations_of(ladder, options.seed);
  auto planes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets.back()));
  std::vector<double> scales(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    RowEncoder encoder(ladder, rotations, shared);
    for (Index i = 0; i < rows.rows(); ++i) {
      const Index row = first + i;
      scales[row] = encoder.encode(rows.row(i), arrays.bits[row], planes->data() + offsets[row]);
    }
  });
  auto halves = detail::half_scales(scales);
  arrays.scales = std::move(halves.halves);
  arrays.codes = detail::stored_bytes("codes", DType::u8, std::move(planes));
  return std::make_unique<Codes>(ladder, options.seed, halves.exponent, std::move(arrays));
}

std::vector<CodesRate> codes_curve(std::span<const double> energies, const CodeLadder& ladder, int points) {
  const BitAllocation allocation = allocation_of(energies, ladder);
  const Index least = allocation.least_price(), most = allocation.most_price();
  const double total = allocation.within(least).error;
  const auto rows = static_cast<Index>(energies.size());
  std::vector<CodesRate> curve;
  for (int k = 0; k <= points; ++k) {
    const auto spent = allocation.within(least + (most - least) * k / points);
    curve.push_back({.bytes = Codes::bytes_at(rows, ladder.cols(), spent.price, spent.price < most),
                     .error = total > 0 ? spent.error / total : 0.0,
                     .highest_step = spent.highest_step()});
  }
  return curve;
}

}  // namespace loewner
