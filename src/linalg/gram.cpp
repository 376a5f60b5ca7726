// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "detail/blas.hpp"
#include "detail/row_weights.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerBlock = 1024;  // long enough that the product is bound by arithmetic, not by reading G

// The sum runs in a fixed number of lanes: lane l adds the blocks l, l + lanes, ... to a matrix of its own, and the
// lanes are added in order. Their number depends on the shape only (256 MiB of lanes at most), so the result does not
// depend on the number of threads.
Index most_lanes(Index d) {
  return std::clamp<Index>((Index{1} << 25) / std::max<Index>(1, d * d), 1, 8);
}

// sqrt(w_i) a_i for the rows first ... first + out.rows() - 1.
template <typename Real>
void scale_rows(const RowSource& a, std::span<const double> weights, Index first, MatrixView<Real> out,
                Matrix<float>& buffer) {
  const auto rows = a.read_rows(first, out.rows(), buffer);
  for (Index i = 0; i < rows.rows(); ++i) {
    const double scale = weights.empty() ? 1.0 : std::sqrt(weights[first + i]);
    std::ranges::transform(rows.row(i), out.row(i).begin(),
                           [&](float x) { return static_cast<Real>(scale * static_cast<double>(x)); });
  }
}

template <typename Real>
void add_into(const Matrix<Real>& part, Matrix<double>& sum) {
  for (Index i = 0; i < sum.rows(); ++i) {
    for (Index j = i; j < sum.cols(); ++j) sum(i, j) += static_cast<double>(part(i, j));
  }
}

void add_gram_upper(MatrixView<const double> rows, Matrix<double>& sum) {
  blas::add_gram_upper(rows, sum.view());
}

void add_gram_upper(MatrixView<const float> rows, Matrix<double>& sum) {
  Matrix<float> part(sum.rows(), sum.cols());
  blas::add_gram_upper(rows, part.view());
  add_into(part, sum);
}

template <typename Real>
Matrix<double> gram_with(const RowSource& a, std::span<const double> row_weights) {
  detail::require_row_weights(row_weights, a.rows(), "gram");
  const Index d = a.cols(), blocks = (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  const Index lanes = std::clamp<Index>(blocks, 1, most_lanes(d));
  std::vector<Matrix<double>> sums(lanes);
  for (auto& sum : sums) sum = Matrix<double>(d, d);
  parallel_for(lanes, [&](Index lane) {
    Matrix<Real> scaled = Matrix<Real>::uninitialized(std::min(kRowsPerBlock, a.rows()), d);
    Matrix<float> buffer;
    for (Index block = lane; block < blocks; block += lanes) {
      const Index first = block * kRowsPerBlock;
      const auto rows = scaled.view().row_block(0, std::min(kRowsPerBlock, a.rows() - first));
      scale_rows(a, row_weights, first, rows, buffer);
      add_gram_upper(rows, sums[lane]);
    }
  });
  Matrix<double> g = std::move(sums[0]);
  for (Index lane = 1; lane < lanes; ++lane) add_into(sums[lane], g);
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < i; ++j) g(i, j) = g(j, i);
  }
  return g;
}

}  // namespace

Index gram_bytes(Index cols) {
  return most_lanes(cols) * cols * cols * Index{sizeof(double)};
}

Matrix<double> gram(const RowSource& a, std::span<const double> row_weights) {
  return gram_with<double>(a, row_weights);
}

Matrix<double> gram_float32(const RowSource& a, std::span<const double> row_weights) {
  return gram_with<float>(a, row_weights);
}

}  // namespace loewner
