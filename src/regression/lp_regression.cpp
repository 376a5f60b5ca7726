// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "linalg/row_kernels.hpp"
#include "linalg/row_weight_check.hpp"
#include "loewner/base/parallel.hpp"
#include "regression/polyhedral_regression.hpp"
#include "regression/regression_design.hpp"
#include "regression/smooth_regression.hpp"

namespace loewner {
namespace {

using detail::BasisSolutions;
using detail::RegressionDesign;
using detail::RegressionStop;

constexpr double kExactFit = 1e-12;                 // of the largest target
constexpr double kLeastSize = 1e-290;               // so that 1 / size is finite
constexpr Index kMostColumns = 32;                  // of a block: more make its products no faster
constexpr Index kNumbersPerBlock = Index{1} << 20;  // of one of the few matrices n x columns that a block works on

// Solves columns of targets that are orthogonal to the design and, unless the loss has a scale of its own, of order 1.
using BlockSolver = std::function<BasisSolutions(const Matrix<double>& targets)>;

struct RegressionTask {
  const RegressionDesign& design;
  MatrixView<const double> b;
  bool scale_free;  // the objective of c r is c times that of r
  BlockSolver solve;
  std::function<double(std::span<const double> residual)> objective;
};

void check(const std::string& caller, Index rows, MatrixView<const double> b, std::span<const double> row_weights,
           double tolerance, int max_iterations) {
  require(b.rows() == rows, [&] {
    return caller + ": b needs one row per row of a, " + std::to_string(rows) + ", got " + std::to_string(b.rows());
  });
  require(tolerance >= 0 && tolerance < 1 && max_iterations >= 0, [&] {
    return caller + ": a tolerance in [0, 1) and max_iterations >= 0 are needed, got " + std::to_string(tolerance) +
           " and " + std::to_string(max_iterations);
  });
  detail::require_row_weights(row_weights, rows, caller);
  require_finite(RowMatrix(b), caller + ": b");
}

Matrix<double> scaled_targets(const RegressionTask& task, Index first, Index count) {
  Matrix<double> targets = Matrix<double>::uninitialized(task.b.rows(), count);
  for (Index i = 0; i < targets.rows(); ++i) {
    const double scale = task.design.scale(i);
    for (Index j = 0; j < count; ++j) targets(i, j) = scale * task.b(i, first + j);
  }
  return targets;
}

std::vector<double> column_sizes(const Matrix<double>& a) {
  std::vector<double> sizes(a.cols(), 0.0);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) sizes[j] = std::max(sizes[j], std::abs(a(i, j)));
  }
  return sizes;
}

// a(:, j) *= factors[j]
void scale_columns(const std::vector<double>& factors, Matrix<double>& a) {
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) a(i, j) *= factors[j];
  }
}

std::vector<double> column(const Matrix<double>& a, Index j) {
  std::vector<double> values(a.rows());
  for (Index i = 0; i < a.rows(); ++i) values[i] = a(i, j);
  return values;
}

// Columns first ... first + count - 1: least squares, then the loss on what is left.
void solve_block(const RegressionTask& task, Index first, Index count, RobustRegression& result,
                 std::vector<int>& iterations) {
  const Matrix<double> targets = scaled_targets(task, first, count);
  Matrix<double> y = task.design.transposed_product(targets), rest = targets.clone();
  task.design.subtract_product(y, rest);
  const Matrix<double> correction = task.design.transposed_product(rest);  // what rounding has left
  task.design.subtract_product(correction, rest);
  for (Index i = 0; i < y.rows() * count; ++i) y.data()[i] += correction.data()[i];
  const std::vector<double> sizes = column_sizes(targets), left = column_sizes(rest);
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
  const std::vector<double> misfits = column_sizes(residual);
  for (Index j = 0; j < count; ++j) {
    for (Index k = 0; k < x.rows(); ++k) result.x(k, first + j) = x(k, j);
    const double objective = task.objective(column(residual, j));
    const bool exact = up[j] == 0 || misfits[j] <= kExactFit * sizes[j];
    result.objectives[first + j] = objective;
    result.lower_bounds[first + j] = std::clamp(up[j] * solutions.lower_bounds[j], 0.0, objective);
    result.statuses[first + j] = exact ? Status::converged : solutions.statuses[j];
    iterations[first + j] = up[j] == 0 ? 0 : solutions.iterations[j];
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
  // Where there are fewer blocks than threads, each block's own loops are shared out.
  if (blocks >= num_threads()) {
    parallel_for(blocks, block);
  } else {
    for (Index i = 0; i < blocks; ++i) block(i);
  }
  for (const int count : iterations) result.iterations = std::max(result.iterations, count);
  return result;
}

// p = 1 and infinity: column by column.
BasisSolutions solve_columns(const RegressionDesign& design, const Matrix<double>& targets, const RegressionStop& stop,
                             const std::function<detail::BasisSolution(std::span<const double>)>& solve_column) {
  BasisSolutions solutions(design.rank(), targets.cols());
  const auto solve_one = [&](Index j) {
    const std::vector<double> b = column(targets, j);
    if (std::ranges::all_of(b, [](double value) { return value == 0; })) return;  // an exact fit
    const detail::BasisSolution solution = solve_column(b);
    for (Index k = 0; k < design.rank(); ++k) solutions.y(k, j) = solution.y[k];
    solutions.lower_bounds[j] = solution.lower_bound;
    solutions.statuses[j] = solution.status;
    solutions.iterations[j] = std::min(solution.iterations, stop.max_iterations);
  };
  if (targets.cols() >= num_threads()) {
    parallel_for(targets.cols(), solve_one);
  } else {
    for (Index j = 0; j < targets.cols(); ++j) solve_one(j);
  }
  return solutions;
}

double largest_size(std::span<const double> x) {
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

double norm(std::span<const double> x, double p) {
  const double largest = largest_size(x);
  if (largest == 0 || std::isinf(p)) return largest;
  double sum = 0;
  for (const double value : x) sum += std::pow(std::abs(value) / largest, p);
  return largest * std::pow(sum, 1 / p);
}

// s with  ||diag(s) r||_p  the objective.
std::vector<double> norm_scales(std::span<const double> weights, double p) {
  std::vector<double> scales(weights.begin(), weights.end());
  if (std::isinf(p)) return scales;
  for (double& scale : scales) scale = std::pow(scale, 1 / p);
  return scales;
}

// Without columns there is nothing to choose: the bound is the objective.
BasisSolutions no_choice(const Matrix<double>& targets, const RegressionTask& task) {
  BasisSolutions solutions(0, targets.cols());
  for (Index j = 0; j < targets.cols(); ++j) {
    solutions.lower_bounds[j] = task.objective(column(targets, j));
    solutions.statuses[j] = Status::converged;
  }
  return solutions;
}

std::vector<double> row_lengths(MatrixView<const double> a) {
  std::vector<double> lengths(a.rows());
  for (Index i = 0; i < a.rows(); ++i) lengths[i] = std::sqrt(detail::dot(a.row(i), a.row(i)));
  return lengths;
}

BlockSolver norm_solver(const RegressionDesign& design, double p, const RegressionStop& stop) {
  if (p == 1) {
    return [&design, lengths = row_lengths(design.basis()), stop](const Matrix<double>& targets) {
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
  if (task.design.rank() == 0) task.solve = [&](const Matrix<double>& targets) { return no_choice(targets, task); };
  return solve(task);
}

}  // namespace

bool RobustRegression::converged() const {
  return std::ranges::all_of(statuses, [](Status status) { return status == Status::converged; });
}

RobustRegression lp_regression(const RowMatrix& a, MatrixView<const double> b, const LpRegressionOptions& options) {
  const double p = options.norm_exponent;
  require(p >= 1, [&] { return "lp_regression: the norm exponent must be >= 1, got " + std::to_string(p); });
  check("lp_regression", a.rows(), b, options.row_weights, options.tolerance, options.max_iterations);
  const RegressionDesign design(a, norm_scales(options.row_weights, p), "lp_regression");
  const RegressionStop stop{options.tolerance, options.max_iterations};
  return solve_any_rank({.design = design,
                         .b = b,
                         .scale_free = true,
                         .solve = norm_solver(design, p, stop),
                         .objective = [p](std::span<const double> residual) { return norm(residual, p); }});
}

RobustRegression huber_regression(const RowMatrix& a, MatrixView<const double> b,
                                  const HuberRegressionOptions& options) {
  const double c = options.scale;
  require(c > 0 && std::isfinite(c),
          [&] { return "huber_regression: the scale must be positive and finite, got " + std::to_string(c); });
  check("huber_regression", a.rows(), b, options.row_weights, options.tolerance, options.max_iterations);
  // u rho_c(r) = rho_(sqrt(u) c)(sqrt(u) r)
  const RegressionDesign design(a, norm_scales(options.row_weights, 2), "huber_regression");
  std::vector<double> thresholds(a.rows());
  for (Index i = 0; i < a.rows(); ++i) thresholds[i] = c * design.scale(i);
  const RegressionStop stop{options.tolerance, options.max_iterations};
  return solve_any_rank({.design = design,
                         .b = b,
                         .scale_free = false,
                         .solve =
                             [&](const Matrix<double>& targets) {
                               return detail::smooth_huber_regression(design, targets, thresholds, stop);
                             },
                         .objective =
                             [&](std::span<const double> residual) {
                               double sum = 0;
                               for (std::size_t i = 0; i < residual.size(); ++i) {
                                 const double size = std::abs(residual[i]), threshold = thresholds[i];
                                 sum += size <= threshold ? size * size / 2 : threshold * (size - threshold / 2);
                               }
                               return sum;
                             }});
}

}  // namespace loewner
