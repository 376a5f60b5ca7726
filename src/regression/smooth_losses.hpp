// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "loewner/base/checked_size.hpp"
#include "norms/huber.hpp"

namespace loewner::detail {

/// s^exponent for s >= 0. The usual p lead to multiples of 1/4: these are computed by square roots
/// and products.
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

/// A loss at one residual: its value, first and second derivative. Only the tail of HuberLoss
/// deviates, see there.
struct LossPoint {
  double value, slope, curvature;
};

/// The loss  (r^2 + e^2)^(p/2) / p,  with smoothing e > 0 for p < 2 only.
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

  // Terms of the sums that the objective and the dual norm are computed from.
  double value(double r, Index) const { return half_p_(r * r) / p_; }
  double dual_value(double z, Index) const { return half_dual_(z * z); }
  double dual_limit(double, Index) const { return std::numeric_limits<double>::infinity(); }

  // For z orthogonal to U, z^T r / ||z||_q is a lower bound of the least norm (Hoelder's
  // inequality).
  double objective(double sum) const { return std::pow(p_ * sum, 1 / p_); }
  double bound(double product, double dual_sum, double) const {
    return dual_sum > 0 ? product / std::pow(dual_sum, 1 / dual_) : 0.0;
  }

 private:
  double p_, dual_;
  Power weight_, half_p_, half_dual_;
};

/// The Huber loss with its own threshold c_i for each row.
class HuberLoss {
 public:
  explicit HuberLoss(const std::vector<double>& thresholds) : thresholds_(thresholds) {}

  bool needs_smoothing() const { return false; }

  LossPoint at(double r, Index i, double) const {
    const double c = thresholds_[i], size = std::abs(r);
    return {huber_value(size, c), huber_derivative(r, c), size <= c ? 1.0 : kTailCurvature * c / size};
  }

  double value(double r, Index i) const { return huber_value(std::abs(r), thresholds_[i]); }
  double dual_value(double z, Index) const { return z * z; }
  double dual_limit(double z, Index i) const {
    return std::abs(z) > thresholds_[i] ? thresholds_[i] / std::abs(z) : std::numeric_limits<double>::infinity();
  }

  // The dual objective of the multiple s z of z is  s z^T r - s^2 ||z||^2 / 2  if |s z_i| <= c_i: s
  // maximizes it.
  double objective(double sum) const { return sum; }
  double bound(double product, double dual_sum, double limit) const {
    if (!(product > 0)) return 0;
    const double s = std::min(product / dual_sum, limit);
    return s * product - s * s * dual_sum / 2;
  }

 private:
  // The second derivative is 0 for |r| > c. A small multiple of the reweighting c / |r| keeps
  // Newton's systems regular.
  static constexpr double kTailCurvature = 1e-3;

  const std::vector<double>& thresholds_;
};

}  // namespace loewner::detail
