// SPDX-License-Identifier: Apache-2.0
#include "regression/regression_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/compensated_products.hpp"
#include "linalg/row_kernels.hpp"
#include "regression/columns.hpp"

namespace loewner::detail {
namespace {

constexpr double kRoundOff = std::numeric_limits<double>::epsilon();
constexpr double kExactFit = 1e-12;    // of the largest target
constexpr double kLeastSize = 1e-290;  // 1 / size is finite
constexpr double kProvenSize = 1000;   // of x, where rank(A) < d; the docstring of lp_regression says half of it
constexpr int kRefinements = 4;

// Some columns of b with their solutions.
class RegressionBlock {
 public:
  RegressionBlock(const RegressionTask& task, Index first, Index count)
      : task_(task),
        design_(task.design),
        loss_(task.loss_at(task.exponents[first])),
        first_(first),
        count_(count),
        b_(scaled_columns(task, first, count)),
        targets_(weighted(b_)) {}

  // Least squares, then the loss on the residual.
  void solve(RobustRegression& result, std::vector<int>& iterations) {
    Matrix<double> y = design_.transposed_product(targets_), rest = targets_.clone();
    design_.subtract_product(y, rest);
    const Matrix<double> correction = design_.transposed_product(rest);  // rounding errors
    design_.subtract_product(correction, rest);
    add(correction, y);
    const std::vector<double> sizes = column_maxima(targets_), left = column_maxima(rest);
    std::vector<double> down(count_, 1.0), up(count_, 1.0);
    for (Index j = 0; j < count_; ++j) {
      if (left[j] <= std::max(kExactFit * sizes[j], kLeastSize)) {  // an exact fit
        down[j] = up[j] = 0;
      } else if (loss_->degree() == 1) {
        down[j] = 1 / left[j];
        up[j] = left[j];
      }
    }
    scale_columns(down, rest);
    BasisSolutions solutions = design_.rank() > 0 ? loss_->solve(rest) : BasisSolutions(0, targets_.rows(), count_);
    scale_columns(up, solutions.y);
    add(solutions.y, y);
    x_ = design_.coefficients(y);
    residual_ = design_.residual(b_, x_);
    if (design_.is_ill_conditioned()) refine(y);
    round_to_answer();
    const auto errors = design_.project_duals(solutions.z);
    for (Index j = 0; j < count_; ++j) {
      const bool is_exact = up[j] == 0;
      assess(j, sizes[j], column_of(solutions.z.view(), j), errors[j],
             is_exact ? Status::converged : solutions.statuses[j], result);
      iterations[first_ + j] = is_exact ? 0 : solutions.iterations[j];
    }
  }

 private:
  Matrix<double> weighted(const Matrix<double>& b) const {
    Matrix<double> targets = b.clone();
    for (Index i = 0; i < b.rows(); ++i) {
      for (Index j = 0; j < b.cols(); ++j) targets(i, j) = design_.scale(i) * b(i, j);
    }
    return targets;
  }

  static void add(const Matrix<double>& change, Matrix<double>& y) {
    for (Index i = 0; i < y.rows() * y.cols(); ++i) y.data()[i] += change.data()[i];
  }

  // Coefficients of size cond(A) lose the fit U y to rounding. The misfit is computed from A and fitted again, as long
  // as it falls.
  void refine(const Matrix<double>& y) {
    Matrix<double> goal = targets_.clone();
    design_.subtract_product(y, goal);
    const auto misfit_of = [&](const Matrix<double>& residual) {
      Matrix<double> misfit = residual.clone();
      for (Index i = 0; i < goal.rows() * count_; ++i) misfit.data()[i] -= goal.data()[i];
      return misfit;
    };
    Matrix<double> misfit = misfit_of(residual_);
    std::vector<double> sizes = column_maxima(misfit);
    for (int round = 0; round < kRefinements; ++round) {
      Matrix<double> x = design_.coefficients(design_.transposed_product(misfit));
      add(x_, x);
      const Matrix<double> residual = design_.residual(b_, x);
      const Matrix<double> next = misfit_of(residual);
      const std::vector<double> next_sizes = column_maxima(next);
      bool improves = false;
      for (Index j = 0; j < count_; ++j) {
        if (!(next_sizes[j] < sizes[j])) continue;
        improves = improves || next_sizes[j] < sizes[j] / 2;
        sizes[j] = next_sizes[j];
        copy_column(x, j, x_);
        copy_column(residual, j, residual_);
        copy_column(next, j, misfit);
      }
      if (!improves) return;
    }
  }

  static void copy_column(const Matrix<double>& from, Index j, Matrix<double>& to) {
    for (Index i = 0; i < from.rows(); ++i) to(i, j) = from(i, j);
  }

  double answer(Index k, Index j) const { return design_.coefficient_of_a(k, x_(k, j), task_.exponents[first_ + j]); }

  // Where the answer is too small or too large a number, the residual is that of what is returned; an infinite one
  // becomes x = 0.
  void round_to_answer() {
    bool changes = false;
    for (Index j = 0; j < count_; ++j) {
      bool is_finite = true;
      for (Index k = 0; k < x_.rows(); ++k) is_finite = is_finite && std::isfinite(answer(k, j));
      for (Index k = 0; k < x_.rows(); ++k) {
        const double returned =
            is_finite ? design_.scaled_coefficient(k, answer(k, j), task_.exponents[first_ + j]) : 0;
        changes = changes || returned != x_(k, j);
        x_(k, j) = returned;
      }
    }
    if (changes) residual_ = design_.residual(b_, x_);
  }

  // The objective, its lower bound and the status of column j, or those of x = 0 if that is no worse.
  void assess(Index j, double size, const std::vector<double>& z, const DualError& error, Status status,
              RobustRegression& result) {
    std::vector<double> residual = column_of(residual_.view(), j), x = column_of(x_.view(), j);
    const std::vector<double> target = column_of(targets_.view(), j);
    double objective = loss_->objective(residual);
    const double at_zero = loss_->objective(target);
    if (!(objective < at_zero)) {
      objective = at_zero;
      residual = target;
      std::ranges::fill(x, 0.0);
    }
    double lower_bound = 0;
    if (design_.rank() == 0) {
      lower_bound = objective;
    } else if (design_.can_prove()) {
      const double off = design_.rank() == design_.cols() ? error.per_image * loss_->reach(objective)
                                                          : error.per_size * kProvenSize * (1 + euclidean_norm(x));
      const double rounding = 2 * kRoundOff * loss_->reach_along(z, objective);
      lower_bound = loss_->bound(z, compensated_dot(z, residual) - off - rounding) * (1 - 8 * kRoundOff);
      lower_bound = lower_bound > 0 ? std::min(lower_bound, objective) : 0.0;  // 0 for NaN
    }
    double misfit = 0;
    for (const double value : residual) misfit = std::max(misfit, std::abs(value));
    const bool is_solved = misfit <= kExactFit * size || objective - lower_bound <= task_.tolerance * objective;
    const int exponent = loss_->degree() * (task_.exponents[first_ + j] + design_.scale_exponent());
    for (Index k = 0; k < x_.rows(); ++k) {
      x_(k, j) = x[k];
      result.x(k, first_ + j) = answer(k, j);
    }
    result.objectives[first_ + j] = std::ldexp(objective, exponent);
    result.lower_bounds[first_ + j] = std::ldexp(lower_bound, exponent);
    result.statuses[first_ + j] = is_solved                     ? Status::converged
                                  : status == Status::converged ? Status::stalled
                                                                : status;
  }

  const RegressionTask& task_;
  const RegressionDesign& design_;
  std::shared_ptr<const RegressionLoss> loss_;
  Index first_, count_;
  Matrix<double> b_, targets_;  // divided by powers of two; times S
  Matrix<double> x_, residual_;
};

}  // namespace

Matrix<double> scaled_columns(const RegressionTask& task, Index first, Index count) {
  std::vector<double> factors(count);
  for (Index j = 0; j < count; ++j) factors[j] = std::ldexp(1.0, -task.exponents[first + j]);
  Matrix<double> b = Matrix<double>::uninitialized(task.b.rows(), count);
  for (Index i = 0; i < b.rows(); ++i) {
    for (Index j = 0; j < count; ++j) b(i, j) = task.design.scale(i) > 0 ? task.b(i, first + j) * factors[j] : 0.0;
  }
  return b;
}

void solve_block(const RegressionTask& task, Index first, Index count, RobustRegression& result,
                 std::vector<int>& iterations) {
  RegressionBlock(task, first, count).solve(result, iterations);
}

}  // namespace loewner::detail
