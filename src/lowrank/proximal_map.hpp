// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

namespace loewner::detail {

/// The proximal map of a power: the e that minimizes  |e|^p + (e - z)^2 / (2 step),  p >= 1.
///
/// Method    closed forms for p = 1 and 2, Newton's method otherwise, in float32.
class ProximalMap {
 public:
  ProximalMap(double p, double step) : p_(static_cast<float>(p)), slope_(static_cast<float>(p * step)) {}

  float operator()(float z) const {
    if (p_ == 1) return z - std::clamp(z, -slope_, slope_);
    if (p_ == 2) return z / (1 + slope_);
    const float magnitude = std::abs(z);
    return magnitude == 0 ? 0 : std::copysign(p_ < 2 ? below_two(magnitude) : above_two(magnitude), z);
  }

 private:
  static constexpr int kNewtonSteps = 20;
  static constexpr float kRelativeStep = 1e-6F;

  // For e > 0 the minimizer solves e + slope e^(p-1) = z. Newton's method on a convex increasing
  // function, started to the right of the root, decreases monotonically to it. The left side is
  // convex in e for p > 2 and in t = e^(p-1) for p < 2.
  float above_two(float z) const {
    float e = std::min(z, std::pow(z / slope_, 1 / (p_ - 1)));
    for (int i = 0; i < kNewtonSteps; ++i) {
      const float power = slope_ * std::pow(e, p_ - 2);
      const float step = (e + power * e - z) / (1 + (p_ - 1) * power);
      e -= step;
      if (!(step > kRelativeStep * e)) break;
    }
    return e;
  }
  float below_two(float z) const {
    const float q = 1 / (p_ - 1);
    float t = std::min(std::pow(z, p_ - 1), z / slope_);
    for (int i = 0; i < kNewtonSteps; ++i) {
      const float power = std::pow(t, q - 1);
      const float step = (power * t + slope_ * t - z) / (q * power + slope_);
      t -= step;
      if (!(step > kRelativeStep * t)) break;
    }
    return std::max(0.0F, z - slope_ * t);
  }

  float p_, slope_;
};

}  // namespace loewner::detail
