// SPDX-License-Identifier: Apache-2.0
#include "attention/key_features.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/lane_matrix_sum.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr Index kMaxDimension = 4096;
constexpr Index kRowsPerBlock = 256;

double factorial(int n) {
  double product = 1;
  for (int i = 2; i <= n; ++i) product *= i;
  return product;
}

// r! / (m_1! m_2! ...) for the multiplicities m of equal columns, which are neighbours.
double multinomial(std::span<const Index> columns) {
  double value = factorial(static_cast<int>(columns.size()));
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t last = first;
    while (last < columns.size() && columns[last] == columns[first]) ++last;
    value /= factorial(static_cast<int>(last - first));
    first = last;
  }
  return value;
}

// body(first row, features of the block) for blocks of rows, in parallel.
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

std::optional<Index> SymmetricPower::dimension(Index cols, int degree) {
  double value = 1;
  for (int i = 0; i < degree; ++i) value = value * static_cast<double>(cols + i) / (i + 1);
  if (!(value <= static_cast<double>(kMaxDimension))) return degree == 1 ? std::optional(cols) : std::nullopt;
  return static_cast<Index>(std::llround(value));
}

SymmetricPower::SymmetricPower(Index cols, int degree) : cols_(cols), degree_(degree) {
  std::vector<Index> columns(static_cast<std::size_t>(degree), 0);
  while (cols > 0) {
    coefficients_.push_back(std::sqrt(multinomial(columns)));
    factors_.insert(factors_.end(), columns.begin(), columns.end());
    // The next ascending tuple: the last column that can grow does, those behind start at it.
    auto grown = std::find_if(columns.rbegin(), columns.rend(), [&](Index column) { return column + 1 < cols; });
    if (grown == columns.rend()) break;
    std::fill(columns.rbegin(), std::next(grown), *grown + 1);
  }
}

void SymmetricPower::map(MatrixView<const float> rows, MatrixView<double> out) const {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const auto features = out.row(i);
    const Index* factor = factors_.data();
    for (double& feature : features) {
      feature = coefficients_[&feature - features.data()];
      for (int r = 0; r < degree_; ++r) feature *= static_cast<double>(row[*factor++]);
    }
  }
}

Matrix<double> feature_gram(const SymmetricPower& power, MatrixView<const float> keys) {
  const Index blocks = (keys.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  return lane_matrix_sum(blocks, power.dimension(), power.dimension(), [&](Index block, MatrixView<double> sum) {
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
