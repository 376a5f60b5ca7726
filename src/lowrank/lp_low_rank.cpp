// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_low_rank.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"
#include "loewner/norms/lp_error.hpp"
#include "lowrank/product_rows.hpp"
#include "norms/lp_norm.hpp"

namespace loewner {
namespace {

LpFactorization factorization_by_svd(const RowSource& a, std::span<const double> row_weights) {
  RightSingularVectors svd = truncated_svd(a, {.rank = std::min(a.rows(), a.cols()), .row_weights = row_weights});
  return {.norm_exponent = 2, .scales = std::move(svd.singular_values), .vt = std::move(svd.vt)};
}

// The factor that turns the left inequality of LewisWeights into ||F x||_2 <= ||A x||_p.
double left_scale(const LewisWeights& lewis, double p) {
  return p <= 2 ? std::pow(lewis.alpha, 0.5 - 1 / p) : std::pow(lewis.omega, 1 / p - 0.5);
}

LpLowRank factors(const RowSource& a, const LpFactorization& factorization, const LpLowRankOptions& options) {
  const auto basis = factorization.basis(options.rank);
  LpLowRank result;
  result.right = detail::narrowed(basis);
  if (options.row_projection == RowProjection::orthogonal) {
    result.left = project_rows(a, basis);
  } else {
    result.left = lp_row_projection(a, result.right.view(), {.norm_exponent = options.norm_exponent}).left;
  }
  return result;
}

// Without a choice of the orientation.
LpLowRank low_rank_of_rows(const RowSource& a, const LpLowRankOptions& options) {
  const double p = options.norm_exponent;
  const LpFactorization factorization = lp_factorization(a, {.norm_exponent = p, .row_weights = options.row_weights});
  LpLowRank result = factors(a, factorization, options);
  result.upper_bound = factorization.error_bound(options.rank);
  result.distortion = factorization.distortion;
  result.status = factorization.status;
  const auto scales = detail::squared_scales(options.row_weights, p);
  const auto sigma = truncated_svd(a, {.rank = options.rank, .row_weights = scales}).singular_values;
  result.lower_bound = lp_error_lower_bound(sigma, options.rank, a.rows(), a.cols(), p);
  const detail::ProductRows b(result.left.view(), result.right.view());
  const auto errors = approximation_errors(a, b, options.row_weights, p);
  result.error = std::pow(errors.weighted_power_error, 1 / p);
  return result;
}

}  // namespace

MatrixView<const double> LpFactorization::basis(Index k) const& {
  detail::ArgumentCheck("LpFactorization::basis").in_range("k", k, 0, vt.rows());
  return vt.view().row_block(0, k);
}

double LpFactorization::error_bound(Index k) const {
  std::vector<double> squares(vt.cols(), 0.0);  // of the columns of F - F_k
  for (Index i = k; i < vt.rows(); ++i) {
    for (Index j = 0; j < vt.cols(); ++j) squares[j] += std::pow(scales[i] * vt(i, j), 2);
  }
  double sum = 0;
  for (const double square : squares) sum += std::pow(square, norm_exponent / 2);
  return distortion * std::pow(sum, 1 / norm_exponent);
}

LpFactorization lp_factorization(const RowSource& a, const LewisOptions& options) {
  const double p = options.norm_exponent;
  if (p == 2) return factorization_by_svd(a, options.row_weights);
  LewisWeights lewis = lewis_weights(a, options);
  const double scale = left_scale(lewis, p);
  const SymmetricEigen eigen = symmetric_eigen(std::move(lewis.q));
  LpFactorization result{.norm_exponent = p,
                         .scales = std::vector<double>(std::min(a.rows(), a.cols()), 0.0),
                         .vt = detail::leading_rows<double>(eigen.vectors_t.view(), std::min(a.rows(), a.cols())),
                         .distortion = lewis.certificate,
                         .status = lewis.status,
                         .iterations = lewis.iterations};
  for (Index i = 0; i < lewis.rank; ++i) result.scales[i] = scale * std::sqrt(eigen.values[i]);
  return result;
}

double lp_error_lower_bound(std::span<const double> singular_values, Index rank, Index rows, Index cols,
                            double norm_exponent) {
  double tail = 0;
  for (std::size_t i = rank; i < singular_values.size(); ++i) tail += singular_values[i] * singular_values[i];
  const double entries = static_cast<double>(rows) * static_cast<double>(cols);
  return std::min(1.0, std::pow(entries, 1 / norm_exponent - 0.5)) * std::sqrt(tail);
}

LpLowRank lp_low_rank(const RowSource& a, const LpLowRankOptions& options) {
  detail::ArgumentCheck("lp_low_rank").rank(options.rank, a.rows(), a.cols());
  if (a.rows() >= a.cols() || !options.row_weights.empty()) return low_rank_of_rows(a, options);
  const Matrix<float> upright = read_all(a), flipped = detail::transposed<float>(upright.view());
  LpLowRank result = low_rank_of_rows(DenseRows(flipped.view()), options);
  std::swap(result.left, result.right);  // A^T = L R, so A = R^T L^T
  result.left = detail::transposed<float>(result.left.view());
  result.right = detail::transposed<float>(result.right.view());
  return result;
}

}  // namespace loewner
