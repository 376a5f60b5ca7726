// SPDX-License-Identifier: Apache-2.0
#include "regression/smooth_regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "linalg/blas.hpp"
#include "linalg/cholesky_solve.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;  // one per column

constexpr Index kBlockRows = 1024;
constexpr double kFirstSmoothing = 0.1;     // of the mean residual
constexpr double kSmoothingDecrease = 0.2;  // where a smoothed problem is solved as well as it deserves
constexpr double kLeastSmoothing = 1e-14;
constexpr double kWayTolerance = 1e-2;  // of problems on the way to a large exponent
constexpr double kExponentGrowth = 1.5;
constexpr Index kLeastRankForCg = 48;    // below, factorising is as fast
constexpr Index kLeastColumnsForCg = 4;  // fewer make products of matrices with vectors, which wait for memory
constexpr double kCgTolerance = 1e-2;
constexpr int kSearchSteps = 20;
constexpr double kTailCurvature = 1e-3;  // of the reweighting of a row beyond Huber's threshold, which has no own
constexpr double kSearchSlope = 0.2;     // of the slope at 0: where a line search ends
constexpr int kIdleIterations = 60;      // iterations without a smaller gap

// s^exponent for s >= 0; quarters of integers, which the usual p lead to, by square roots and products.
class Power {
 public:
  explicit Power(double exponent) : exponent_(exponent), quarters_(static_cast<int>(std::lround(4 * exponent))) {
    is_short_ = 4 * exponent == quarters_ && std::abs(quarters_) <= 16;
  }

  double operator()(double s) const {
    if (!is_short_) return std::pow(s, exponent_);
    double result = 1;
    for (int i = std::abs(quarters_) / 4; i > 0; --i) result *= s;
    if (quarters_ % 2 != 0) {
      const double root = std::sqrt(s);
      result *= std::sqrt(root) * (std::abs(quarters_) % 4 == 3 ? root : 1.0);
    } else if (quarters_ % 4 != 0) {
      result *= std::sqrt(s);
    }
    return quarters_ < 0 ? 1 / result : result;
  }

 private:
  double exponent_;
  int quarters_;
  bool is_short_;
};

// A loss at one residual: its value, derivative and second derivative.
struct LossPoint {
  double value, slope, curvature;
};

// (r^2 + e^2)^(p/2) / p; e = 0 for p >= 2.
class PowerLoss {
 public:
  explicit PowerLoss(double p) : p_(p), dual_(p / (p - 1)), weight_(p / 2 - 1), half_p_(p / 2), half_dual_(dual_ / 2) {}

  bool needs_smoothing() const { return p_ < 2; }

  LossPoint at(double r, Index, double squared_smoothing) const {
    const double s = r * r + squared_smoothing;
    if (s == 0) return {0, 0, p_ == 2 ? 1.0 : 0.0};
    const double w = weight_(s);
    return {s * w / p_, r * w, w * (1 + (p_ - 2) * (r * r / s))};
  }

  // Terms of the objective and of the dual norm, by sums.
  double value(double r, Index) const { return half_p_(r * r) / p_; }
  double dual_value(double z, Index) const { return half_dual_(z * z); }
  double dual_limit(double, Index) const { return std::numeric_limits<double>::infinity(); }

  // z is orthogonal to U, so z^T r / ||z||_q is at most the least norm.
  double objective(double sum) const { return std::pow(p_ * sum, 1 / p_); }
  double bound(double product, double dual_sum, double) const {
    return dual_sum > 0 ? product / std::pow(dual_sum, 1 / dual_) : 0.0;
  }

 private:
  double p_, dual_;
  Power weight_, half_p_, half_dual_;
};

class HuberLoss {
 public:
  explicit HuberLoss(const std::vector<double>& thresholds) : thresholds_(thresholds) {}

  bool needs_smoothing() const { return false; }

  LossPoint at(double r, Index i, double) const {
    const double c = thresholds_[i], size = std::abs(r);
    if (size <= c) return {r * r / 2, r, 1};
    return {c * (size - c / 2), std::copysign(c, r), kTailCurvature * c / size};
  }

  double value(double r, Index i) const { return at(r, i, 0).value; }
  double dual_value(double z, Index) const { return z * z; }
  double dual_limit(double z, Index i) const {
    return std::abs(z) > thresholds_[i] ? thresholds_[i] / std::abs(z) : std::numeric_limits<double>::infinity();
  }

  // The dual of the Huber loss is s z^T r - s^2 ||z||^2 / 2 where |s z_i| <= c_i: here for the best multiple s of z.
  double objective(double sum) const { return sum; }
  double bound(double product, double dual_sum, double limit) const {
    if (!(product > 0)) return 0;
    const double s = std::min(product / dual_sum, limit);
    return s * product - s * s * dual_sum / 2;
  }

 private:
  const std::vector<double>& thresholds_;
};

// term(i, j, sums) adds to the `kinds` sums of column j; result: kinds x columns.
template <typename Term>
Matrix<double> column_sums(Index rows, Index cols, Index kinds, Term&& term) {
  return parallel_matrix_sum((rows + kBlockRows - 1) / kBlockRows, kinds, cols,
                             [&](Index block, MatrixView<double> sum) {
                               const Index last = std::min(rows, (block + 1) * kBlockRows);
                               for (Index i = block * kBlockRows; i < last; ++i) {
                                 for (Index j = 0; j < cols; ++j) term(i, j, sum);
                               }
                             });
}

template <typename Body>
void for_each_row(Index rows, Body&& body) {
  parallel_for((rows + kBlockRows - 1) / kBlockRows, [&](Index block) {
    const Index last = std::min(rows, (block + 1) * kBlockRows);
    for (Index i = block * kBlockRows; i < last; ++i) body(i);
  });
}

Matrix<double> columns_of(const Matrix<double>& a, const std::vector<Index>& columns) {
  Matrix<double> out = Matrix<double>::uninitialized(a.rows(), static_cast<Index>(columns.size()));
  for (Index i = 0; i < a.rows(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) out(i, static_cast<Index>(j)) = a(i, columns[j]);
  }
  return out;
}

template <typename T>
std::vector<T> entries_of(const std::vector<T>& values, const std::vector<Index>& chosen) {
  std::vector<T> out;
  out.reserve(chosen.size());
  for (const Index j : chosen) out.push_back(values[j]);
  return out;
}

// Newton's method on columns side by side, so that a step reads the design once for all of them. A column leaves when
// its gap is small.
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
      settle(solutions, iteration);
      if (columns_.empty()) return;
      const Matrix<double> direction = newton_direction();
      sharpen(direction);
      move_along(direction);
    }
  }

 private:
  Index width() const { return static_cast<Index>(columns_.size()); }

  void start(const BasisSolutions& solutions) {
    columns_.resize(targets_.cols());
    std::iota(columns_.begin(), columns_.end(), Index{0});
    y_ = solutions.y.clone();
    residual_ = targets_.clone();
    design_.subtract_product(y_, residual_);
    best_gap_.assign(columns_.size(), std::numeric_limits<double>::infinity());
    waited_.assign(columns_.size(), 0);
    factorised_.assign(columns_.size(), false);
    smoothing_.assign(columns_.size(), 0.0);
    if (!loss_.needs_smoothing()) return;
    const auto sizes = column_sums(design_.rows(), width(), 1,
                                   [&](Index i, Index j, auto sum) { sum(0, j) += std::abs(residual_(i, j)); });
    for (Index j = 0; j < width(); ++j) {
      smoothing_[j] = kFirstSmoothing * sizes(0, j) / static_cast<double>(design_.rows());
    }
  }

  LossPoint loss_at(Index i, Index j, double r) const { return loss_.at(r, i, smoothing_[j] * smoothing_[j]); }

  // Slopes, curvatures, gradient, objectives and bounds at the residual.
  void evaluate() {
    const Index n = design_.rows(), t = width();
    slope_ = Matrix<double>::uninitialized(n, t);
    curvature_ = Matrix<double>::uninitialized(n, t);
    const auto values = column_sums(n, t, 2, [&](Index i, Index j, auto sum) {
      const LossPoint point = loss_at(i, j, residual_(i, j));
      slope_(i, j) = point.slope;
      curvature_(i, j) = point.curvature;
      sum(0, j) += loss_.value(residual_(i, j), i);
      sum(1, j) += point.value;
    });
    gradient_ = design_.transposed_product(slope_);
    Matrix<double> dual = slope_.clone();
    design_.subtract_product(gradient_, dual);
    const auto duals = column_sums(n, t, 2, [&](Index i, Index j, auto sum) {
      sum(0, j) += dual(i, j) * residual_(i, j);
      sum(1, j) += loss_.dual_value(dual(i, j), i);
    });
    const Values limits = dual_limits(dual);
    objective_.resize(t);
    bound_.resize(t);
    excess_.resize(t);
    for (Index j = 0; j < t; ++j) {
      objective_[j] = loss_.objective(values(0, j));
      bound_[j] = loss_.bound(duals(0, j), duals(1, j), limits[j]);
      excess_[j] = values(1, j) - values(0, j);
    }
  }

  // The largest multiples of the columns of z that the dual allows.
  Values dual_limits(const Matrix<double>& z) const {
    const Index blocks = (z.rows() + kBlockRows - 1) / kBlockRows;
    Matrix<double> least(blocks, z.cols());
    parallel_for(blocks, [&](Index block) {
      std::ranges::fill(least.row(block), std::numeric_limits<double>::infinity());
      const Index last = std::min(z.rows(), (block + 1) * kBlockRows);
      for (Index i = block * kBlockRows; i < last; ++i) {
        for (Index j = 0; j < z.cols(); ++j) least(block, j) = std::min(least(block, j), loss_.dual_limit(z(i, j), i));
      }
    });
    Values limits(z.cols(), std::numeric_limits<double>::infinity());
    for (Index block = 0; block < blocks; ++block) {
      for (Index j = 0; j < z.cols(); ++j) limits[j] = std::min(limits[j], least(block, j));
    }
    return limits;
  }

  // Writes down the best of each column and keeps those that are not finished.
  void settle(BasisSolutions& solutions, int iteration) {
    std::vector<Index> left;
    for (Index j = 0; j < width(); ++j) {
      const double gap = objective_[j] - bound_[j];
      const Index column = columns_[j];
      ++waited_[j];
      if (gap < best_gap_[j]) {
        waited_[j] = 0;
        best_gap_[j] = gap;
        for (Index k = 0; k < design_.rank(); ++k) solutions.y(k, column) = y_(k, j);
        solutions.lower_bounds[column] = bound_[j];
      }
      const bool converged = gap <= stop_.tolerance * objective_[j];
      const bool stalled = waited_[j] >= kIdleIterations;
      if (!converged && !stalled && iteration < stop_.max_iterations) {
        left.push_back(j);
        continue;
      }
      solutions.iterations[column] += iteration;
      solutions.statuses[column] = converged ? Status::converged : stalled ? Status::stalled : Status::max_iterations;
    }
    if (static_cast<Index>(left.size()) < width()) keep(left);
  }

  void keep(const std::vector<Index>& left) {
    columns_ = entries_of(columns_, left);
    best_gap_ = entries_of(best_gap_, left);
    waited_ = entries_of(waited_, left);
    factorised_ = entries_of(factorised_, left);
    smoothing_ = entries_of(smoothing_, left);
    excess_ = entries_of(excess_, left);
    for (Matrix<double>* a : {&y_, &residual_, &slope_, &curvature_, &gradient_}) *a = columns_of(*a, left);
  }

  // ---- the Newton systems U^T H U p = gradient ----

  Matrix<double> newton_direction() {
    Matrix<double> direction(design_.rank(), width());
    if (design_.rank() >= kLeastRankForCg && width() >= kLeastColumnsForCg) {
      by_conjugate_gradients(direction);
    } else {
      factorised_.assign(columns_.size(), true);
    }
    for (Index j = 0; j < width(); ++j) {
      if (factorised_[j]) by_factorisation(j, direction);
    }
    return direction;
  }

  void by_factorisation(Index j, Matrix<double>& direction) const {
    Values weights(design_.rows()), p(design_.rank());
    for (Index i = 0; i < design_.rows(); ++i) weights[i] = curvature_(i, j);
    for (Index k = 0; k < design_.rank(); ++k) p[k] = gradient_(k, j);
    const Matrix<double> factor = ridged_cholesky(weighted_gram(design_.basis(), weights));
    solve_cholesky(factor.view(), p);
    for (Index k = 0; k < design_.rank(); ++k) direction(k, j) = p[k];
  }

  // For all columns at once: two products with the design per step. In the orthonormal basis the systems of
  // unremarkable rows are well conditioned; columns that are not get a factorisation from then on.
  void by_conjugate_gradients(Matrix<double>& direction) {
    const Index r = design_.rank(), t = width();
    Matrix<double> rest = gradient_.clone();
    for (Index j = 0; j < t; ++j) {
      for (Index k = 0; factorised_[j] && k < r; ++k) rest(k, j) = 0;
    }
    Matrix<double> search = rest.clone();
    Values squared = squared_norms(rest), goal = squared;
    for (double& value : goal) value *= kCgTolerance * kCgTolerance;
    const auto is_done = [&](Index j) { return squared[j] <= goal[j]; };
    const auto all_done = [&] {
      for (Index j = 0; j < t; ++j) {
        if (!is_done(j)) return false;
      }
      return true;
    };
    for (Index step = std::max<Index>(8, r / 6); step > 0 && !all_done(); --step) {
      Matrix<double> image = design_.product(search);
      for_each_row(image.rows(), [&](Index i) {
        for (Index j = 0; j < t; ++j) image(i, j) *= curvature_(i, j);
      });
      image = design_.transposed_product(image);
      Values curvature(t, 0.0);
      for (Index k = 0; k < r; ++k) {
        for (Index j = 0; j < t; ++j) curvature[j] += search(k, j) * image(k, j);
      }
      for (Index j = 0; j < t; ++j) {
        const double length = !is_done(j) && curvature[j] > 0 ? squared[j] / curvature[j] : 0.0;
        for (Index k = 0; k < r; ++k) {
          direction(k, j) += length * search(k, j);
          rest(k, j) -= length * image(k, j);
        }
      }
      const Values next = squared_norms(rest);
      for (Index j = 0; j < t; ++j) {
        const double ratio = squared[j] > 0 ? next[j] / squared[j] : 0.0;
        for (Index k = 0; k < r; ++k) search(k, j) = rest(k, j) + ratio * search(k, j);
      }
      squared = next;
    }
    for (Index j = 0; j < t; ++j) factorised_[j] = factorised_[j] || !is_done(j);
  }

  static Values squared_norms(const Matrix<double>& a) {
    Values norms(a.cols(), 0.0);
    for (Index k = 0; k < a.rows(); ++k) {
      for (Index j = 0; j < a.cols(); ++j) norms[j] += a(k, j) * a(k, j);
    }
    return norms;
  }

  // ---- steps ----

  // Smoothing may shrink where it costs as much as the Newton step still promises.
  void sharpen(const Matrix<double>& direction) {
    if (!loss_.needs_smoothing()) return;
    for (Index j = 0; j < width(); ++j) {
      double decrement = 0;
      for (Index k = 0; k < design_.rank(); ++k) decrement += gradient_(k, j) * direction(k, j);
      if (decrement / 2 <= excess_[j]) smoothing_[j] = std::max(kSmoothingDecrease * smoothing_[j], kLeastSmoothing);
    }
  }

  // The minimum along the direction, column by column, by Newton steps within a bracket of the convex function's slope.
  void move_along(const Matrix<double>& direction) {
    const Index n = design_.rows(), t = width();
    const Matrix<double> change = design_.product(direction);
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
        step[j] = next_step(step[j], along(0, j), along(1, j), first[j], brackets[j]);
      }
      if (std::ranges::all_of(accepted, [](char value) { return value; })) break;
    }
    for (Index j = 0; j < t; ++j) {
      if (!accepted[j]) step[j] = brackets[j].low;  // where the objective still decreased
    }
    for_each_row(n, [&](Index i) {
      for (Index j = 0; j < t; ++j) residual_(i, j) -= step[j] * change(i, j);
    });
    for (Index k = 0; k < design_.rank(); ++k) {
      for (Index j = 0; j < t; ++j) y_(k, j) += step[j] * direction(k, j);
    }
  }

  struct Bracket {
    double low = 0, high = std::numeric_limits<double>::infinity();
  };

  // Newton's step where it stays inside the bracket and the slope is of the size of the first one. Beyond, slopes are
  // high powers, through which Newton's steps would crawl: where few rows have curvature, the directions of the others
  // are orders of magnitude too long.
  static double next_step(double step, double slope, double curvature, double first, const Bracket& bracket) {
    const double newton = step - slope / curvature;
    if (std::isinf(bracket.high)) return newton > 1.5 * step ? std::min(newton, 10 * step) : 1.5 * step;
    const bool near = std::abs(slope) <= 10 * std::abs(first);
    if (near && newton > bracket.low && newton < bracket.high) return newton;
    return bracket.low > 0 ? std::sqrt(bracket.low * bracket.high) : 0.1 * bracket.high;
  }

  // First and second derivative of the objectives along the change of the residuals, 2 x t.
  Matrix<double> slopes_along(const Matrix<double>& change, const Values& step) const {
    return column_sums(design_.rows(), width(), 2, [&](Index i, Index j, auto sum) {
      const LossPoint point = loss_at(i, j, residual_(i, j) - step[j] * change(i, j));
      sum(0, j) -= point.slope * change(i, j);
      sum(1, j) += point.curvature * change(i, j) * change(i, j);
    });
  }

  const RegressionDesign& design_;
  const Matrix<double>& targets_;
  const Loss& loss_;
  RegressionStop stop_;
  std::vector<Index> columns_;  // those that are not finished, in the order of all that follows
  Matrix<double> y_, residual_, slope_, curvature_, gradient_;
  Values objective_, bound_, excess_, smoothing_, best_gap_;
  std::vector<int> waited_;
  std::vector<char> factorised_;
};

}  // namespace

BasisSolutions smooth_power_regression(const RegressionDesign& design, const Matrix<double>& targets, double p,
                                       const RegressionStop& stop) {
  BasisSolutions solutions(design.rank(), targets.cols());
  double on_the_way = 4;
  while (on_the_way < p) {
    const PowerLoss loss(on_the_way);
    NewtonBlock<PowerLoss>(design, targets, loss, {std::max(stop.tolerance, kWayTolerance), stop.max_iterations})
        .improve(solutions);
    on_the_way *= kExponentGrowth;
  }
  const PowerLoss loss(p);
  NewtonBlock<PowerLoss>(design, targets, loss, stop).improve(solutions);
  return solutions;
}

BasisSolutions smooth_huber_regression(const RegressionDesign& design, const Matrix<double>& targets,
                                       const std::vector<double>& thresholds, const RegressionStop& stop) {
  BasisSolutions solutions(design.rank(), targets.cols());
  const HuberLoss loss(thresholds);
  NewtonBlock<HuberLoss>(design, targets, loss, stop).improve(solutions);
  return solutions;
}

}  // namespace loewner::detail
