// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "detail/blas.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerBlock = 1024;  // long enough that the product is bound by arithmetic, not by reading G

// The sum runs in a fixed number of lanes: lane l adds the blocks l, l + lanes, ... to a matrix of its own, and the
// lanes are added in order. Their number depends on d only (256 MiB of lanes at most), so the result does not depend on
// the number of threads.
Index num_lanes(Index d) {
  return std::clamp<Index>((Index{1} << 25) / std::max<Index>(1, d * d), 1, 8);
}

void require_usable_weights(std::span<const double> weights, Index rows) {
  require(weights.empty() || static_cast<Index>(weights.size()) == rows, [&] {
    return "gram: one weight per row is needed, " + std::to_string(rows) + ", got " + std::to_string(weights.size());
  });
  const auto bad = std::ranges::find_if_not(weights, [](double w) { return w >= 0 && std::isfinite(w); });
  require(bad == weights.end(), [&] {
    return "gram: weights must be finite and >= 0, got " + std::to_string(*bad) + " for row " +
           std::to_string(bad - weights.begin());
  });
}

// sqrt(w_i) a_i in float64 for the rows first ... first + out.rows() - 1.
void widen_rows(const RowSource& a, std::span<const double> weights, Index first, MatrixView<double> out,
                Matrix<float>& buffer) {
  const auto rows = a.read_rows(first, out.rows(), buffer);
  for (Index i = 0; i < rows.rows(); ++i) {
    const double scale = weights.empty() ? 1.0 : std::sqrt(weights[first + i]);
    std::ranges::transform(rows.row(i), out.row(i).begin(), [&](float x) { return scale * static_cast<double>(x); });
  }
}

void add_into(const Matrix<double>& part, Matrix<double>& sum) {
  for (Index i = 0; i < sum.rows(); ++i) {
    for (Index j = i; j < sum.cols(); ++j) sum(i, j) += part(i, j);
  }
}

}  // namespace

Matrix<double> gram(const RowSource& a, std::span<const double> row_weights) {
  require_usable_weights(row_weights, a.rows());
  const Index d = a.cols(), lanes = num_lanes(d), blocks = (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  std::vector<Matrix<double>> sums(lanes);
  for (auto& sum : sums) sum = Matrix<double>(d, d);
  parallel_for(lanes, [&](Index lane) {
    Matrix<double> widened = Matrix<double>::uninitialized(kRowsPerBlock, d);
    Matrix<float> buffer;
    for (Index block = lane; block < blocks; block += lanes) {
      const Index first = block * kRowsPerBlock;
      const auto rows = widened.view().row_block(0, std::min(kRowsPerBlock, a.rows() - first));
      widen_rows(a, row_weights, first, rows, buffer);
      blas::add_gram_upper(rows, sums[lane].view());
    }
  });
  Matrix<double> g = std::move(sums[0]);
  for (Index lane = 1; lane < lanes; ++lane) add_into(sums[lane], g);
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < i; ++j) g(i, j) = g(j, i);
  }
  return g;
}

}  // namespace loewner
