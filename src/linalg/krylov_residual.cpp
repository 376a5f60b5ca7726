// SPDX-License-Identifier: Apache-2.0
// The residuals of the Ritz triples of a KrylovSpace.
#include <algorithm>
#include <cmath>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/krylov_space.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/sum_of_squares.hpp"

namespace loewner::detail {
namespace {

// Below this fraction of ||A||_F^2 the difference ||A||_F^2 - sum theta_i^2 has lost ten of its sixteen digits.
constexpr double kCancellation = 1e-10;

}  // namespace

std::optional<double> KrylovSpace::subtracted_residual(std::span<const double> ritz_values, Index k) const {
  if (!squared_norm_) return std::nullopt;
  const double rest = *squared_norm_ - sum_of_squares(ritz_values.first(k));
  return rest > kCancellation * *squared_norm_ ? std::optional(rest) : std::nullopt;
}

double KrylovSpace::squared_residual(std::span<const double> ritz_values, Index k) {
  const auto rest = subtracted_residual(ritz_values, k);
  return rest ? *rest : probed_residual(ritz(), k);
}

double KrylovSpace::relative_squared_residual(std::span<const double> ritz_values, Index k) const {
  return subtracted_residual(ritz_values, k).value_or(0) / squared_norm_.value_or(1);
}

void KrylovSpace::draw_probes() {
  probes_ = probe_random_.draw(kProbes, a_->cols());
  const Matrix<double> x = transposed<double>(probes_.view());
  Matrix<double> y(a_->rows(), kProbes);
  a_->apply(x.view(), y.view());
  products_ += kProbes;
  require_finite_block(y.view(), "the matrix");
  probe_products_ = transposed<double>(y.view());
}

// E ||(A - U Theta V^T) g||^2 = ||A - U Theta V^T||_F^2 for a standard normal g.
double KrylovSpace::probed_residual(const RitzTriples& ritz, Index k) {
  if (probes_.rows() == 0) draw_probes();
  const Matrix<double> along = times_transposed(probes_.view(), basis_.view(0, size_));
  Matrix<double> coordinates(kProbes, k), images(kProbes, range_->size());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, along.view(), ritz.right_t.view().row_block(0, k), 0.0,
             coordinates.view());
  for (Index i = 0; i < kProbes; ++i) {
    for (Index j = 0; j < k; ++j) coordinates(i, j) *= ritz.values[j];
  }
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, coordinates.view(), ritz.left_t.view().row_block(0, k), 0.0,
             images.view());
  Matrix<double> rest = probe_products_.clone();
  const Matrix<double> found = range_->combined(images.view());
  for (Index i = 0; i < kProbes; ++i) {
    for (Index j = 0; j < rest.cols(); ++j) rest(i, j) -= found(j, i);
  }
  return sum_of_squares({rest.data(), static_cast<std::size_t>(rest.rows() * rest.cols())}) / kProbes;
}

double KrylovSpace::largest_ritz_residual(const RitzTriples& ritz, Index k) {
  const Matrix<double> u = range_->combined(ritz.left_t.view().row_block(0, k));
  Matrix<double> y(a_->cols(), k);
  a_->apply_t(u.view(), y.view());
  products_ += k;
  require_finite_block(y.view(), "its transpose");
  Matrix<double> rest = transposed<double>(y.view());
  Matrix<double> scaled = leading_rows<double>(ritz.right_t.view(), k);
  double largest = 0;
  for (Index i = 0; i < k; ++i) {
    for (double& value : scaled.row(i)) value *= ritz.values[i];
  }
  add_product(-1.0, scaled.view(), basis_.view(0, size_), rest.view());
  for (Index i = 0; i < k; ++i) largest = std::max(largest, std::sqrt(sum_of_squares(rest.row(i))));
  return largest;
}

}  // namespace loewner::detail
