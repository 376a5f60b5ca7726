// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/argument_check.hpp"
#include "codec/code_bands.hpp"
#include "codec/half_scales.hpp"
#include "codec/row_encoder.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

// The steps that these bytes pay for; nothing if they do not pay for step 0 of all rows.
std::optional<BitAllocation::Spent> spent_within(const BitAllocation& allocation, Index rows, Index cols,
                                                 Index max_bytes) {
  if (Codes::bytes_at(rows, cols, allocation.most_price(), false) <= max_bytes) {
    return allocation.within(allocation.most_price());
  }
  const Index rest = max_bytes - Codes::bytes_at(rows, cols, 0, true);
  if (rest < allocation.least_price()) return {};
  return allocation.within(rest);
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

// The shared sum with root mean square 1, in halves.
std::vector<std::uint16_t> shared_row(const std::vector<double>& sum) {
  double norm = 0;
  for (const double x : sum) norm += x * x;
  const double scale = norm > 0 ? std::sqrt(static_cast<double>(sum.size()) / norm) : 0.0;
  std::vector<std::uint16_t> row;
  row.reserve(sum.size());
  for (const double x : sum) row.push_back(float_to_half(static_cast<float>(scale * x)));
  return row;
}

// Rotates the bands that have bits.
void rotate_bands(const CodeLadder& ladder, std::span<const Rotation> rotations, int step, std::span<const float> row,
                  std::span<float> rotated) {
  detail::for_each_coded_band(ladder, step, [&](std::size_t g, Index first, int, Index) {
    const Index cols = ladder.bands()[g].cols;
    std::copy_n(row.begin() + first, cols, rotated.begin() + first);
    rotations[g].apply(rotated.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(cols)));
  });
}

void require_usable(const RowSource& a, const CodesOptions& options) {
  detail::ArgumentCheck("encode_codes").row_weights(options.row_weights, a.rows());
  require(!options.ladder || options.ladder->cols() == a.cols(), [&] {
    return "encode_codes: the ladder must have " + std::to_string(a.cols()) + " columns, got " +
           std::to_string(options.ladder->cols());
  });
}

// The encoding of 2^-exponent A, whose scales are multiplied by 2^exponent.
std::unique_ptr<Codes> encode_rows(const RowSource& a, int exponent, const CodesOptions& options) {
  const CodeLadder ladder = options.ladder.value_or(CodeLadder::plain(a.cols()));
  const BitAllocation allocation = detail::allocation_of(row_energies(a, options.row_weights), ladder);
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
  const auto shared = detail::widened_halves(arrays.shared);
  const auto offsets = detail::offsets_of(arrays.bits, ladder);
  const auto rotations = detail::rotations_of(ladder, options.seed);
  auto planes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets.back()));
  std::vector<double> scales(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    detail::RowEncoder encoder(ladder);
    for (Index i = 0; i < rows.rows(); ++i) {
      const Index row = first + i;
      const int step = arrays.bits[row];
      if (step == 0) {
        scales[row] = detail::best_scale(rows.row(i), shared);
        continue;
      }
      rotate_bands(ladder, rotations, step, rows.row(i), encoder.row());
      scales[row] = encoder.encode(step, planes->data() + offsets[row]);
    }
  });
  auto halves = detail::half_scales(scales);
  arrays.scales = std::move(halves.halves);
  arrays.codes = detail::stored_bytes("codes", DType::u8, std::move(planes));
  return std::make_unique<Codes>(ladder, options.seed, halves.exponent + exponent, std::move(arrays));
}

}  // namespace

std::unique_ptr<Codes> encode_codes(const RowSource& a, const CodesOptions& options) {
  require_usable(a, options);
  constexpr int kOrdinary = 100;  // sums over a rotated row stay in float32, and so does the inverse of its size
  const double largest = detail::largest_magnitude(a, "encode_codes: the matrix");
  const int exponent = detail::input_exponent(largest, kOrdinary);
  if (exponent == 0) return encode_rows(a, 0, options);
  return encode_rows(detail::ScaledRows(a, exponent), exponent, options);
}

std::vector<CodesRate> codes_curve(std::span<const double> energies, const CodeLadder& ladder, int points) {
  const BitAllocation allocation = detail::allocation_of(energies, ladder);
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
