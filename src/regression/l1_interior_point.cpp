// SPDX-License-Identifier: Apache-2.0
#include "regression/l1_interior_point.hpp"

#include <algorithm>
#include <cmath>

#include "base/lane_sum.hpp"
#include "linalg/cholesky_solve.hpp"
#include "linalg/row_kernels.hpp"
#include "regression/ridged_cholesky.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;

constexpr double kStepToBoundary = 0.9995;
constexpr double kInside = 1e-15;  // least distance to a bound: rounding must not reach it
constexpr double kLeastProgress = 1e-6;

// b - U y = v - w with v, w > 0; at the optimum v (1 - z) = w (1 + z) = 0.
class InteriorPointMethod {
 public:
  explicit InteriorPointMethod(const L1Problem& problem) : problem_(problem), n_(problem.u.rows()) {}

  L1Point solve(const RegressionStop& stop) {
    start();
    L1Point point;
    while (point.iterations < stop.max_iterations && !is_solved(stop.tolerance)) {
      step();
      ++point.iterations;
      if (!(progress_ > kLeastProgress)) break;  // only rounding moves the point
    }
    point.y = std::move(y_);
    point.z = std::move(z_);
    return point;
  }

 private:
  void start() {
    const Matrix<double> factor = ridged_cholesky(weighted_gram(problem_.u, Values(n_, 1.0)));
    y_ = multiply_transposed(problem_.u, problem_.b);
    solve_cholesky(factor.view(), y_);
    z_.assign(n_, 0.0);
    residual_ = residual_of(problem_.u, problem_.b, y_);
    const double size = absolute_sum(residual_) / static_cast<double>(n_) + 1e-300;
    v_.resize(n_);
    w_.resize(n_);
    for (Index i = 0; i < n_; ++i) {
      v_[i] = std::max(residual_[i], 0.0) + size;
      w_[i] = std::max(-residual_[i], 0.0) + size;
    }
  }

  bool is_solved(double tolerance) {
    const double primal = absolute_sum(residual_) - dot(problem_.g, y_) + problem_.offset;
    const double dual = dot(problem_.b, z_) + problem_.offset;
    unbalance_ = multiply_transposed(problem_.u, z_);
    double off = 0;
    for (std::size_t k = 0; k < unbalance_.size(); ++k) {
      unbalance_[k] = -(unbalance_[k] + problem_.g[k]);
      off = std::max(off, std::abs(unbalance_[k]));
    }
    return primal - dual <= tolerance * std::abs(primal) && off <= tolerance * static_cast<double>(n_);
  }

  double mean_product(double step_primal, double step_dual) const {
    const double sum = lane_sum(n_, [&](Index i) {
      const double z = z_[i] + step_dual * dz_[i];
      return (v_[i] + step_primal * dv_[i]) * (1 - z) + (w_[i] + step_primal * dw_[i]) * (1 + z);
    });
    return sum / static_cast<double>(2 * n_);
  }

  void step() {
    theta_.resize(n_);
    for (Index i = 0; i < n_; ++i) theta_[i] = 1 / (v_[i] / (1 - z_[i]) + w_[i] / (1 + z_[i]));
    const Matrix<double> factor = ridged_cholesky(weighted_gram(problem_.u, theta_));
    dv_.assign(n_, 0.0);
    dw_.assign(n_, 0.0);
    dz_.assign(n_, 0.0);
    const double mean = mean_product(0, 0);
    directions(factor, 0.0, false);
    const double affine = mean_product(primal_step(), dual_step());
    directions(factor, mean * std::pow(affine / mean, 3), true);
    const double primal = primal_step(), dual = dual_step();
    for (Index i = 0; i < n_; ++i) {
      v_[i] = std::max(v_[i] + primal * dv_[i], kInside);
      w_[i] = std::max(w_[i] + primal * dw_[i], kInside);
      z_[i] = std::clamp(z_[i] + dual * dz_[i], kInside - 1, 1 - kInside);
    }
    add_scaled(primal, dy_, y_);
    add_scaled(-primal, change_, residual_);
    progress_ = std::max(primal, dual);
  }

  // Newton's step towards v (1 - z) = w (1 + z) = target. The corrector subtracts the products of
  // the predictor's changes.
  void directions(const Matrix<double>& factor, double target, bool correct) {
    Values kv(n_), kw(n_), load(n_);
    for (Index i = 0; i < n_; ++i) {
      const double product = correct ? dz_[i] : 0.0;
      kv[i] = (target + dv_[i] * product) / (1 - z_[i]);
      kw[i] = (target - dw_[i] * product) / (1 + z_[i]);
      load[i] = (residual_[i] - kv[i] + kw[i]) * theta_[i];
    }
    dy_ = multiply_transposed(problem_.u, load);
    for (std::size_t k = 0; k < dy_.size(); ++k) dy_[k] -= unbalance_[k];
    solve_cholesky(factor.view(), dy_);
    change_ = multiply(problem_.u, dy_);
    for (Index i = 0; i < n_; ++i) {
      dz_[i] = load[i] - change_[i] * theta_[i];
      dv_[i] = kv[i] + v_[i] * dz_[i] / (1 - z_[i]) - v_[i];
      dw_[i] = kw[i] - w_[i] * dz_[i] / (1 + z_[i]) - w_[i];
    }
  }

  double primal_step() const {
    double step = 1 / kStepToBoundary;
    for (Index i = 0; i < n_; ++i) {
      if (dv_[i] < 0) step = std::min(step, -v_[i] / dv_[i]);
      if (dw_[i] < 0) step = std::min(step, -w_[i] / dw_[i]);
    }
    return kStepToBoundary * step;
  }

  double dual_step() const {
    double step = 1 / kStepToBoundary;
    for (Index i = 0; i < n_; ++i) {
      if (dz_[i] > 0) step = std::min(step, (1 - z_[i]) / dz_[i]);
      if (dz_[i] < 0) step = std::min(step, -(1 + z_[i]) / dz_[i]);
    }
    return kStepToBoundary * step;
  }

  const L1Problem& problem_;
  Index n_;
  Values y_, z_, v_, w_, residual_, theta_, unbalance_, dy_, change_, dz_, dv_, dw_;
  double progress_ = 1;  // the longer of the last two steps, as a fraction of Newton's step
};

}  // namespace

L1Point l1_interior_point(const L1Problem& problem, const RegressionStop& stop) {
  return InteriorPointMethod(problem).solve(stop);
}

}  // namespace loewner::detail
