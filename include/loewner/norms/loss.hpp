// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner {

/// A loss rho of a distance r >= 0, as a value object. rho increases; rho'(r) / r is the weight of
/// iteratively reweighted least squares [HuberRonchetti2009].
///
///     power(p, delta)      r^p for r >= delta; below, the parabola with that value and slope
///     huber(c)             r^2/2 for r <= c, c (r - c/2) beyond
///     geman_mcclure(c)     (r^2/2) / (1 + (r/c)^2), bounded by c^2/2
///     tukey(c)             c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, c^2/6 beyond
///
/// Units     delta and c: those of the distances (not squared).
/// Accuracy  rho(0) = 0, except for power with p < 2: the parabola exceeds r^p by at most its value
///           at 0, (1 - p/2) delta^p. For p >= 2 there is no parabola and delta is ignored.
/// Errors    InvalidArgument unless p is finite and at least 1, c is positive and finite, and, for
///           p < 2, delta is positive and finite.
class Loss {
 public:
  enum class Kind { power, huber, geman_mcclure, tukey };

  static Loss power(double p, double delta);
  static Loss huber(double scale);
  static Loss geman_mcclure(double scale);
  static Loss tukey(double scale);

  Kind kind() const { return kind_; }
  double exponent() const { return exponent_; }  ///< p of a power, otherwise 2
  double scale() const { return scale_; }        ///< c, or delta of a power; 0 for p >= 2

  /// rho(r)
  double value(double r) const;

  /// rho'(r) / r
  double weight(double r) const;

  /// The factor of the step on the logarithms of the weights with which reweighting is stable: 1 if
  /// rho is a concave function of r^2, since reweighting is then a majorization and never increases
  /// the objective; 1 / (p - 1) for powers p > 2, for which the full step overshoots.
  double damping() const;

 private:
  Loss(Kind kind, double exponent, double scale) : kind_(kind), exponent_(exponent), scale_(scale) {}

  Kind kind_;
  double exponent_;
  double scale_;
};

}  // namespace loewner
