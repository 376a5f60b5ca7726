// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/attend_selected.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "attention/even_power.hpp"
#include "attention/kept_attention.hpp"
#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/conversion.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {
namespace detail {
namespace {

constexpr Index kQueriesPerBlock = 64;

// body(first query, number of queries) for blocks of queries, in parallel.
template <typename Body>
void for_each_query_block(Index queries, Body&& body) {
  parallel_for((queries + kQueriesPerBlock - 1) / kQueriesPerBlock, [&](Index block) {
    const Index first = block * kQueriesPerBlock;
    body(first, std::min(kQueriesPerBlock, queries - first));
  });
}

Matrix<double> products(MatrixView<const float> queries, MatrixView<const float> keys) {
  const Matrix<double> wide_keys = widened(keys);
  Matrix<double> result = Matrix<double>::uninitialized(queries.rows(), keys.rows());
  for_each_query_block(queries.rows(), [&](Index first, Index count) {
    const Matrix<double> wide = widened(queries.row_block(first, count));
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, wide.view(), wide_keys.view(), 0.0,
               result.view().row_block(first, count));
  });
  return result;
}

}  // namespace

Matrix<double> power_weights(MatrixView<const float> queries, MatrixView<const float> keys, double power) {
  Matrix<double> weights = products(queries, keys);
  parallel_for(weights.rows(), [&](Index i) {
    for (double& w : weights.row(i)) w = power == 2 ? w * w : std::pow(std::abs(w), power);
  });
  return weights;
}

Matrix<float> weighted_values(const Matrix<double>& weights, MatrixView<const float> values,
                              std::span<const double> denominators) {
  const Matrix<double> wide_values = widened(values);
  Matrix<float> output(weights.rows(), values.cols());
  for_each_query_block(weights.rows(), [&](Index first, Index count) {
    Matrix<double> sums = Matrix<double>::uninitialized(count, values.cols());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, weights.view().row_block(first, count), wide_values.view(), 0.0,
               sums.view());
    for (Index i = 0; i < count; ++i) {
      const double denominator = denominators[first + i];
      if (denominator == 0) continue;
      std::ranges::transform(sums.row(i), output.row(first + i).begin(),
                             [&](double x) { return static_cast<float>(x / denominator); });
    }
  });
  return output;
}

std::vector<double> row_sums(const Matrix<double>& weights) {
  std::vector<double> sums(static_cast<std::size_t>(weights.rows()));
  for (Index i = 0; i < weights.rows(); ++i) {
    const auto row = weights.row(i);
    sums[i] = lane_sum(weights.cols(), [&](Index j) { return row[j]; });
  }
  return sums;
}

}  // namespace detail

namespace {

void require_usable(MatrixView<const float> queries, MatrixView<const float> keys, MatrixView<const float> values,
                    std::span<const Index> indices, std::optional<double> power, double scale) {
  require(queries.cols() == keys.cols() && values.rows() == keys.rows(), [&] {
    return "attend_selected: queries and keys need as many columns and keys and values as many rows, got " +
           std::to_string(queries.cols()) + " and " + std::to_string(keys.cols()) + ", " + std::to_string(keys.rows()) +
           " and " + std::to_string(values.rows());
  });
  require(!power || (*power >= 1 && std::isfinite(*power)),
          [&] { return "attend_selected: power must be finite and at least 1, got " + std::to_string(*power); });
  require(std::isfinite(scale), [] { return std::string("attend_selected: scale must be finite"); });
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

std::vector<double> all_power_sums(MatrixView<const float> queries, MatrixView<const float> keys, double p) {
  const auto degree = detail::lifting_degree(keys.cols(), p);
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

// exp(scale <q, k>), each row shifted by its largest so that no power overflows.
Matrix<double> softmax_weights(MatrixView<const float> queries, MatrixView<const float> keys, double scale) {
  Matrix<double> weights = detail::products(queries, keys);
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
