// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/channel_metric.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/norms/lp_error.hpp"

namespace loewner {
namespace {

const detail::ArgumentCheck kMetricCheck("ChannelMetric");
constexpr double kMomentRounding = 1e-4;  // of float32 sums, relative to the largest eigenvalue

// G as a matrix of its own, divided by its largest diagonal entry.
Matrix<double> scaled_copy(MatrixView<const double> g) {
  kMetricCheck.that(g.rows() == g.cols() && g.rows() > 0,
                    [&] { return "sensitivities must be square, got " + detail::shape_text(g.rows(), g.cols()); });
  double largest = 0;
  for (Index i = 0; i < g.rows(); ++i) {
    for (Index j = 0; j < g.cols(); ++j) {
      kMetricCheck.that(std::isfinite(g(i, j)), [&] {
        return "sensitivities must be finite, got " + detail::text_of(g(i, j)) + " at row " + std::to_string(i) +
               ", column " + std::to_string(j);
      });
    }
    largest = std::max(largest, g(i, i));
  }
  kMetricCheck.that(largest > 0, [] { return std::string("sensitivities must have a positive diagonal entry"); });
  Matrix<double> copy = Matrix<double>::uninitialized(g.rows(), g.cols());
  for (Index i = 0; i < g.rows(); ++i) {
    for (Index j = 0; j < g.cols(); ++j) {
      kMetricCheck.that(std::abs(g(i, j) - g(j, i)) <= kMomentRounding * largest, [&] {
        return "sensitivities must be symmetric, but differ at row " + std::to_string(i) + ", column " +
               std::to_string(j);
      });
      copy(i, j) = (g(i, j) / largest + g(j, i) / largest) / 2;
    }
  }
  return copy;
}

// The damped eigenvalues over their mean.
std::vector<double> damped(std::vector<double> values) {
  kMetricCheck.that(values.back() >= -kMomentRounding * std::max(values.front(), 0.0), [&] {
    return "sensitivities must be positive semidefinite, got the eigenvalue " + detail::text_of(values.back()) +
           " relative to the largest diagonal entry";
  });
  for (double& value : values) value = std::max(value, 0.0);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  for (double& value : values) value = (value / mean + kChannelDamping) / (1 + kChannelDamping);
  return values;
}

// V^T diag(values^power) V
Matrix<double> power_of(const Matrix<double>& vectors_t, const std::vector<double>& values, double power) {
  const Index d = vectors_t.rows();
  Matrix<double> scaled = vectors_t.clone(), result = Matrix<double>::uninitialized(d, d);
  for (Index k = 0; k < d; ++k) {
    const double scale = std::pow(values[k], power / 2);
    for (double& x : scaled.row(k)) x *= scale;
  }
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, scaled.view(), scaled.view(), 0.0, result.view());
  return result;
}

// Refers to rows that outlive it.
std::shared_ptr<const RowSource> reference_to(const RowSource& rows) {
  return {std::shared_ptr<const RowSource>(), &rows};
}

}  // namespace

ChannelMetric::ChannelMetric(MatrixView<const double> sensitivity) {
  const SymmetricEigen eigen = symmetric_eigen(scaled_copy(sensitivity));
  const std::vector<double> values = damped(eigen.values);
  root_ = power_of(eigen.vectors_t, values, 0.5);
  inverse_root_ = power_of(eigen.vectors_t, values, -0.5);
}

bool is_uniform(MatrixView<const double> sensitivity) {
  for (Index i = 0; i < sensitivity.rows(); ++i) {
    for (Index j = 0; j < sensitivity.cols(); ++j) {
      if (sensitivity(i, j) != (i == j ? sensitivity(0, 0) : 0.0)) return false;
    }
  }
  return true;
}

std::shared_ptr<const RowSource> rows_in_metric(std::shared_ptr<const RowSource> table, const ChannelMetric& metric) {
  return std::make_shared<ProjectedRows>(std::move(table), metric.root());
}

double channel_error(const RowSource& table, const RowSource& encoded, const ChannelMetric& metric,
                     std::span<const double> row_weights) {
  const auto a = rows_in_metric(reference_to(table), metric), b = rows_in_metric(reference_to(encoded), metric);
  return approximation_errors(*a, *b, row_weights, 2).weighted_relative_error();
}

}  // namespace loewner
