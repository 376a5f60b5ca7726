// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner {

/// A loss rho of a distance r >= 0, as a value object: rho(0) = 0, rho increases, and its weight rho'(r) / r is what
/// iteratively reweighted least squares puts on a row.
///
///     power(p, delta)      r^p for r >= delta; below it the parabola of the same slope, shifted to the same value
///     huber(c)             r^2/2 for r <= c, else c (r - c/2)
///     geman_mcclure(c)     (r^2/2) / (1 + (r/c)^2)                   bounded by c^2/2
///     tukey(c)             c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, else c^2/6
///
/// Units     delta and c: those of the distances (not squared).
/// Accuracy  the parabola of power(p < 2) is shifted by (1 - p/2) delta^p, so value(0) is that, not 0: an upper bound
///           of r^p that is off by no more than that much. For p >= 2 no parabola is needed and delta is ignored.
/// Errors    InvalidArgument unless p >= 1 is finite, c > 0 is finite, delta >= 0 (> 0 for p < 2).
class Loss {
 public:
  static Loss power(double p, double delta);
  static Loss huber(double scale);
  static Loss geman_mcclure(double scale);
  static Loss tukey(double scale);

  double value(double r) const;
  double weight(double r) const;

  /// The step on log-weights that keeps reweighting stable: 1 where rho is a concave function of r^2 (then reweighting
  /// is a majorisation and never increases the objective), 1/(p-1) for powers above 2, where it would overshoot.
  double damping() const;

 private:
  enum class Kind { power, huber, geman_mcclure, tukey };
  Loss(Kind kind, double exponent, double scale) : kind_(kind), exponent_(exponent), scale_(scale) {}

  Kind kind_;
  double exponent_;  // of the power
  double scale_;     // delta or c
};

}  // namespace loewner
