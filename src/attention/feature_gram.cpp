// SPDX-License-Identifier: Apache-2.0
#include "attention/feature_gram.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr Index kRowsPerBlock = 256;

// Calls body(first row, features of the block) for all blocks of rows, in parallel.
void for_each_feature_block(const SymmetricPower& power, MatrixView<const float> rows,
                            const std::function<void(Index first, MatrixView<const double> features)>& body) {
  parallel_for((rows.rows() + kRowsPerBlock - 1) / kRowsPerBlock, [&](Index block) {
    const Index first = block * kRowsPerBlock, count = std::min(kRowsPerBlock, rows.rows() - first);
    Matrix<double> features = Matrix<double>::uninitialized(count, power.dimension());
    power.map(rows.row_block(first, count), features.view());
    body(first, features.view());
  });
}

}  // namespace

Matrix<double> feature_gram(const SymmetricPower& power, MatrixView<const float> keys) {
  const Index blocks = (keys.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  return parallel_matrix_sum(blocks, power.dimension(), power.dimension(), [&](Index block, MatrixView<double> sum) {
    const Index first = block * kRowsPerBlock, count = std::min(kRowsPerBlock, keys.rows() - first);
    Matrix<double> features = Matrix<double>::uninitialized(count, power.dimension());
    power.map(keys.row_block(first, count), features.view());
    blas::add_gram_upper(features.view(), sum);
  });
}

void add_feature_gram(const SymmetricPower& power, MatrixView<const float> keys, Matrix<double>& sum) {
  if (keys.rows() <= kRowsPerBlock) {
    Matrix<double> features = Matrix<double>::uninitialized(keys.rows(), power.dimension());
    power.map(keys, features.view());
    const CancellationScope never([] { return false; });  // part of a sum would be lost
    blas::add_gram_upper(features.view(), sum.view());
    return;
  }
  const Matrix<double> part = feature_gram(power, keys);
  for (Index i = 0; i < sum.rows() * sum.cols(); ++i) sum.data()[i] += part.data()[i];
}

Whitening whitening_of_features(const Matrix<double>& upper_gram) {
  const Index d = upper_gram.rows();
  std::vector<double> scales(static_cast<std::size_t>(d), 0.0);
  for (Index i = 0; i < d; ++i) {
    if (upper_gram(i, i) > 0) scales[i] = std::exp2(-std::round(std::log2(upper_gram(i, i)) / 2));
  }
  Matrix<double> scaled = Matrix<double>::uninitialized(d, d);
  for (Index i = 0; i < d; ++i) {
    for (Index j = i; j < d; ++j) scaled(i, j) = scaled(j, i) = scales[i] * upper_gram(i, j) * scales[j];
  }
  Whitening whitening = whitening_of(scaled);
  for (Index i = 0; i < d; ++i) {
    for (double& x : whitening.t.row(i)) x *= scales[i];
  }
  return whitening;
}

std::vector<double> leverages(const SymmetricPower& power, const Whitening& whitening, MatrixView<const float> keys) {
  std::vector<double> scores(static_cast<std::size_t>(keys.rows()));
  for_each_feature_block(power, keys, [&](Index first, MatrixView<const double> features) {
    Matrix<double> whitened = Matrix<double>::uninitialized(features.rows(), whitening.t.cols());
    whiten_rows(features, whitening.t.view(), whitening.upper, whitened.view());
    for (Index i = 0; i < features.rows(); ++i) {
      const auto row = whitened.row(i);
      scores[first + i] = lane_sum(whitened.cols(), [&](Index j) { return row[j] * row[j]; });
    }
  });
  return scores;
}

std::vector<double> power_sums(const SymmetricPower& power, const Matrix<double>& upper_gram,
                               MatrixView<const float> queries) {
  Matrix<double> gram = upper_gram.clone();
  for (Index i = 0; i < gram.rows(); ++i) {
    for (Index j = 0; j < i; ++j) gram(i, j) = gram(j, i);
  }
  std::vector<double> sums(static_cast<std::size_t>(queries.rows()));
  for_each_feature_block(power, queries, [&](Index first, MatrixView<const double> features) {
    Matrix<double> product = Matrix<double>::uninitialized(features.rows(), features.cols());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, features, gram.view(), 0.0, product.view());
    for (Index i = 0; i < features.rows(); ++i) {
      const std::span<const double> left = features.row(i), right = product.row(i);
      sums[first + i] = lane_sum(features.cols(), [&](Index j) { return left[j] * right[j]; });
    }
  });
  return sums;
}

}  // namespace loewner::detail
