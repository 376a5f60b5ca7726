// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "base/argument_check.hpp"
#include "norms/lp_norm.hpp"
#include "regression/columns.hpp"
#include "regression/regression_block.hpp"
#include "regression/regression_design.hpp"
#include "regression/regression_loss.hpp"

namespace loewner {
namespace {

using detail::ArgumentCheck;
using detail::column_of;
using detail::RegressionDesign;
using detail::RegressionStop;
using detail::RegressionTask;
using detail::scaled_columns;

constexpr int kMostExponent = 1000;                 // 2^1000 is finite
constexpr int kNearlySquare = 400;                  // below c 2^-400 the Huber loss of b is a square, and c no scale
constexpr double kInnerTolerance = 0.9;             // of the tolerance, since proofs allow for rounding errors
constexpr Index kMostColumns = 32;                  // of a block: products with more columns are no faster
constexpr Index kNumbersPerBlock = Index{1} << 20;  // entries of each n x columns matrix of a block

void check_common(const ArgumentCheck& check, Index rows, MatrixView<const double> b,
                  std::span<const double> row_weights, const RegressionStop& stop) {
  check.that(b.rows() == rows, [&] {
    return "b must have one row per row of a, " + detail::text_of(rows) + ", got " + detail::text_of(b.rows());
  });
  check.number(stop.tolerance >= 0 && stop.tolerance < 1, "tolerance", "in [0, 1)", stop.tolerance);
  check.at_least("max_iterations", stop.max_iterations, 0);
  check.row_weights(row_weights, rows);
  check.finite(RowMatrix(b), "b");
}

RegressionStop inner(const RegressionStop& stop) {
  return {kInnerTolerance * stop.tolerance, stop.max_iterations};
}

// Powers of two that scale the largest weighted entry of each column to about 1.
std::vector<int> exponents_of(const RegressionDesign& design, MatrixView<const double> b) {
  std::vector<double> maxima(b.cols(), 0.0);
  for (Index i = 0; i < b.rows(); ++i) {
    for (Index j = 0; j < b.cols(); ++j) maxima[j] = std::max(maxima[j], design.scale(i) * std::abs(b(i, j)));
  }
  std::vector<int> exponents(b.cols(), 0);
  for (Index j = 0; j < b.cols(); ++j) {
    if (maxima[j] > 0) exponents[j] = std::clamp(std::ilogb(maxima[j]) + 1, -kMostExponent, kMostExponent);
  }
  return exponents;
}

// The objectives are at most those of x = 0, which must be numbers, and not 0 by underflow: then x = 0 would be no worse.
void check_sizes(const RegressionTask& task) {
  for (Index j = 0; j < task.b.cols(); ++j) {
    const auto loss = task.loss_at(task.exponents[j]);
    const int exponent = loss->degree() * (task.exponents[j] + task.design.scale_exponent());
    if (std::abs(exponent) < kMostExponent / 2) continue;
    const Matrix<double> column = scaled_columns(task, j, 1);
    std::vector<double> target = column_of(column.view(), 0);
    for (Index i = 0; i < task.b.rows(); ++i) target[i] *= task.design.scale(i);
    const double scaled = loss->objective(target), at_zero = std::ldexp(scaled, exponent);
    task.check.that(std::isfinite(at_zero), [&] {
      return "the objective of x = 0 must be finite, got an overflow in column " + detail::text_of(j) + " of b";
    });
    task.check.that(at_zero > 0 || !(scaled > 0), [&] {
      return "the objective of x = 0 underflows float64 in column " + detail::text_of(j) +
             " of b; multiply the input by a constant";
    });
  }
}

RobustRegression solve(const RegressionTask& task) {
  check_sizes(task);
  const Index t = task.b.cols();
  RobustRegression result{.x = Matrix<double>(task.design.cols(), t),
                          .objectives = std::vector<double>(t),
                          .lower_bounds = std::vector<double>(t),
                          .statuses = std::vector<Status>(t),
                          .rank = task.design.rank()};
  const Index width = std::clamp<Index>(kNumbersPerBlock / std::max<Index>(1, task.b.rows()), 1, kMostColumns);
  std::vector<int> iterations(t, 0);
  std::vector<Index> starts{0};  // of the blocks
  for (Index j = 1; j < t; ++j) {
    const bool other_loss = task.shares_exponent && task.exponents[j] != task.exponents[j - 1];
    if (other_loss || j - starts.back() == width) starts.push_back(j);
  }
  starts.push_back(t);
  detail::for_each_task(t > 0 ? static_cast<Index>(starts.size()) - 1 : 0, [&](Index block) {
    detail::solve_block(task, starts[block], starts[block + 1] - starts[block], result, iterations);
  });
  for (const int count : iterations) result.iterations = std::max(result.iterations, count);
  return result;
}

// s with  objective = ||diag(s) r||_p.  For p = infinity the weights multiply the residuals.
std::vector<double> residual_scales(std::span<const double> weights, double p) {
  if (std::isinf(p)) return {weights.begin(), weights.end()};
  return detail::norm_scales(weights, p);
}

// The powers of two that scale b and c: c sets the scale unless it is so large that all losses are squares.
std::vector<int> huber_exponents(const RegressionDesign& design, MatrixView<const double> b, double c) {
  const int of_c = std::clamp(std::ilogb(c) + 1, -kMostExponent, kMostExponent);
  std::vector<int> exponents = exponents_of(design, b);
  for (int& exponent : exponents) {
    if (exponent >= of_c - kNearlySquare) exponent = std::max(of_c, exponent - kMostExponent);
  }
  return exponents;
}

}  // namespace

bool RobustRegression::converged() const {
  return std::ranges::all_of(statuses, [](Status status) { return status == Status::converged; });
}

RobustRegression lp_regression(const RowMatrix& a, MatrixView<const double> b, const LpRegressionOptions& options) {
  const ArgumentCheck check("lp_regression");
  const double p = options.norm_exponent;
  const RegressionStop stop{options.tolerance, options.max_iterations};
  check.at_least("norm_exponent", p, 1);
  check_common(check, a.rows(), b, options.row_weights, stop);
  const RegressionDesign design(a, residual_scales(options.row_weights, p), check);
  return solve({.check = check,
                .design = design,
                .b = b,
                .tolerance = stop.tolerance,
                .exponents = exponents_of(design, b),
                .shares_exponent = false,
                .loss_at = [loss = detail::norm_loss(design, p, inner(stop))](int) { return loss; }});
}

RobustRegression huber_regression(const RowMatrix& a, MatrixView<const double> b,
                                  const HuberRegressionOptions& options) {
  const ArgumentCheck check("huber_regression");
  const double c = options.scale;
  const RegressionStop stop{options.tolerance, options.max_iterations};
  check.positive_and_finite("scale", c);
  check_common(check, a.rows(), b, options.row_weights, stop);
  // u rho_c(r) = rho_(sqrt(u) c)(sqrt(u) r)
  const RegressionDesign design(a, detail::norm_scales(options.row_weights, 2), check);
  const auto loss_at = [&](int exponent) {
    std::vector<double> thresholds(a.rows());
    for (Index i = 0; i < a.rows(); ++i) thresholds[i] = std::ldexp(c, -exponent) * design.scale(i);
    return detail::huber_sum(design, std::move(thresholds), inner(stop));
  };
  return solve({.check = check,
                .design = design,
                .b = b,
                .tolerance = stop.tolerance,
                .exponents = huber_exponents(design, b, c),
                .shares_exponent = true,
                .loss_at = loss_at});
}

}  // namespace loewner
