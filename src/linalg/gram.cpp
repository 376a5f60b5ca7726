// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
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

// sqrt(w_i) a_i for rows one block after the other; as they come where nothing is to be changed.
template <typename Real>
class ScaledRows {
 public:
  ScaledRows(const RowSource& a, std::span<const double> weights) : a_(a), weights_(weights) {}

  MatrixView<const Real> read(Index first, Index count) {
    const auto rows = a_.read_rows(first, count, buffer_);
    if constexpr (std::is_same_v<Real, float>) {
      if (weights_.empty()) return rows;
    }
    if (scaled_.rows() < count) scaled_ = Matrix<Real>::uninitialized(count, a_.cols());
    for (Index i = 0; i < count; ++i) {
      const double scale = weights_.empty() ? 1.0 : std::sqrt(weights_[first + i]);
      std::ranges::transform(rows.row(i), scaled_.row(i).begin(),
                             [&](float x) { return static_cast<Real>(scale * static_cast<double>(x)); });
    }
    return std::as_const(scaled_).view().row_block(0, count);
  }

 private:
  const RowSource& a_;
  std::span<const double> weights_;
  Matrix<float> buffer_;
  Matrix<Real> scaled_;
};

template <typename Real>
void add_into(const Matrix<Real>& part, Matrix<double>& sum) {
  for (Index i = 0; i < sum.rows(); ++i) {
    for (Index j = i; j < sum.cols(); ++j) sum(i, j) += static_cast<double>(part(i, j));
  }
}

void add_gram_upper(MatrixView<const double> rows, Matrix<double>&, Matrix<double>& sum) {
  blas::add_gram_upper(rows, sum.view());
}

// The products of a block in float32, the sum over blocks in float64.
void add_gram_upper(MatrixView<const float> rows, Matrix<float>& part, Matrix<double>& sum) {
  if (part.rows() == 0) part = Matrix<float>::uninitialized(sum.rows(), sum.cols());
  std::fill_n(part.data(), part.rows() * part.cols(), 0.0F);
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
    ScaledRows<Real> rows(a, row_weights);
    Matrix<Real> part;
    for (Index block = lane; block < blocks; block += lanes) {
      const Index first = block * kRowsPerBlock;
      add_gram_upper(rows.read(first, std::min(kRowsPerBlock, a.rows() - first)), part, sums[lane]);
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
