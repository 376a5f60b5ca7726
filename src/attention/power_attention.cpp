// SPDX-License-Identifier: Apache-2.0
#include "attention/power_attention.hpp"

#include <algorithm>
#include <cmath>

#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr Index kQueriesPerBlock = 64;

// Calls body(first query, number of queries) for all blocks of queries, in parallel.
template <typename Body>
void for_each_query_block(Index queries, Body&& body) {
  parallel_for((queries + kQueriesPerBlock - 1) / kQueriesPerBlock, [&](Index block) {
    const Index first = block * kQueriesPerBlock;
    body(first, std::min(kQueriesPerBlock, queries - first));
  });
}

}  // namespace

Matrix<double> inner_products(MatrixView<const float> queries, MatrixView<const float> keys) {
  const Matrix<double> wide_keys = widened(keys);
  Matrix<double> result = Matrix<double>::uninitialized(queries.rows(), keys.rows());
  for_each_query_block(queries.rows(), [&](Index first, Index count) {
    const Matrix<double> wide = widened(queries.row_block(first, count));
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, wide.view(), wide_keys.view(), 0.0,
               result.view().row_block(first, count));
  });
  return result;
}

Matrix<double> power_weights(MatrixView<const float> queries, MatrixView<const float> keys, double power) {
  Matrix<double> weights = inner_products(queries, keys);
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

}  // namespace loewner::detail
