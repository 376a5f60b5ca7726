// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/argument_check.hpp"
#include "codec/code_bands.hpp"
#include "codec/half_scales.hpp"
#include "codec/log_scales.hpp"
#include "codec/row_encoder.hpp"
#include "codec/row_steps.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"

namespace loewner {
namespace {

// The steps that these bytes pay for; nothing if they do not pay for step 0 of all rows.
std::optional<std::vector<std::uint8_t>> steps_within(const Matrix<double>& energies, const CodeLadder& ladder,
                                                      const CodesOptions& options) {
  const Index rows = energies.rows(), cols = ladder.cols();
  const Index rest = options.max_bytes - Codes::bytes_at(rows, cols, 0, true, options.form);
  if (ladder.bands().size() > 1) {
    if (rest < 0) return {};
    return detail::row_steps(energies.view(), ladder, rest);
  }
  const BitAllocation allocation =
      detail::allocation_of({energies.data(), static_cast<std::size_t>(energies.rows())}, ladder);
  if (Codes::bytes_at(rows, cols, allocation.most_price(), false, options.form) <= options.max_bytes) {
    return allocation.steps(allocation.within(allocation.most_price()));
  }
  if (rest < allocation.least_price()) return {};
  return allocation.steps(allocation.within(rest));
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
  require(!options.ladder || options.ladder->steps().size() <= CodeLadder::kMostStored,
          [] { return std::string("encode_codes: the ladder must have at most 16 steps"); });
}

// An upper bound of the scales of joined form, for rows whose bands have these weighted energies.
double largest_scale(const CodeLadder& ladder, const Matrix<double>& energies, std::span<const double> row_weights) {
  double least = static_cast<double>(ladder.cols());  // of the shared row
  for (std::size_t step = 1; step < ladder.steps().size(); ++step) {
    const double size = detail::size_of_coded_bands(ladder, static_cast<int>(step));
    if (size > 0) least = std::min(least, size);
  }
  double most = 0;
  for (Index i = 0; i < energies.rows(); ++i) {
    double energy = 0;
    for (const double band : energies.row(i)) energy += band;
    most = std::max(most, energy / (row_weights.empty() ? 1.0 : row_weights[i]));
  }
  return std::sqrt(most / least);
}

// The scales of the rows, in the order in which rows are encoded.
class RowScales {
 public:
  RowScales(const CodeLadder& ladder, const Matrix<double>& energies, const CodesOptions& options)
      : form_(options.form) {
    if (form_ == CodesForm::joined) {
      exponent_ = detail::log_scale_exponent(largest_scale(ladder, energies, options.row_weights));
      codes_.resize(static_cast<std::size_t>(energies.rows()));
    } else {
      scales_.resize(static_cast<std::size_t>(energies.rows()));
    }
  }

  /// The scale of a row on step 0.
  void set(Index row, double scale) {
    if (form_ == CodesForm::joined) codes_[row] = detail::log_scale_code(scale, exponent_);
    if (form_ == CodesForm::separate) scales_[row] = scale;
  }

  /// Encodes the row of the encoder on a step > 0.
  void encode(Index row, int step, detail::RowEncoder& encoder, std::uint8_t* planes) {
    const double root_mean_square = encoder.root_mean_square(step);
    if (form_ == CodesForm::separate) {
      scales_[row] = encoder.encode_bands(step, root_mean_square, planes);
      return;
    }
    codes_[row] = best_code(detail::log_scale_code(root_mean_square, exponent_), step, encoder);
    encoder.encode_joined(step, value_of(codes_[row]), planes);
  }

  /// Moves the scales into the arrays and returns their exponent.
  int store(Codes::Arrays& arrays) {
    if (form_ == CodesForm::joined) {
      arrays.log_scales = std::move(codes_);
      return exponent_;
    }
    auto halves = detail::half_scales(scales_);
    arrays.scales = std::move(halves.halves);
    return halves.exponent;
  }

 private:
  double value_of(std::uint8_t code) const { return static_cast<double>(detail::log_scale_value(code, exponent_)); }

  // The code of the root mean square, or a larger one if entries of the row lie beyond the last levels.
  std::uint8_t best_code(std::uint8_t least, int step, detail::RowEncoder& encoder) const {
    constexpr int kTried = 3 * detail::kLogScalesOfOctave;
    std::uint8_t best = least;
    double least_error = encoder.expected_error(step, value_of(least));
    for (int code = least + 1; code <= std::min(least + kTried, detail::kLargestLogScale); ++code) {
      const double error = encoder.expected_error(step, value_of(static_cast<std::uint8_t>(code)));
      if (error < least_error) {
        least_error = error;
        best = static_cast<std::uint8_t>(code);
      }
    }
    return best;
  }

  CodesForm form_;
  int exponent_ = 0;
  std::vector<std::uint8_t> codes_;
  std::vector<double> scales_;
};

// The encoding of 2^-exponent A, whose scales are multiplied by 2^exponent.
std::unique_ptr<Codes> encode_rows(const RowSource& a, int exponent, const CodesOptions& options) {
  const CodeLadder ladder = options.ladder.value_or(CodeLadder::plain(a.cols()));
  const Matrix<double> energies = detail::band_energies(a, ladder, options.row_weights);
  auto steps = steps_within(energies, ladder, options);
  if (!steps) {
    throw BudgetError("codes take at least " +
                      std::to_string(Codes::bytes_at(a.rows(), a.cols(), 0, true, options.form)) +
                      " bytes, the budget leaves " + std::to_string(options.max_bytes));
  }
  Codes::Arrays arrays;
  arrays.bits = std::move(*steps);
  if (std::ranges::find(arrays.bits, 0) != arrays.bits.end()) {
    arrays.shared = shared_row(shared_sum(a, options.row_weights, arrays.bits));
  }
  const auto shared = detail::widened_halves(arrays.shared);
  const auto offsets = detail::offsets_of(arrays.bits, ladder);
  const auto rotations = detail::rotations_of(ladder, options.seed);
  auto planes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets.back()));
  RowScales scales(ladder, energies, options);
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    detail::RowEncoder encoder(ladder);
    for (Index i = 0; i < rows.rows(); ++i) {
      const Index row = first + i;
      const int step = arrays.bits[row];
      if (step == 0) {
        scales.set(row, detail::best_scale(rows.row(i), shared));
        continue;
      }
      rotate_bands(ladder, rotations, step, rows.row(i), encoder.row());
      scales.encode(row, step, encoder, planes->data() + offsets[row]);
    }
  });
  const int scale_exponent = scales.store(arrays) + exponent;
  arrays.codes = detail::stored_bytes("codes", DType::u8, std::move(planes));
  return std::make_unique<Codes>(ladder, options.seed, scale_exponent, std::move(arrays));
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
