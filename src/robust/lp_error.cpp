// SPDX-License-Identifier: Apache-2.0
#include "loewner/robust/lp_error.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "detail/lane_sum.hpp"
#include "detail/row_weights.hpp"

namespace loewner {
namespace {

double square(float x) {
  return static_cast<double>(x) * static_cast<double>(x);
}

struct Powers {
  double squares = 0, powers = 0;
};

// sum_j x_j^2 and sum_j |x_j|^p for x_j = entry(j).
template <typename Entry>
Powers powers_of(Index count, double p, Entry&& entry) {
  Powers sums;
  sums.squares = detail::lane_sum(count, [&](Index j) { return square(entry(j)); });
  if (p == 2) {
    sums.powers = sums.squares;
  } else if (p == 1) {
    sums.powers = detail::lane_sum(count, [&](Index j) { return static_cast<double>(std::abs(entry(j))); });
  } else if (p == 1.5) {  // the tool's default; a square root, of a float32, is far faster than a power
    sums.powers = detail::lane_sum(count, [&](Index j) {
      const float x = std::abs(entry(j));
      return static_cast<double>(x) * static_cast<double>(std::sqrt(x));
    });
  } else {
    sums.powers =
        detail::lane_sum(count, [&](Index j) { return std::pow(static_cast<double>(std::abs(entry(j))), p); });
  }
  return sums;
}

void add_row(std::span<const float> a, std::span<const float> b, double weight, ApproximationErrors& errors) {
  const auto count = static_cast<Index>(a.size());
  const Powers norm = powers_of(count, errors.norm_exponent, [&](Index j) { return a[j]; });
  const Powers error = powers_of(count, errors.norm_exponent, [&](Index j) { return a[j] - b[j]; });
  errors.squared_norm += norm.squares;
  errors.squared_error += error.squares;
  errors.weighted_squared_norm += weight * norm.squares;
  errors.weighted_squared_error += weight * error.squares;
  errors.weighted_power_norm += weight * norm.powers;
  errors.weighted_power_error += weight * error.powers;
}

void add(const ApproximationErrors& part, ApproximationErrors& sum) {
  sum.squared_norm += part.squared_norm;
  sum.squared_error += part.squared_error;
  sum.weighted_squared_norm += part.weighted_squared_norm;
  sum.weighted_squared_error += part.weighted_squared_error;
  sum.weighted_power_norm += part.weighted_power_norm;
  sum.weighted_power_error += part.weighted_power_error;
}

double relative(double error, double norm, double p) {
  if (error == 0) return 0;
  return norm == 0 ? std::numeric_limits<double>::infinity() : std::pow(error / norm, 1 / p);
}

}  // namespace

double ApproximationErrors::relative_error() const {
  return relative(squared_error, squared_norm, 2);
}

double ApproximationErrors::weighted_relative_error() const {
  return relative(weighted_squared_error, weighted_squared_norm, 2);
}

double ApproximationErrors::relative_lp_error() const {
  return relative(weighted_power_error, weighted_power_norm, norm_exponent);
}

ApproximationErrors approximation_errors(const RowSource& a, const RowSource& b, std::span<const double> row_weights,
                                         double norm_exponent) {
  require(a.rows() == b.rows() && a.cols() == b.cols(), [&] {
    return "approximation_errors: the matrices must have the same shape, got " + std::to_string(a.rows()) + " x " +
           std::to_string(a.cols()) + " and " + std::to_string(b.rows()) + " x " + std::to_string(b.cols());
  });
  detail::require_row_weights(row_weights, a.rows(), "approximation_errors");
  detail::require_norm_exponent(norm_exponent, "approximation_errors");
  std::vector<ApproximationErrors> parts(num_row_blocks(a), {.norm_exponent = norm_exponent});
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    Matrix<float> buffer;
    const auto approximation = b.read_rows(first, rows.rows(), buffer);
    for (Index i = 0; i < rows.rows(); ++i) {
      add_row(rows.row(i), approximation.row(i), row_weights.empty() ? 1.0 : row_weights[first + i], parts[block]);
    }
  });
  ApproximationErrors total{.norm_exponent = norm_exponent};
  for (const auto& part : parts) add(part, total);
  return total;
}

}  // namespace loewner
