// SPDX-License-Identifier: Apache-2.0
#include "regression/regression_loss.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "linalg/row_kernels.hpp"
#include "norms/huber.hpp"
#include "regression/columns.hpp"
#include "regression/least_absolute_deviations.hpp"
#include "regression/minimax_regression.hpp"
#include "regression/smooth_regression.hpp"

namespace loewner::detail {
namespace {

// ||x||_p to a few eps64 for any length of x, unlike lp_norm: the rounding error of each addition is added at the end.
// NaN if an entry is.
double accurate_norm(std::span<const double> x, double p) {
  double largest = 0;
  for (const double value : x) {
    if (!(std::abs(value) <= largest)) largest = std::abs(value);
    if (std::isnan(largest)) return largest;
  }
  if (largest == 0 || std::isinf(p) || std::isinf(largest)) return largest;
  double sum = 0, low = 0;
  for (const double value : x) {
    const double power = p == 1 ? std::abs(value) / largest : std::pow(std::abs(value) / largest, p);
    const double next = sum + power;
    low += sum >= power ? (sum - next) + power : (power - next) + sum;
    sum = next;
  }
  return largest * (p == 1 ? sum + low : std::pow(sum + low, 1 / p));
}

// Column by column, for p = 1 and infinity.
BasisSolutions solve_columns(const RegressionDesign& design, const Matrix<double>& targets, const RegressionStop& stop,
                             const std::function<BasisSolution(std::span<const double>)>& solve_column) {
  BasisSolutions solutions(design.rank(), targets.rows(), targets.cols());
  const auto solve_one = [&](Index j) {
    const std::vector<double> b = column_of(targets.view(), j);
    if (std::ranges::all_of(b, [](double value) { return value == 0; })) return;  // an exact fit
    const BasisSolution solution = solve_column(b);
    for (Index k = 0; k < design.rank(); ++k) solutions.y(k, j) = solution.y[k];
    for (std::size_t i = 0; i < solution.z.size(); ++i) solutions.z(static_cast<Index>(i), j) = solution.z[i];
    solutions.statuses[j] = solution.status;
    solutions.iterations[j] = std::min(solution.iterations, stop.max_iterations);
  };
  for_each_task(targets.cols(), solve_one);
  return solutions;
}

class NormLoss final : public RegressionLoss {
 public:
  NormLoss(const RegressionDesign& design, double p, const RegressionStop& stop) : design_(design), p_(p), stop_(stop) {
    if (p != 1) return;
    lengths_.resize(design.rows());
    for (Index i = 0; i < design.rows(); ++i) lengths_[i] = euclidean_norm(design.basis().row(i));
  }

  int degree() const override { return 1; }

  BasisSolutions solve(const Matrix<double>& targets) const override {
    if (p_ == 1) {
      return solve_columns(design_, targets, stop_, [&](std::span<const double> b) {
        return least_absolute_deviations(design_.basis(), lengths_, b, stop_);
      });
    }
    if (std::isinf(p_)) {
      return solve_columns(design_, targets, stop_,
                           [&](std::span<const double> b) { return minimax_regression(design_.basis(), b, stop_); });
    }
    return smooth_power_regression(design_, targets, p_, stop_);
  }

  double objective(std::span<const double> r) const override { return accurate_norm(r, p_); }

  double reach(double objective) const override {
    return 2 * objective * std::pow(static_cast<double>(design_.rows()), std::max(0.0, 0.5 - 1 / p_));
  }

  // Hoelder's inequality, twice.
  double reach_along(std::span<const double> z, double objective) const override {
    return 2 * objective * dual_norm(z);
  }

  double bound(std::span<const double> z, double product) const override {
    const double norm = dual_norm(z);
    return norm > 0 ? product / norm : 0.0;
  }

 private:
  double dual_norm(std::span<const double> z) const {
    if (p_ == 1) return accurate_norm(z, std::numeric_limits<double>::infinity());
    return accurate_norm(z, std::isinf(p_) ? 1 : p_ / (p_ - 1));
  }

  const RegressionDesign& design_;
  double p_;
  RegressionStop stop_;
  std::vector<double> lengths_;  // of the rows of U, for p = 1
};

class HuberSum final : public RegressionLoss {
 public:
  HuberSum(const RegressionDesign& design, std::vector<double> thresholds, const RegressionStop& stop)
      : design_(design), thresholds_(std::move(thresholds)), stop_(stop) {
    least_threshold_ = std::numeric_limits<double>::infinity();
    for (const double c : thresholds_) {
      if (c > 0) least_threshold_ = std::min(least_threshold_, c);
    }
  }

  int degree() const override { return 2; }

  BasisSolutions solve(const Matrix<double>& targets) const override {
    return smooth_huber_regression(design_, targets, thresholds_, stop_);
  }

  double objective(std::span<const double> r) const override {
    double sum = 0;
    for (std::size_t i = 0; i < r.size(); ++i) sum += huber_value(std::abs(r[i]), thresholds_[i]);
    return sum;
  }

  // |r_i| is at most sqrt(2 rho(r_i)) or 2 rho(r_i) / c_i.
  double reach(double objective) const override {
    return 2 * (std::sqrt(2 * objective) + 2 * objective / least_threshold_);
  }

  double reach_along(std::span<const double> z, double objective) const override {
    return euclidean_norm(z) * reach(objective);
  }

  // s z^T r - s^2 ||z||^2 / 2  for the best s with |s z_i| <= c_i.
  double bound(std::span<const double> z, double product) const override {
    const double squared = dot(z, z);
    if (!(product > 0) || !(squared > 0)) return 0;
    double s = product / squared;
    for (std::size_t i = 0; i < z.size(); ++i) {
      if (s * std::abs(z[i]) > thresholds_[i]) s = thresholds_[i] / std::abs(z[i]);
    }
    return s * product - s * s * squared / 2;
  }

 private:
  const RegressionDesign& design_;
  std::vector<double> thresholds_;
  RegressionStop stop_;
  double least_threshold_;  // that is not 0
};

}  // namespace

std::shared_ptr<const RegressionLoss> norm_loss(const RegressionDesign& design, double p, const RegressionStop& stop) {
  return std::make_shared<const NormLoss>(design, p, stop);
}

std::shared_ptr<const RegressionLoss> huber_sum(const RegressionDesign& design, std::vector<double> thresholds,
                                                const RegressionStop& stop) {
  return std::make_shared<const HuberSum>(design, std::move(thresholds), stop);
}

}  // namespace loewner::detail
