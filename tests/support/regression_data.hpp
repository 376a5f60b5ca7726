// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/sketching.hpp"

namespace loewner::test {

/// Gaussian rows of lengths over several orders of magnitude.
inline Matrix<double> coherent_matrix(Index n, Index d, std::uint64_t seed) {
  Matrix<double> a = gaussian_matrix64(n, d, seed);
  RandomStream random(seed, RandomPurpose::test_data, 8);
  for (Index i = 0; i < n; ++i) {
    const double length = std::exp(2 * random.normal());
    for (double& x : a.row(i)) x *= length;
  }
  return a;
}

/// A Gaussian matrix whose first column is nonzero in `few` rows only, with large entries.
inline Matrix<double> planted_matrix(Index n, Index d, Index few, std::uint64_t seed) {
  Matrix<double> a = gaussian_matrix64(n, d, seed);
  for (Index i = 0; i < n; ++i) a(i, 0) = i % (n / few) == 0 ? 300.0 : 0.0;
  return a;
}

/// A 1 plus Laplace noise and a few gross errors.
inline Matrix<double> noisy_targets(const Matrix<double>& a, Index columns, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::test_data, 7);
  Matrix<double> b(a.rows(), columns);
  for (Index i = 0; i < a.rows(); ++i) {
    const double fitted = std::accumulate(a.row(i).begin(), a.row(i).end(), 0.0);
    for (double& value : b.row(i)) {
      const double u = random.uniform() - 0.5;
      value = fitted - std::copysign(std::log(1 - 2 * std::abs(u)), u) + (random.below(40) == 0 ? 50.0 : 0.0);
    }
  }
  return b;
}

inline Matrix<double> residual_of(const Matrix<double>& a, const Matrix<double>& b, const Matrix<double>& x) {
  Matrix<double> r = product64(a, x);
  for (Index i = 0; i < r.rows() * r.cols(); ++i) r.data()[i] = b.data()[i] - r.data()[i];
  return r;
}

inline double norm_of_column(const Matrix<double>& r, Index j, double p) {
  double sum = 0, largest = 0;
  for (Index i = 0; i < r.rows(); ++i) {
    sum += std::pow(std::abs(r(i, j)), p);
    largest = std::max(largest, std::abs(r(i, j)));
  }
  return std::isinf(p) ? largest : std::pow(sum, 1 / p);
}

/// The rows of a matrix.
inline Matrix<double> rows_of(const Matrix<double>& a, std::span<const Index> rows) {
  Matrix<double> out(static_cast<Index>(rows.size()), a.cols());
  for (Index i = 0; i < out.rows(); ++i) std::ranges::copy(a.row(rows[i]), out.row(i).begin());
  return out;
}

}  // namespace loewner::test
