// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loss.hpp"

#include <cmath>

#include "base/argument_check.hpp"
#include "norms/huber.hpp"

namespace loewner {
namespace {

double checked(const char* function, const char* name, double scale) {
  detail::ArgumentCheck(function).positive_and_finite(name, scale);
  return scale;
}

double square(double x) {
  return x * x;
}

}  // namespace

Loss Loss::power(double p, double delta) {
  detail::ArgumentCheck("Loss::power").number(p >= 1 && std::isfinite(p), "p", "finite and at least 1", p);
  return {Kind::power, p, p < 2 ? checked("Loss::power", "delta", delta) : 0.0};
}

Loss Loss::huber(double scale) {
  return {Kind::huber, 2, checked("Loss::huber", "scale", scale)};
}
Loss Loss::geman_mcclure(double scale) {
  return {Kind::geman_mcclure, 2, checked("Loss::geman_mcclure", "scale", scale)};
}
Loss Loss::tukey(double scale) {
  return {Kind::tukey, 2, checked("Loss::tukey", "scale", scale)};
}

double Loss::value(double r) const {
  switch (kind_) {
    case Kind::power:
      if (r >= scale_) return std::pow(r, exponent_);
      return std::pow(scale_, exponent_) * (1 + exponent_ / 2 * (square(r / scale_) - 1));
    case Kind::huber:
      return detail::huber_value(r, scale_);
    case Kind::geman_mcclure:
      return r * r / 2 / (1 + square(r / scale_));
    case Kind::tukey: {
      const double inside = r <= scale_ ? 1 - square(r / scale_) : 0.0;
      return square(scale_) / 6 * (1 - inside * inside * inside);
    }
  }
  __builtin_unreachable();
}

double Loss::weight(double r) const {
  switch (kind_) {
    case Kind::power:
      return exponent_ == 2 ? 2.0 : exponent_ * std::pow(std::fmax(r, scale_), exponent_ - 2);
    case Kind::huber:
      return detail::huber_weight(r, scale_);
    case Kind::geman_mcclure:
      return 1 / square(1 + square(r / scale_));
    case Kind::tukey:
      return r <= scale_ ? square(1 - square(r / scale_)) : 0.0;
  }
  __builtin_unreachable();
}

double Loss::damping() const {
  return exponent_ > 2 ? 1 / (exponent_ - 1) : 1.0;
}

}  // namespace loewner
