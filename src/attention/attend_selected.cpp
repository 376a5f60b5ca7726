// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/attend_selected.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "attention/feature_gram.hpp"
#include "attention/power_attention.hpp"
#include "base/argument_check.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {
namespace {

constexpr double kOrdinaryKeys = 300;  // |log2| of a power of the largest entry of the keys

std::string shape_of(MatrixView<const float> a) {
  return detail::shape_text(a.rows(), a.cols());
}

void require_usable(MatrixView<const float> queries, MatrixView<const float> keys, MatrixView<const float> values,
                    std::span<const Index> indices, std::optional<double> power, double scale) {
  using detail::text_of;
  const detail::ArgumentCheck check("attend_selected");
  check.that(queries.cols() == keys.cols() && values.rows() == keys.rows(), [&] {
    return "queries must have as many columns as keys and values as many rows as keys, got queries " +
           shape_of(queries) + ", keys " + shape_of(keys) + ", values " + shape_of(values);
  });
  if (power) check.number(*power >= 1 && std::isfinite(*power), "power", "finite and >= 1", *power);
  check.number(std::isfinite(scale), "scale", "finite", scale);
  for (const Index j : indices) {
    check.that(j >= 0 && j < keys.rows(),
               [&] { return "indices must be in [0, " + text_of(keys.rows()) + "), got " + text_of(j); });
  }
  require_finite_rows(queries, 0, "attend_selected: the matrix of queries");
  require_finite_rows(keys, 0, "attend_selected: the matrix of keys");
  require_finite_rows(values, 0, "attend_selected: the matrix of values");
}

Matrix<float> picked_rows(MatrixView<const float> rows, std::span<const Index> indices) {
  Matrix<float> picked = Matrix<float>::uninitialized(static_cast<Index>(indices.size()), rows.cols());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::ranges::copy(rows.row(indices[i]), picked.row(static_cast<Index>(i)).begin());
  }
  return picked;
}

// |<q, k>|^p for the selected keys and its sum over all keys; both up to a factor per query.
struct PowerWeights {
  Matrix<double> selected;
  std::vector<double> sums;
};

PowerWeights weights_by_products(MatrixView<const float> queries, MatrixView<const float> keys,
                                 MatrixView<const float> selected, double p) {
  Matrix<double> products = detail::inner_products(queries, keys);
  const auto divisors = detail::power_divisors(products, p);
  return {.selected = detail::powers_of(detail::inner_products(queries, selected), p, divisors),
          .sums = detail::row_sums(detail::powers_of(std::move(products), p, divisors))};
}

PowerWeights weights_by_features(MatrixView<const float> queries, MatrixView<const float> keys,
                                 MatrixView<const float> selected, double p, int degree) {
  const detail::SymmetricPower power(keys.cols(), degree);
  return {.selected = detail::powers_of(detail::inner_products(queries, selected), p),
          .sums = detail::power_sums(power, detail::feature_gram(power, keys), queries)};
}

// Powers of degree up to 32 leave float64 only for extreme queries or keys. Weights depend neither on the length of a
// query nor on the scale of all keys.
PowerWeights weights_of(MatrixView<const float> queries, MatrixView<const float> keys, std::span<const Index> indices,
                        double p) {
  const auto degree = detail::symmetric_degree(keys.cols(), p);
  const double largest = detail::largest_magnitude(DenseRows(keys), "attend_selected: the matrix of keys");
  const bool is_ordinary = !degree || (detail::has_ordinary_powers(queries, p) &&
                                       p * std::abs(detail::input_exponent(largest, 0)) <= kOrdinaryKeys);
  if (!is_ordinary) {
    const DenseRows rows(keys);
    const Matrix<float> scaled_keys = read_all(detail::ScaledRows(rows, detail::input_exponent(largest, 0)));
    const Matrix<float> scaled = detail::with_scaled_rows(queries), selected = picked_rows(scaled_keys.view(), indices);
    return weights_by_features(scaled.view(), scaled_keys.view(), selected.view(), p, *degree);
  }
  const Matrix<float> selected = picked_rows(keys, indices);
  return degree ? weights_by_features(queries, keys, selected.view(), p, *degree)
                : weights_by_products(queries, keys, selected.view(), p);
}

std::vector<double> ratios(const std::vector<double>& part, const std::vector<double>& whole) {
  std::vector<double> result(part.size(), 0.0);
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (whole[i] > 0) result[i] = std::min(1.0, part[i] / whole[i]);
  }
  return result;
}

// exp(scale <q, k>), up to a factor per row that makes the largest weight 1 and so avoids overflow.
Matrix<double> softmax_weights(MatrixView<const float> queries, MatrixView<const float> keys, double scale) {
  Matrix<double> weights = detail::inner_products(queries, keys);
  parallel_for(weights.rows(), [&](Index i) {
    const auto row = weights.row(i);
    double largest = -std::numeric_limits<double>::infinity(), farthest = row.empty() ? 0.0 : row[0];
    for (const double x : row) {
      largest = std::max(largest, scale * x);
      farthest = scale >= 0 ? std::max(farthest, x) : std::min(farthest, x);
    }
    for (double& x : row) x = std::exp(std::isfinite(largest) ? scale * x - largest : scale * (x - farthest));
  });
  return weights;
}

}  // namespace

SelectedAttention attend_selected(MatrixView<const float> queries, MatrixView<const float> keys,
                                  MatrixView<const float> values, std::span<const Index> indices,
                                  std::optional<double> power, double scale) {
  require_usable(queries, keys, values, indices, power, scale);
  const Matrix<float> kept_values = picked_rows(values, indices);
  if (power) {
    const PowerWeights weights = weights_of(queries, keys, indices, *power);
    return {.output = detail::weighted_values(weights.selected, kept_values.view(), weights.sums),
            .captured_mass = ratios(detail::row_sums(weights.selected), weights.sums)};
  }
  const Matrix<float> kept_keys = picked_rows(keys, indices);
  const Matrix<double> kept = softmax_weights(queries, kept_keys.view(), scale);
  const Matrix<double> all = softmax_weights(queries, keys, scale);
  std::vector<double> mass(static_cast<std::size_t>(queries.rows()), 0.0);
  for (Index i = 0; i < all.rows(); ++i) {
    for (const Index j : indices) mass[i] += all(i, j);
  }
  return {.output = detail::weighted_values(kept, kept_values.view(), detail::row_sums(kept)),
          .captured_mass = ratios(mass, detail::row_sums(all))};
}

}  // namespace loewner
