// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/attend_selected.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "attention/feature_gram.hpp"
#include "attention/power_attention.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {
namespace {

std::string shape_of(MatrixView<const float> a) {
  return std::to_string(a.rows()) + " x " + std::to_string(a.cols());
}

void require_usable(MatrixView<const float> queries, MatrixView<const float> keys, MatrixView<const float> values,
                    std::span<const Index> indices, std::optional<double> power, double scale) {
  require(queries.cols() == keys.cols() && values.rows() == keys.rows(), [&] {
    return "attend_selected: queries must have as many columns as keys and values as many rows as keys, got queries " +
           shape_of(queries) + ", keys " + shape_of(keys) + ", values " + shape_of(values);
  });
  require(!power || (*power >= 1 && std::isfinite(*power)),
          [&] { return "attend_selected: power must be finite and >= 1, got " + std::to_string(*power); });
  require(std::isfinite(scale), [&] { return "attend_selected: scale must be finite, got " + std::to_string(scale); });
  for (const Index j : indices) {
    require(j >= 0 && j < keys.rows(), [&] {
      return "attend_selected: indices must be in [0, " + std::to_string(keys.rows()) + "), got " + std::to_string(j);
    });
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

// sum over all keys of |<q, k>|^p for every query.
std::vector<double> all_power_sums(MatrixView<const float> queries, MatrixView<const float> keys, double p) {
  const auto degree = detail::symmetric_degree(keys.cols(), p);
  if (!degree) return detail::row_sums(detail::power_weights(queries, keys, p));
  const detail::SymmetricPower power(keys.cols(), *degree);
  return detail::power_sums(power, detail::feature_gram(power, keys), queries);
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
    double largest = -std::numeric_limits<double>::infinity();
    for (const double x : row) largest = std::max(largest, scale * x);
    for (double& x : row) x = std::exp(scale * x - largest);
  });
  return weights;
}

}  // namespace

SelectedAttention attend_selected(MatrixView<const float> queries, MatrixView<const float> keys,
                                  MatrixView<const float> values, std::span<const Index> indices,
                                  std::optional<double> power, double scale) {
  require_usable(queries, keys, values, indices, power, scale);
  const Matrix<float> kept_keys = picked_rows(keys, indices), kept_values = picked_rows(values, indices);
  if (power) {
    const Matrix<double> weights = detail::power_weights(queries, kept_keys.view(), *power);
    const auto sums = all_power_sums(queries, keys, *power);
    return {.output = detail::weighted_values(weights, kept_values.view(), sums),
            .captured_mass = ratios(detail::row_sums(weights), sums)};
  }
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
