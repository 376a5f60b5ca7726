// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lp_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/argument_check.hpp"
#include "base/vector8.hpp"
#include "norms/lp_norm.hpp"
#include "norms/weighted_lp_error.hpp"

namespace loewner {
namespace {

using detail::Double8;
using detail::Float8;

struct Powers {
  Double8 squares{}, powers{};
};

// |x| -> |x|^p. These are function objects because a lambda might not be inlined; a call would pass
// its vectors in other registers on each instruction set.
struct NoPower {
  LOEWNER_INLINE Double8 operator()(Float8) const { return Double8{}; }
};

struct FirstPower {
  LOEWNER_INLINE Double8 operator()(Float8 x) const { return detail::widen8(x); }
};

// p = 1.5 is the default of compress. A float32 square root is far faster than a power.
struct Power1_5 {
  LOEWNER_INLINE Double8 operator()(Float8 x) const { return detail::widen8(x) * detail::widen8(detail::sqrt8(x)); }
};

struct AnyPower {
  double p;

  LOEWNER_INLINE Double8 operator()(Float8 x) const {
    Double8 y;
    for (int i = 0; i < 8; ++i) y[i] = std::pow(static_cast<double>(x[i]), p);
    return y;
  }
};

// Adds x^2 and |x|^p.
template <typename Power>
LOEWNER_INLINE void add_entries(Float8 x, Power power, Powers& sums) {
  const Double8 wide = detail::widen8(x);
  sums.squares += wide * wide;
  sums.powers += power(detail::abs8(x));
}

// Adds the powers of a and of a - b. The last, partial vector is filled with zeros, which add
// nothing.
template <typename Power>
LOEWNER_INLINE void add_entries_of_row(const float* a, const float* b, Index count, Power power, Powers& norm,
                                       Powers& error) {
  Index j = 0;
  for (; j + 8 <= count; j += 8) {
    const Float8 x = detail::load8(a + j);
    add_entries(x, power, norm);
    add_entries(x - detail::load8(b + j), power, error);
  }
  const Float8 x = detail::load_part8(a + j, count - j);
  add_entries(x, power, norm);
  add_entries(x - detail::load_part8(b + j, count - j), power, error);
}

LOEWNER_INLINE void add_row_body(const float* a, const float* b, Index count, double weight,
                                 ApproximationErrors& errors) {
  const double p = errors.norm_exponent;
  Powers norm, error;
  if (p == 2) {
    add_entries_of_row(a, b, count, NoPower{}, norm, error);
    norm.powers = norm.squares;
    error.powers = error.squares;
  } else if (p == 1) {
    add_entries_of_row(a, b, count, FirstPower{}, norm, error);
  } else if (p == 1.5) {
    add_entries_of_row(a, b, count, Power1_5{}, norm, error);
  } else {
    add_entries_of_row(a, b, count, AnyPower{p}, norm, error);
  }
  const double squared_norm = detail::sum8(norm.squares), squared_error = detail::sum8(error.squares);
  errors.squared_norm += squared_norm;
  errors.squared_error += squared_error;
  errors.weighted_squared_norm += weight * squared_norm;
  errors.weighted_squared_error += weight * squared_error;
  errors.weighted_power_norm += weight * detail::sum8(norm.powers);
  errors.weighted_power_error += weight * detail::sum8(error.powers);
}

LOEWNER_DISPATCH(add_row, (const float* a, const float* b, Index count, double weight, ApproximationErrors& errors),
                 (a, b, count, weight, errors))

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

void check_arguments(const detail::ArgumentCheck& check, const RowSource& a, const RowSource& b,
                     std::span<const double> row_weights, double norm_exponent) {
  check.that(a.rows() == b.rows() && a.cols() == b.cols(), [&] {
    return "the matrices must have the same shape, got " + detail::shape_text(a.rows(), a.cols()) + " and " +
           detail::shape_text(b.rows(), b.cols());
  });
  check.row_weights(row_weights, a.rows());
  check.norm_exponent(norm_exponent);
}

ApproximationErrors sum_of_errors(const RowSource& a, const RowSource& b, std::span<const double> row_weights,
                                  double norm_exponent) {
  std::vector<ApproximationErrors> parts(num_row_blocks(a), {.norm_exponent = norm_exponent});
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    Matrix<float> buffer;
    const auto approximation = b.read_rows(first, rows.rows(), buffer);
    for (Index i = 0; i < rows.rows(); ++i) {
      const double weight = row_weights.empty() ? 1.0 : row_weights[first + i];
      add_row(rows.row(i).data(), approximation.row(i).data(), rows.cols(), weight, parts[block]);
    }
  });
  ApproximationErrors total{.norm_exponent = norm_exponent};
  for (const auto& part : parts) add(part, total);
  return total;
}

// Rows of A - B in float64.
template <typename Body>
void for_each_difference(const RowSource& a, const RowSource& b, const Body& body) {
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    Matrix<float> buffer;
    const auto approximation = b.read_rows(first, rows.rows(), buffer);
    std::vector<double> difference(static_cast<std::size_t>(rows.cols()));
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index j = 0; j < rows.cols(); ++j) {
        difference[j] = static_cast<double>(rows(i, j)) - static_cast<double>(approximation(i, j));
      }
      body(block, first + i, difference);
    }
  });
}

// sum_i u_i ||r_i / size||_p^p for the rows r_i of A - B, with the weights relative to `weight`.
double relative_power_sum(const RowSource& a, const RowSource& b, std::span<const double> row_weights, double p,
                          double size, double weight) {
  std::vector<double> sums(num_row_blocks(a), 0.0);
  for_each_difference(a, b, [&](Index block, Index row, std::vector<double>& difference) {
    for (double& x : difference) x /= size;
    sums[block] += (row_weights.empty() ? 1.0 : row_weights[row] / weight) * detail::power_sum(difference, p);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

double largest_weighted_difference(const RowSource& a, const RowSource& b, std::span<const double> row_weights) {
  std::vector<double> largest(num_row_blocks(a), 0.0);
  for_each_difference(a, b, [&](Index block, Index row, const std::vector<double>& difference) {
    if (!row_weights.empty() && row_weights[row] == 0) return;
    for (const double x : difference) largest[block] = std::max(largest[block], std::abs(x));
  });
  return largest.empty() ? 0.0 : *std::ranges::max_element(largest);
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
  const detail::ArgumentCheck check("approximation_errors");
  check_arguments(check, a, b, row_weights, norm_exponent);
  const ApproximationErrors errors = sum_of_errors(a, b, row_weights, norm_exponent);
  // The squares of float32 entries stay in float64, so only other powers can fail where the squares do not.
  const auto require_power = [&](const char* name, double squares, double powers) {
    check.that(!std::isfinite(squares) || std::isfinite(powers), [&] {
      return std::string(name) + " overflows float64 at the scale of this input, with norm_exponent " +
             detail::text_of(norm_exponent);
    });
  };
  require_power("the sum of powers of the entries", errors.weighted_squared_norm, errors.weighted_power_norm);
  require_power("the sum of powers of the errors", errors.weighted_squared_error, errors.weighted_power_error);
  check.that(errors.weighted_squared_norm == 0 || errors.weighted_power_norm >= std::numeric_limits<double>::min() ||
                 std::isnan(errors.weighted_squared_norm),
             [&] {
               return "the sum of powers of the entries underflows float64 at the scale of this input, with "
                      "norm_exponent " +
                      detail::text_of(norm_exponent);
             });
  return errors;
}

double detail::weighted_lp_error(const RowSource& a, const RowSource& b, std::span<const double> row_weights,
                                 double p) {
  const double sum = sum_of_errors(a, b, row_weights, p).weighted_power_error;
  if (std::abs(std::log2(sum)) < 900) return std::pow(sum, 1 / p);
  const double size = largest_weighted_difference(a, b, row_weights);
  if (size == 0) return 0;
  const double weight = row_weights.empty() ? 1.0 : std::ranges::max(row_weights);
  return size * std::pow(weight, 1 / p) * std::pow(relative_power_sum(a, b, row_weights, p, size, weight), 1 / p);
}

}  // namespace loewner
