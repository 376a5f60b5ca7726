// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "linalg/blas.hpp"
#include "loewner/linalg/linear_operator.hpp"
#include "support/sketching.hpp"

namespace loewner::test {

/// The rows x cols matrix with `spectrum` on its diagonal, known by its products only, which it counts. A method that
/// starts from Gaussian vectors behaves as for any other matrix of this spectrum.
class DiagonalOperator final : public LinearOperator {
 public:
  DiagonalOperator(Index rows, Index cols, std::vector<double> spectrum)
      : rows_(rows), cols_(cols), spectrum_(std::move(spectrum)) {
    spectrum_.resize(static_cast<std::size_t>(std::min(rows, cols)));
  }
  Index rows() const override { return rows_; }
  Index cols() const override { return cols_; }
  Index products() const { return products_; }
  const std::vector<double>& spectrum() const { return spectrum_; }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override { multiply(x, y); }
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override { multiply(x, y); }
  void multiply(MatrixView<const double> x, MatrixView<double> y) const {
    products_ += x.cols();
    for (Index i = 0; i < y.rows(); ++i) {
      const bool is_inside = i < static_cast<Index>(spectrum_.size());
      for (Index j = 0; j < y.cols(); ++j) y(i, j) = is_inside ? spectrum_[i] * x(i, j) : 0;
    }
  }

  Index rows_, cols_;
  std::vector<double> spectrum_;
  mutable Index products_ = 0;
};

/// (sum_{i >= first} s_i^p)^(1/p), for infinite p the largest value.
inline double schatten_norm(const std::vector<double>& values, double p, Index first = 0) {
  double largest = 0, sum = 0;
  for (std::size_t i = first; i < values.size(); ++i) largest = std::max(largest, values[i]);
  if (largest == 0 || std::isinf(p)) return largest;
  for (std::size_t i = first; i < values.size(); ++i) sum += std::pow(values[i] / largest, p);
  return largest * std::pow(sum, 1 / p);
}

/// The singular values of A - A V V^T for a diagonal A.
///
/// A rotation among equal entries of the diagonal reduces their rows of V to at most k nonzero ones; the other entries
/// are singular values of the residual. So spectra of few distinct values cost little.
inline std::vector<double> residual_values(const DiagonalOperator& a, const Matrix<double>& vt) {
  const Index k = vt.rows();
  std::vector<double> diagonal = a.spectrum(), kept, values;
  diagonal.resize(static_cast<std::size_t>(a.cols()));
  std::vector<double> rows;  // the nonzero rows of V, one after the other
  for (Index first = 0, last = 0; first < a.cols(); first = last) {
    while (last < a.cols() && diagonal[last] == diagonal[first]) ++last;
    Matrix<double> block(last - first, k), u, right;
    for (Index i = first; i < last; ++i) {
      for (Index j = 0; j < k; ++j) block(i - first, j) = vt(j, i);
    }
    std::vector<double> scales;
    if (!blas::thin_svd(block.view(), u, scales, right)) throw std::runtime_error("dgesdd");
    for (Index i = 0; i < right.rows(); ++i) {
      kept.push_back(diagonal[first]);
      for (Index j = 0; j < k; ++j) rows.push_back(scales[i] * right(i, j));
    }
    values.insert(values.end(), static_cast<std::size_t>(last - first - right.rows()), diagonal[first]);
  }
  const Index size = static_cast<Index>(kept.size());
  Matrix<double> rest(size, size);
  for (Index i = 0; i < size; ++i) rest(i, i) = 1;
  const MatrixView<const double> v(rows.data(), size, k);
  blas::gemm(blas::Op::none, blas::Op::transpose, -1.0, v, v, 1.0, rest.view());
  for (Index i = 0; i < size; ++i) {
    for (double& x : rest.row(i)) x *= kept[i];
  }
  const auto others = singular_values(std::move(rest));
  values.insert(values.end(), others.begin(), others.end());
  return values;
}

/// ||A - A V V^T||_Sp / min_B ||A - B||_Sp - 1 over B of V's rank.
inline double schatten_excess_of(const DiagonalOperator& a, const Matrix<double>& vt, double p) {
  return schatten_norm(residual_values(a, vt), p) / schatten_norm(a.spectrum(), p, vt.rows()) - 1;
}

}  // namespace loewner::test
