// SPDX-License-Identifier: Apache-2.0
#include "regression/smooth_regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/row_pieces.hpp"
#include "regression/newton_system.hpp"
#include "regression/smooth_losses.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;  // one per column

constexpr double kInitialSmoothing = 0.1;  // of the mean residual
constexpr double kSmoothingDecrease = 0.2;
constexpr double kLeastSmoothing = 1e-14;
constexpr double kSequenceTolerance = 1e-2;  // of the solutions for smaller exponents that precede a large one
constexpr double kExponentGrowth = 1.5;
constexpr int kSearchSteps = 20;
constexpr double kSearchSlope = 0.2;  // a line search ends at this fraction of the slope at 0
constexpr int kIdleIterations = 60;   // iterations without a smaller gap

// term(i, j, sums) adds to the `kinds` sums of column j; result: kinds x columns.
template <typename Term>
Matrix<double> column_sums(Index rows, Index cols, Index kinds, Term&& term) {
  return sum_over_pieces(rows, kinds, cols, [&](Index first, Index count, MatrixView<double> sum) {
    for (Index i = first; i < first + count; ++i) {
      for (Index j = 0; j < cols; ++j) term(i, j, sum);
    }
  });
}

Matrix<double> columns_of(const Matrix<double>& a, const std::vector<Index>& columns) {
  Matrix<double> out = Matrix<double>::uninitialized(a.rows(), static_cast<Index>(columns.size()));
  for (Index i = 0; i < a.rows(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) out(i, static_cast<Index>(j)) = a(i, columns[j]);
  }
  return out;
}

// The steps between which the slope of a convex function changes its sign.
struct Bracket {
  double low = 0, high = std::numeric_limits<double>::infinity();

  // Newton's step if it stays inside the bracket and the slope is of the size of the first one.
  // Larger slopes are high powers of the step, on which Newton's method converges slowly: if few
  // rows have curvature, the direction is orders of magnitude too long for the others.
  double next_step(double step, double slope, double curvature, double first_slope) const {
    const double newton = step - slope / curvature;
    if (std::isinf(high)) return newton > 1.5 * step ? std::min(newton, 10 * step) : 1.5 * step;
    const bool near = std::abs(slope) <= 10 * std::abs(first_slope);
    if (near && newton > low && newton < high) return newton;
    return low > 0 ? std::sqrt(low * high) : 0.1 * high;
  }
};

// Newton's method on several columns of targets at once, so that a step reads the design once for
// all of them. A column is removed when its gap is small.
template <typename Loss>
class NewtonBlock {
 public:
  NewtonBlock(const RegressionDesign& design, const Matrix<double>& targets, const Loss& loss,
              const RegressionStop& stop)
      : design_(design), targets_(targets), loss_(loss), stop_(stop) {}

  void improve(BasisSolutions& solutions) {
    start(solutions);
    for (int iteration = 0; !columns_.empty(); ++iteration) {
      evaluate();
      record(solutions, iteration);
      if (columns_.empty()) return;
      const Matrix<double> direction = newton_directions(design_, at_.curvature, at_.gradient, columns_);
      decrease_smoothing(direction);
      move_along(direction);
    }
  }

 private:
  // The current point of each column, with the derivatives of the smoothed loss there.
  struct Point {
    Matrix<double> y;                           // r x t
    Matrix<double> residual, slope, curvature;  // n x t
    Matrix<double> gradient;                    // r x t: U^T slope

    void keep(const std::vector<Index>& columns) {
      for (Matrix<double>* a : {&y, &residual, &slope, &curvature, &gradient}) *a = columns_of(*a, columns);
    }
  };

  Index width() const { return static_cast<Index>(columns_.size()); }

  void start(const BasisSolutions& solutions) {
    columns_.resize(targets_.cols());
    for (Index j = 0; j < width(); ++j) columns_[j].target = j;
    at_.y = solutions.y.clone();
    at_.residual = targets_.clone();
    design_.subtract_product(at_.y, at_.residual);
    if (!loss_.needs_smoothing()) return;
    const auto sizes = column_sums(design_.rows(), width(), 1,
                                   [&](Index i, Index j, auto sum) { sum(0, j) += std::abs(at_.residual(i, j)); });
    for (Index j = 0; j < width(); ++j) {
      columns_[j].smoothing = kInitialSmoothing * sizes(0, j) / static_cast<double>(design_.rows());
    }
  }

  LossPoint loss_at(Index i, Index j, double r) const {
    return loss_.at(r, i, columns_[j].smoothing * columns_[j].smoothing);
  }

  // Derivatives, objectives and lower bounds at the residual. The bound comes from the projection
  // of the slopes on the orthogonal complement of the design, a feasible point of the dual.
  void evaluate() {
    const Index n = design_.rows(), t = width();
    at_.slope = Matrix<double>::uninitialized(n, t);
    at_.curvature = Matrix<double>::uninitialized(n, t);
    const auto values = column_sums(n, t, 2, [&](Index i, Index j, auto sum) {
      const LossPoint point = loss_at(i, j, at_.residual(i, j));
      at_.slope(i, j) = point.slope;
      at_.curvature(i, j) = point.curvature;
      sum(0, j) += loss_.value(at_.residual(i, j), i);
      sum(1, j) += point.value;
    });
    at_.gradient = design_.transposed_product(at_.slope);
    Matrix<double> dual = at_.slope.clone();
    design_.subtract_product(at_.gradient, dual);
    const auto duals = column_sums(n, t, 2, [&](Index i, Index j, auto sum) {
      sum(0, j) += dual(i, j) * at_.residual(i, j);
      sum(1, j) += loss_.dual_value(dual(i, j), i);
    });
    const Values limits = dual_limits(dual);
    for (Index j = 0; j < t; ++j) {
      columns_[j].objective = loss_.objective(values(0, j));
      columns_[j].lower_bound = loss_.bound(duals(0, j), duals(1, j), limits[j]);
      columns_[j].excess = values(1, j) - values(0, j);
    }
  }

  // The largest multiples of the columns of z that are feasible in the dual.
  Values dual_limits(const Matrix<double>& z) const {
    Matrix<double> least(num_pieces(z.rows()), z.cols());
    for_each_piece(z.rows(), [&](Index first, Index count) {
      const auto of_piece = least.row(first / kPiece);
      std::ranges::fill(of_piece, std::numeric_limits<double>::infinity());
      for (Index i = first; i < first + count; ++i) {
        for (Index j = 0; j < z.cols(); ++j) of_piece[j] = std::min(of_piece[j], loss_.dual_limit(z(i, j), i));
      }
    });
    Values limits(z.cols(), std::numeric_limits<double>::infinity());
    for (Index piece = 0; piece < least.rows(); ++piece) {
      for (Index j = 0; j < z.cols(); ++j) limits[j] = std::min(limits[j], least(piece, j));
    }
    return limits;
  }

  // Stores the best point of each column and removes the columns that are finished.
  void record(BasisSolutions& solutions, int iteration) {
    std::vector<Index> unfinished;
    for (Index j = 0; j < width(); ++j) {
      NewtonColumn& column = columns_[j];
      const double gap = column.objective - column.lower_bound;
      ++column.idle_iterations;
      if (gap < column.best_gap) {
        column.idle_iterations = 0;
        column.best_gap = gap;
        for (Index k = 0; k < design_.rank(); ++k) solutions.y(k, column.target) = at_.y(k, j);
        for (Index i = 0; i < design_.rows(); ++i) solutions.z(i, column.target) = at_.slope(i, j);
      }
      const bool converged = gap <= stop_.tolerance * column.objective;
      const bool stalled = column.idle_iterations >= kIdleIterations;
      if (!converged && !stalled && iteration < stop_.max_iterations) {
        unfinished.push_back(j);
        continue;
      }
      solutions.iterations[column.target] += iteration;
      solutions.statuses[column.target] = converged ? Status::converged
                                          : stalled ? Status::stalled
                                                    : Status::max_iterations;
    }
    if (static_cast<Index>(unfinished.size()) == width()) return;
    at_.keep(unfinished);
    std::vector<NewtonColumn> kept;
    kept.reserve(unfinished.size());
    for (const Index j : unfinished) kept.push_back(columns_[j]);
    columns_ = std::move(kept);
  }

  // Smoothing decreases once it costs at least as much as the Newton step can gain.
  void decrease_smoothing(const Matrix<double>& direction) {
    if (!loss_.needs_smoothing()) return;
    for (Index j = 0; j < width(); ++j) {
      NewtonColumn& column = columns_[j];
      double decrement = 0;
      for (Index k = 0; k < design_.rank(); ++k) decrement += at_.gradient(k, j) * direction(k, j);
      if (decrement / 2 <= column.excess) {
        column.smoothing = std::max(kSmoothingDecrease * column.smoothing, kLeastSmoothing);
      }
    }
  }

  // Moves each column to the minimum along its direction, by Newton steps within a bracket of the
  // slope.
  void move_along(const Matrix<double>& direction) {
    const Matrix<double> change = design_.product(direction);
    const Values step = search_steps(change);
    for_each_row(design_.rows(), [&](Index i) {
      for (Index j = 0; j < width(); ++j) at_.residual(i, j) -= step[j] * change(i, j);
    });
    for (Index k = 0; k < design_.rank(); ++k) {
      for (Index j = 0; j < width(); ++j) at_.y(k, j) += step[j] * direction(k, j);
    }
  }

  Values search_steps(const Matrix<double>& change) const {
    const Index t = width();
    Values step(t, 1.0), first(t, 0.0);
    std::vector<Bracket> brackets(t);
    const auto at_start = slopes_along(change, Values(t, 0.0));
    for (Index j = 0; j < t; ++j) first[j] = at_start(0, j);
    std::vector<char> accepted(t, false);
    for (int search = 0; search < kSearchSteps; ++search) {
      const auto along = slopes_along(change, step);
      for (Index j = 0; j < t; ++j) {
        accepted[j] = accepted[j] || std::abs(along(0, j)) <= kSearchSlope * std::abs(first[j]);
        if (accepted[j]) continue;
        (along(0, j) < 0 ? brackets[j].low : brackets[j].high) = step[j];
        step[j] = brackets[j].next_step(step[j], along(0, j), along(1, j), first[j]);
      }
      if (std::ranges::all_of(accepted, [](char value) { return value; })) break;
    }
    for (Index j = 0; j < t; ++j) {
      if (!accepted[j]) step[j] = brackets[j].low;  // the objective still decreases there
    }
    return step;
  }

  // First and second derivatives of the objectives along the change of the residuals, 2 x t.
  Matrix<double> slopes_along(const Matrix<double>& change, const Values& step) const {
    return column_sums(design_.rows(), width(), 2, [&](Index i, Index j, auto sum) {
      const LossPoint point = loss_at(i, j, at_.residual(i, j) - step[j] * change(i, j));
      sum(0, j) -= point.slope * change(i, j);
      sum(1, j) += point.curvature * change(i, j) * change(i, j);
    });
  }

  const RegressionDesign& design_;
  const Matrix<double>& targets_;
  const Loss& loss_;
  RegressionStop stop_;
  std::vector<NewtonColumn> columns_;  // those that are not finished
  Point at_;
};

}  // namespace

BasisSolutions smooth_power_regression(const RegressionDesign& design, const Matrix<double>& targets, double p,
                                       const RegressionStop& stop) {
  BasisSolutions solutions(design.rank(), targets.rows(), targets.cols());
  double smaller = 4;
  while (smaller < p) {
    const PowerLoss loss(smaller);
    NewtonBlock<PowerLoss>(design, targets, loss, {std::max(stop.tolerance, kSequenceTolerance), stop.max_iterations})
        .improve(solutions);
    smaller *= kExponentGrowth;
  }
  const PowerLoss loss(p);
  NewtonBlock<PowerLoss>(design, targets, loss, stop).improve(solutions);
  return solutions;
}

BasisSolutions smooth_huber_regression(const RegressionDesign& design, const Matrix<double>& targets,
                                       const std::vector<double>& thresholds, const RegressionStop& stop) {
  BasisSolutions solutions(design.rank(), targets.rows(), targets.cols());
  const HuberLoss loss(thresholds);
  NewtonBlock<HuberLoss>(design, targets, loss, stop).improve(solutions);
  return solutions;
}

}  // namespace loewner::detail
