// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_low_rank.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/sum_of_squares.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"
#include "lowrank/product_rows.hpp"
#include "norms/lp_norm.hpp"
#include "norms/weighted_lp_error.hpp"

namespace loewner {
namespace {

constexpr double kSmallestSum = 1e-280;  // a sum of powers below it, or above its inverse, may have left float64

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
  result.error = detail::weighted_lp_error(a, b, options.row_weights, p);
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
  if (sum > kSmallestSum && sum < 1 / kSmallestSum) return distortion * std::pow(sum, 1 / norm_exponent);
  for (double& square : squares) square = std::sqrt(square);
  return distortion * detail::lp_norm(squares, norm_exponent);
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
  detail::ArgumentCheck("lp_error_lower_bound").in_range("rank", rank, 0, static_cast<Index>(singular_values.size()));
  const auto beyond = singular_values.subspan(static_cast<std::size_t>(rank));
  const double sum = detail::sum_of_squares(beyond);
  const double tail = sum > kSmallestSum && sum < 1 / kSmallestSum ? std::sqrt(sum) : detail::lp_norm(beyond, 2);
  const double entries = static_cast<double>(rows) * static_cast<double>(cols);
  return std::min(1.0, std::pow(entries, 1 / norm_exponent - 0.5)) * tail;
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
