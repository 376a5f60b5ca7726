// SPDX-License-Identifier: Apache-2.0
#include "regression/tall_products.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/row_pieces.hpp"

namespace loewner::detail {

std::vector<double> multiply(MatrixView<const double> u, std::span<const double> y) {
  std::vector<double> out(u.rows());
  for_each_row(u.rows(), [&](Index i) { out[i] = dot(u.row(i), y); });
  return out;
}

std::vector<double> multiply_transposed(MatrixView<const double> u, std::span<const double> z) {
  const Matrix<double> sums =
      sum_over_pieces(u.rows(), 1, u.cols(), [&](Index first, Index count, MatrixView<double> sum) {
        for (Index i = first; i < first + count; ++i) add_scaled(z[i], u.row(i), sum.row(0));
      });
  return {sums.data(), sums.data() + u.cols()};
}

std::vector<double> residual_of(MatrixView<const double> u, std::span<const double> b, std::span<const double> y) {
  std::vector<double> r = multiply(u, y);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[i] - r[i];
  return r;
}

Matrix<double> weighted_gram(MatrixView<const double> u, std::span<const double> weights) {
  return sum_over_pieces(u.rows(), u.cols(), u.cols(), [&](Index first, Index count, MatrixView<double> sum) {
    Matrix<double> scaled = Matrix<double>::uninitialized(count, u.cols());
    for (Index i = 0; i < count; ++i) {
      const double root = std::sqrt(weights[first + i]);
      std::ranges::transform(u.row(first + i), scaled.row(i).begin(), [&](double x) { return root * x; });
    }
    blas::add_gram_upper(scaled.view(), sum);
  });
}

}  // namespace loewner::detail
