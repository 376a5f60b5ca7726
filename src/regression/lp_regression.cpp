// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/argument_check.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"
#include "norms/huber.hpp"
#include "norms/lp_norm.hpp"
#include "regression/columns.hpp"
#include "regression/least_absolute_deviations.hpp"
#include "regression/minimax_regression.hpp"
#include "regression/regression_design.hpp"
#include "regression/smooth_regression.hpp"

namespace loewner {
namespace {

using detail::ArgumentCheck;
using detail::BasisSolutions;
using detail::column_maxima;
using detail::column_of;
using detail::RegressionDesign;
using detail::RegressionStop;
using detail::scale_columns;

constexpr double kExactFit = 1e-12;                 // of the largest target
constexpr double kLeastSize = 1e-290;               // 1 / size is finite
constexpr Index kMostColumns = 32;                  // of a block: products with more columns are no faster
constexpr Index kNumbersPerBlock = Index{1} << 20;  // entries of each n x columns matrix of a block

// Solves columns of targets that are orthogonal to the design, of order 1 if the loss is scale
// free.
using BlockSolver = std::function<BasisSolutions(const Matrix<double>& targets)>;

struct RegressionTask {
  const RegressionDesign& design;
  MatrixView<const double> b;
  bool scale_free;  // objective(c r) = c objective(r)
  BlockSolver solve;
  std::function<double(std::span<const double> residual)> objective;
};

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

Matrix<double> scaled_targets(const RegressionTask& task, Index first, Index count) {
  Matrix<double> targets = Matrix<double>::uninitialized(task.b.rows(), count);
  for (Index i = 0; i < targets.rows(); ++i) {
    const double scale = task.design.scale(i);
    for (Index j = 0; j < count; ++j) targets(i, j) = scale * task.b(i, first + j);
  }
  return targets;
}

// Columns first ... first + count - 1: least squares, then the loss on the residual.
void solve_block(const RegressionTask& task, Index first, Index count, RobustRegression& result,
                 std::vector<int>& iterations) {
  const Matrix<double> targets = scaled_targets(task, first, count);
  Matrix<double> y = task.design.transposed_product(targets), rest = targets.clone();
  task.design.subtract_product(y, rest);
  const Matrix<double> correction = task.design.transposed_product(rest);  // rounding errors
  task.design.subtract_product(correction, rest);
  for (Index i = 0; i < y.rows() * count; ++i) y.data()[i] += correction.data()[i];
  const std::vector<double> sizes = column_maxima(targets), left = column_maxima(rest);
  std::vector<double> down(count, 1.0), up(count, 1.0);
  for (Index j = 0; j < count; ++j) {
    if (left[j] <= std::max(kExactFit * sizes[j], kLeastSize)) {  // an exact fit
      down[j] = up[j] = 0;
    } else if (task.scale_free) {
      down[j] = 1 / left[j];
      up[j] = left[j];
    }
  }
  scale_columns(down, rest);
  BasisSolutions solutions = task.solve(rest);
  scale_columns(up, solutions.y);
  for (Index i = 0; i < y.rows() * count; ++i) y.data()[i] += solutions.y.data()[i];
  const Matrix<double> x = task.design.solution(y), residual = task.design.residual(targets, x);
  const std::vector<double> misfits = column_maxima(residual);
  for (Index j = 0; j < count; ++j) {
    for (Index k = 0; k < x.rows(); ++k) result.x(k, first + j) = x(k, j);
    const double objective = task.objective(column_of(residual.view(), j));
    const bool exact = up[j] == 0 || misfits[j] <= kExactFit * sizes[j];
    result.objectives[first + j] = objective;
    result.lower_bounds[first + j] = std::clamp(up[j] * solutions.lower_bounds[j], 0.0, objective);
    result.statuses[first + j] = exact ? Status::converged : solutions.statuses[j];
    iterations[first + j] = up[j] == 0 ? 0 : solutions.iterations[j];
  }
}

// Runs the tasks in parallel. If there are fewer tasks than threads, the loops inside a task run in
// parallel instead.
template <typename Task>
void for_each_task(Index count, Task&& task) {
  if (count >= num_threads()) {
    parallel_for(count, task);
  } else {
    for (Index i = 0; i < count; ++i) task(i);
  }
}

RobustRegression solve(const RegressionTask& task) {
  const Index t = task.b.cols();
  RobustRegression result{.x = Matrix<double>(task.design.cols(), t),
                          .objectives = std::vector<double>(t),
                          .lower_bounds = std::vector<double>(t),
                          .statuses = std::vector<Status>(t),
                          .rank = task.design.rank()};
  const Index width = std::clamp<Index>(kNumbersPerBlock / std::max<Index>(1, task.b.rows()), 1, kMostColumns);
  std::vector<int> iterations(t, 0);
  const auto block = [&](Index i) { solve_block(task, i * width, std::min(width, t - i * width), result, iterations); };
  const Index blocks = (t + width - 1) / width;
  for_each_task(blocks, block);
  for (const int count : iterations) result.iterations = std::max(result.iterations, count);
  return result;
}

// Column by column, for p = 1 and infinity.
BasisSolutions solve_columns(const RegressionDesign& design, const Matrix<double>& targets, const RegressionStop& stop,
                             const std::function<detail::BasisSolution(std::span<const double>)>& solve_column) {
  BasisSolutions solutions(design.rank(), targets.cols());
  const auto solve_one = [&](Index j) {
    const std::vector<double> b = column_of(targets.view(), j);
    if (std::ranges::all_of(b, [](double value) { return value == 0; })) return;  // an exact fit
    const detail::BasisSolution solution = solve_column(b);
    for (Index k = 0; k < design.rank(); ++k) solutions.y(k, j) = solution.y[k];
    solutions.lower_bounds[j] = solution.lower_bound;
    solutions.statuses[j] = solution.status;
    solutions.iterations[j] = std::min(solution.iterations, stop.max_iterations);
  };
  for_each_task(targets.cols(), solve_one);
  return solutions;
}

// s with  objective = ||diag(s) r||_p.  For p = infinity the weights multiply the residuals.
std::vector<double> residual_scales(std::span<const double> weights, double p) {
  if (std::isinf(p)) return {weights.begin(), weights.end()};
  return detail::norm_scales(weights, p);
}

// For a design of rank 0 the lower bound is the objective.
BasisSolutions solutions_of_rank_zero(const Matrix<double>& targets, const RegressionTask& task) {
  BasisSolutions solutions(0, targets.cols());
  for (Index j = 0; j < targets.cols(); ++j) {
    solutions.lower_bounds[j] = task.objective(column_of(targets.view(), j));
    solutions.statuses[j] = Status::converged;
  }
  return solutions;
}

std::vector<double> row_norms(MatrixView<const double> a) {
  std::vector<double> norms(a.rows());
  for (Index i = 0; i < a.rows(); ++i) norms[i] = detail::euclidean_norm(a.row(i));
  return norms;
}

BlockSolver norm_solver(const RegressionDesign& design, double p, const RegressionStop& stop) {
  if (p == 1) {
    return [&design, lengths = row_norms(design.basis()), stop](const Matrix<double>& targets) {
      return solve_columns(design, targets, stop, [&](std::span<const double> b) {
        return detail::least_absolute_deviations(design.basis(), lengths, b, stop);
      });
    };
  }
  if (std::isinf(p)) {
    return [&design, stop](const Matrix<double>& targets) {
      return solve_columns(design, targets, stop, [&](std::span<const double> b) {
        return detail::minimax_regression(design.basis(), b, stop);
      });
    };
  }
  return [&design, p, stop](const Matrix<double>& targets) {
    return detail::smooth_power_regression(design, targets, p, stop);
  };
}

RobustRegression solve_any_rank(RegressionTask task) {
  if (task.design.rank() == 0) {
    task.solve = [&](const Matrix<double>& targets) { return solutions_of_rank_zero(targets, task); };
  }
  return solve(task);
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
  return solve_any_rank({.design = design,
                         .b = b,
                         .scale_free = true,
                         .solve = norm_solver(design, p, stop),
                         .objective = [p](std::span<const double> residual) { return detail::lp_norm(residual, p); }});
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
  std::vector<double> thresholds(a.rows());
  for (Index i = 0; i < a.rows(); ++i) thresholds[i] = c * design.scale(i);
  const auto solve = [&](const Matrix<double>& targets) {
    return detail::smooth_huber_regression(design, targets, thresholds, stop);
  };
  const auto objective = [&](std::span<const double> residual) {
    double sum = 0;
    for (std::size_t i = 0; i < residual.size(); ++i) {
      sum += detail::huber_value(std::abs(residual[i]), thresholds[i]);
    }
    return sum;
  };
  return solve_any_rank({.design = design, .b = b, .scale_free = false, .solve = solve, .objective = objective});
}

}  // namespace loewner
