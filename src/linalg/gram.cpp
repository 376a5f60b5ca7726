// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kScaledBytes = 1 << 20;  // of weighted rows at a time
constexpr Index kRowsOfBand = 32;        // of the sum per task
constexpr Index kRowsPerBlock = 1024;    // so many that arithmetic bounds the product, not reading G

// The sum has a fixed number of lanes: lane l adds the blocks l, l + lanes, ... to a partial sum, and the lanes are
// added in order. Their number depends on the shape only (at most 256 MiB of lanes), so the result does not depend on
// the number of threads.
Index most_lanes(Index d) {
  return std::clamp<Index>((Index{1} << 25) / std::max<Index>(1, d * d), 1, 8);
}

// sqrt(w_i) a_i for one block of rows after another, without a copy if nothing changes.
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
      detail::set_scaled(weights_.empty() ? 1.0 : std::sqrt(weights_[first + i]), rows.row(i), scaled_.row(i));
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

// Adds the rows first ... first + count - 1, so few at a time that the scaled rows fit a second-level cache.
template <typename Real>
void add_rows(ScaledRows<Real>& rows, Index first, Index count, MatrixView<Real> sum) {
  const Index at_once =
      std::max<Index>(64, kScaledBytes / static_cast<Index>(sizeof(Real)) / std::max<Index>(1, sum.cols()));
  for (Index done = 0; done < count; done += at_once) {
    blas::add_gram_upper(rows.read(first + done, std::min(at_once, count - done)), sum);
  }
}

void add_block(ScaledRows<double>& rows, Index first, Index count, Matrix<double>&, Matrix<double>& sum) {
  add_rows(rows, first, count, sum.view());
}

// Products within a block in float32, the sum over blocks in float64.
void add_block(ScaledRows<float>& rows, Index first, Index count, Matrix<float>& part, Matrix<double>& sum) {
  if (part.rows() == 0) part = Matrix<float>::uninitialized(sum.rows(), sum.cols());
  std::fill_n(part.data(), part.rows() * part.cols(), 0.0F);
  add_rows(rows, first, count, part.view());
  add_into(part, sum);
}

// The sum of the lanes, whose upper triangles are filled.
Matrix<double> symmetric_sum(std::vector<Matrix<double>> lanes) {
  Matrix<double> g = std::move(lanes[0]);
  const Index d = g.rows(), bands = (d + kRowsOfBand - 1) / kRowsOfBand;
  parallel_for(bands, [&](Index band) {
    const Index first = band * kRowsOfBand, end = std::min(d, first + kRowsOfBand);
    for (std::size_t lane = 1; lane < lanes.size(); ++lane) {
      for (Index i = first; i < end; ++i) {
        detail::add_scaled(1.0, std::span<const double>(lanes[lane].row(i)).subspan(i), g.row(i).subspan(i));
      }
    }
    for (Index i = first; i < d; ++i) {  // a band of columns, so that its source rows stay in a cache
      for (Index j = first; j < std::min(i, end); ++j) g(i, j) = g(j, i);
    }
  });
  return g;
}

template <typename Real>
Matrix<double> gram_with(const RowSource& a, std::span<const double> row_weights) {
  detail::ArgumentCheck("gram").row_weights(row_weights, a.rows());
  const Index d = a.cols(), blocks = (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  const Index lanes = std::clamp<Index>(blocks, 1, most_lanes(d));
  std::vector<Matrix<double>> sums(lanes);
  parallel_for(lanes, [&](Index lane) {
    sums[lane] = Matrix<double>(d, d);
    ScaledRows<Real> rows(a, row_weights);
    Matrix<Real> part;
    for (Index block = lane; block < blocks; block += lanes) {
      const Index first = block * kRowsPerBlock;
      add_block(rows, first, std::min(kRowsPerBlock, a.rows() - first), part, sums[lane]);
    }
  });
  return symmetric_sum(std::move(sums));
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
