// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/truncated_svd.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "linalg/weighted_rows.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner {
namespace {

const detail::ArgumentCheck kTruncatedSvd("truncated_svd");

void require_usable(const RowSource& a, const TruncatedSvdOptions& options) {
  using detail::text_of;
  const Index limit = std::min(a.rows(), a.cols());
  kTruncatedSvd.rank(options.rank, a.rows(), a.cols());
  kTruncatedSvd.number(options.vectors == 0 || (options.vectors >= options.rank && options.vectors <= limit), "vectors",
                       "in [" + text_of(options.rank) + ", " + text_of(limit) + "] (or 0)", options.vectors);
  kTruncatedSvd.number(
      options.eps >= 0 && std::isfinite(options.eps) && (options.eps > 0 || options.route != SvdRoute::krylov), "eps",
      "finite and >= 0, and > 0 for krylov", options.eps);
  kTruncatedSvd.row_weights(options.row_weights, a.rows());
}

Index num_vectors(const TruncatedSvdOptions& options) {
  return std::max(options.rank, options.vectors);
}

// The eigenpairs of A^T W A from float32 products. Nothing if their errors may matter at the rank, or if squares leave
// the range of float32. Measured errors: 7e-9 of the trace for eigenvalues, 1e-9 for the energy in a subspace.
std::optional<SymmetricEigen> float32_gram_eigen(const RowSource& a, const TruncatedSvdOptions& options) {
  constexpr double kNoise = 1e-7, kSmallest = 1e-20,
                   kLargest = 1e30;  // kNoise relative to the trace, the others absolute
  Matrix<double> g = gram_float32(a, options.row_weights);
  double trace = 0;
  for (Index i = 0; i < g.rows(); ++i) trace += g(i, i);
  if (!(trace > kSmallest && trace < kLargest)) return std::nullopt;
  SymmetricEigen eigen = symmetric_eigen(std::move(g));
  double left_over = 0;
  for (std::size_t i = options.rank; i < eigen.values.size(); ++i) left_over += std::max(0.0, eigen.values[i]);
  if (options.eps * left_over < kNoise * trace) return std::nullopt;
  return eigen;
}

RightSingularVectors gram_route(const RowSource& a, const TruncatedSvdOptions& options) {
  std::optional<SymmetricEigen> found;
  if (options.eps > 0) found = float32_gram_eigen(a, options);
  const SymmetricEigen eigen = found ? *std::move(found) : symmetric_eigen(gram(a, options.row_weights));
  RightSingularVectors result;
  result.route = SvdRoute::gram;
  for (const double value : eigen.values) result.singular_values.push_back(std::sqrt(std::max(0.0, value)));
  result.vt = detail::leading_rows<double>(eigen.vectors_t.view(), num_vectors(options));
  return result;
}

// R of the QR factorization of sqrt(W) A: each block of rows is stacked below the current R and reduced again.
Matrix<double> streamed_qr(const RowSource& a, std::span<const double> row_weights) {
  const Index d = a.cols(), per_block = std::max<Index>(4 * d, 64);
  Matrix<double> stack = Matrix<double>::uninitialized(d + per_block, d);
  Matrix<double> r(d, d);
  Matrix<float> buffer;
  for (Index first = 0; first < a.rows(); first += per_block) {
    throw_if_cancelled();
    const auto rows = a.read_rows(first, std::min(per_block, a.rows() - first), buffer);
    for (Index i = 0; i < d; ++i) std::ranges::copy(r.row(i), stack.row(i).begin());
    for (Index i = 0; i < rows.rows(); ++i) {
      const double scale = row_weights.empty() ? 1.0 : std::sqrt(row_weights[first + i]);
      std::ranges::transform(rows.row(i), stack.row(d + i).begin(),
                             [&](float x) { return scale * static_cast<double>(x); });
    }
    blas::qr_upper_in_place(stack.view().row_block(0, d + rows.rows()), r.view());
  }
  return r;
}

RightSingularVectors direct_route(const RowSource& a, const TruncatedSvdOptions& options) {
  Matrix<double> r = streamed_qr(a, options.row_weights);
  Matrix<double> u, vt;
  RightSingularVectors result;
  result.route = SvdRoute::direct;
  require(blas::thin_svd(r.view(), u, result.singular_values, vt),
          [] { return std::string("truncated_svd: LAPACK did not converge"); });
  result.vt = detail::leading_rows<double>(vt.view(), num_vectors(options));
  return result;
}

// The roots of the weights, or all ones.
std::vector<double> row_factors(const RowSource& a, const TruncatedSvdOptions& options) {
  std::vector<double> factors(static_cast<std::size_t>(a.rows()), 1.0);
  if (options.row_weights.empty()) return factors;
  std::ranges::transform(options.row_weights, factors.begin(), [](double w) { return std::sqrt(w); });
  return factors;
}

// n < d by the eigenvectors U of the n x n matrix A A^T: V = A^T U / sigma. Nothing if the smallest of these sigma is so
// small that V would lose digits.
std::optional<RightSingularVectors> wide_gram_route(const RowSource& a, const TruncatedSvdOptions& options) {
  const Index n = a.rows(), count = num_vectors(options);
  const std::vector<double> factors = row_factors(a, options);
  const Matrix<float> all = read_all(a);
  SymmetricEigen eigen = [&] {
    const Matrix<float> by_columns = detail::transposed(all.view());
    Matrix<double> g = gram(DenseRows(by_columns.view()));
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j) g(i, j) *= factors[i] * factors[j];
    }
    return symmetric_eigen(std::move(g));
  }();
  RightSingularVectors result;
  result.route = SvdRoute::gram;
  for (const double value : eigen.values) result.singular_values.push_back(std::sqrt(std::max(0.0, value)));
  if (!(result.singular_values[count - 1] > kGramRouteLimit * result.singular_values[0])) return std::nullopt;
  Matrix<double> u = Matrix<double>::uninitialized(n, count), v = Matrix<double>::uninitialized(a.cols(), count);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < count; ++j) {
      u(i, j) = factors[i] * eigen.vectors_t(j, i) / result.singular_values[j];
    }
  }
  MatrixOperator(RowMatrix(all.view())).apply_t(u.view(), v.view());
  detail::OrthonormalRows rows(count, a.cols());  // rounding errors grow with sigma_1 / sigma
  rows.append(detail::transposed<double>(v.view()), nullptr);
  result.vt = detail::leading_rows<double>(rows.view(), count);
  return result;
}

// n < d: the SVD of the n x d matrix itself, in memory; its smaller side bounds the cost.
RightSingularVectors wide_direct_route(const RowSource& a, const TruncatedSvdOptions& options) {
  const Matrix<float> all = read_all(a);
  const std::vector<double> factors = row_factors(a, options);
  Matrix<double> scaled = Matrix<double>::uninitialized(a.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    std::ranges::transform(all.row(i), scaled.row(i).begin(),
                           [&](float x) { return factors[i] * static_cast<double>(x); });
  }
  Matrix<double> u, vt;
  RightSingularVectors result;
  result.route = SvdRoute::direct;
  require(blas::thin_svd(scaled.view(), u, result.singular_values, vt),
          [] { return std::string("truncated_svd: LAPACK did not converge"); });
  result.vt = detail::leading_rows<double>(vt.view(), num_vectors(options));
  return result;
}

// Small SVDs take the direct route, which keeps small singular values. One of many rows would take minutes and cannot be
// cancelled.
RightSingularVectors wide_route(const RowSource& a, const TruncatedSvdOptions& options) {
  constexpr Index kManyRows = 1024;
  if (a.rows() > kManyRows && options.route != SvdRoute::direct) {
    if (auto result = wide_gram_route(a, options)) return *std::move(result);
  }
  return wide_direct_route(a, options);
}

struct KrylovRoute {
  RightSingularVectors svd;
  bool converged = false;
};

KrylovRoute krylov_route(const RowSource& a, const TruncatedSvdOptions& options) {
  constexpr Index kManyVectors = 64, kWideBlock = 32;  // fewer steps read the matrix less often
  const detail::WeightedRows rows(a, options.row_weights);
  auto found = block_krylov(RowMatrix(rows), {.rank = options.rank,
                                              .eps = options.eps,
                                              .block = options.rank >= kManyVectors ? kWideBlock : 0,
                                              .left_vectors = false});
  return {.svd = {.singular_values = std::move(found.singular_values),
                  .vt = std::move(found.vt),
                  .route = SvdRoute::krylov,
                  .residual_norm = found.residual_norm},
          .converged = found.status == Status::converged};
}

}  // namespace

std::string_view to_string(SvdRoute route) {
  switch (route) {
    case SvdRoute::automatic:
      return "auto";
    case SvdRoute::gram:
      return "gram";
    case SvdRoute::direct:
      return "direct";
    case SvdRoute::krylov:
      return "krylov";
  }
  __builtin_unreachable();
}

bool is_krylov_cheaper(Index rows, Index cols, Index rank) {
  const auto n = static_cast<double>(std::max(rows, cols)), d = static_cast<double>(std::min(rows, cols)),
             k = static_cast<double>(rank);
  constexpr double kRoom = 1 << 28;
  return 12 * n * d * k + 72 * (n + d) * k * k < n * d * d + 11 * d * d * d &&
         26 * (n + d) * k <= std::max(kRoom, 24 * d * d);
}

namespace {

RightSingularVectors solve_truncated(const RowSource& a, const TruncatedSvdOptions& options) {
  const bool chosen = options.route == SvdRoute::automatic && options.eps > 0 && num_vectors(options) == options.rank &&
                      is_krylov_cheaper(a.rows(), a.cols(), options.rank);
  if (chosen || options.route == SvdRoute::krylov) {
    auto [svd, converged] = krylov_route(a, options);
    if (converged || !chosen) return std::move(svd);
  }
  if (a.rows() < a.cols()) return wide_route(a, options);
  if (options.route == SvdRoute::direct) return direct_route(a, options);
  RightSingularVectors result = gram_route(a, options);
  const auto& sigma = result.singular_values;
  const bool lost = sigma[options.rank - 1] < kGramRouteLimit * sigma[0];
  return lost && options.route == SvdRoute::automatic ? direct_route(a, options) : std::move(result);
}

// The square root of the largest weight: the factor of the rows.
double largest_factor(std::span<const double> weights) {
  return weights.empty() ? 1.0 : std::sqrt(std::ranges::max(weights));
}

}  // namespace

RightSingularVectors truncated_svd(const RowSource& a, const TruncatedSvdOptions& options) {
  require_usable(a, options);
  const double largest = detail::largest_magnitude(a, "truncated_svd: the matrix");
  const int of_rows = detail::input_exponent(largest, detail::kOrdinaryFloats),
            of_weights = detail::input_exponent(largest_factor(options.row_weights), detail::kOrdinaryFloats);
  if (of_rows == 0 && of_weights == 0) return solve_truncated(a, options);
  const detail::ScaledRows rows(a, of_rows);
  std::vector<double> weights(options.row_weights.begin(), options.row_weights.end());
  for (double& w : weights) w = std::ldexp(w, -2 * of_weights);
  TruncatedSvdOptions scaled = options;
  scaled.row_weights = weights;
  RightSingularVectors result = solve_truncated(of_rows == 0 ? a : rows, scaled);
  detail::restore(kTruncatedSvd, "the singular values", result.singular_values, of_rows + of_weights);
  result.residual_norm =
      detail::restored(kTruncatedSvd, "the error of the approximation", result.residual_norm, of_rows + of_weights);
  return result;
}

}  // namespace loewner
