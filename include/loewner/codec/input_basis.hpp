// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/codec/rotation.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// The default of InputBasisOptions::damping.
inline constexpr double kInputDamping = 0.01;

/// The seed of the rotation of the inputs that goes with the seed of the rotation of the outputs.
/// They differ, so that a square matrix is not rotated alike on both sides. Layers with the same
/// inputs share the rotation.
///
/// Errors    none.
constexpr std::uint64_t input_rotation_seed(std::uint64_t seed) {
  return seed + 1;
}

/// Options of an InputBasis.
struct InputBasisOptions {
  double damping = kInputDamping;                ///< lambda, relative to the mean diagonal of H
  std::optional<std::uint64_t> rotation_seed{};  ///< of R; none: R = I
  std::optional<std::vector<Index>> order{};     ///< of P; none: that of the pivots
};

/// The inputs of a layer in the order of their codes, and the factors of their moments:
/// P R (H + lambda I) R^T P^T = L D L^T,  L unit lower triangular.
///
/// H is the second moment divided by 2^exponent(). The exponent is 0 if the entries are within
/// 2^-40 ... 2^40.
///
/// R is a Rotation. P is by default the order of the pivoted Cholesky factorization: each input is
/// the one that the inputs before it predict worst, so that D decreases. The codes are computed
/// from the last input to the first, which can make up for the errors of all others.
class InputBasis {
 public:
  /// Rotates, orders and factors the moments.
  ///
  /// Shapes    moments: d x d.
  /// Method    the pivoted Cholesky factor U of the damped matrix: L^T = D^-1/2 U.
  /// Cost      d^3 / 3 flops on one thread and d^2 log d more, all in float64; memory for one d x d
  ///           matrix, for a second with an order, and for two more with a correction.
  /// Accuracy  backward stable. R is applied in float64; it is orthogonal up to eps32.
  /// Random    R, from rotation_seed. The same bits for any number of threads.
  /// Errors    InvalidArgument unless the moments are finite, square, symmetric and, with the
  ///           damping, positive definite, the correction is in [0, 1], the damping at least 0 and
  ///           an order of the options that of d inputs.
  InputBasis(const InputMoments& moments, const InputBasisOptions& options);

  Index size() const { return static_cast<Index>(order_.size()); }
  std::optional<std::uint64_t> rotation_seed() const { return rotation_seed_; }

  /// The number, among the rotated inputs, of each input in this order.
  std::span<const Index> order() const { return order_; }

  /// The power of two that the moments are divided by.
  int exponent() const { return exponent_; }

  /// lambda.
  double damping() const { return damping_; }

  /// D.
  std::span<const double> pivots() const { return pivots_; }

  /// U in the upper triangle.
  MatrixView<const double> factor() const { return factor_.view(); }

  /// The matrix to encode, one row for each input in this order: P R M, for M = W^T or M = W, after
  /// the correction  W + alpha W (C - H) (H + lambda I)^-1  of the moments.
  ///
  /// Shapes    w: outputs x d, or d x outputs; result: d x outputs.
  /// Cost      one pass over w; with a correction in float64 4 d^2 flops for each output, or 2 d^2
  ///           for each output and 2 d^3, with memory for one more d x d matrix.
  /// Accuracy  rounded to float32; entries of w must be below 2^100, so that R does not overflow.
  /// Random    none; the same bits for any number of threads.
  /// Errors    InvalidArgument on a non-finite entry or another number of inputs.
  Matrix<float> coordinates(const RowSource& w, InputSide inputs) const;

 private:
  Matrix<double> rotated(Matrix<double> a) const;
  Matrix<double> ordered(MatrixView<const double> a) const;
  Matrix<double> correction_matrix(Index outputs) const;
  void solve(MatrixView<double> rows) const;
  void correct(MatrixView<float> rows, MatrixView<const double> correction) const;

  std::optional<std::uint64_t> rotation_seed_;
  std::optional<Rotation> rotation_;
  int exponent_ = 0;
  double damping_;
  std::vector<Index> order_;
  std::vector<double> pivots_;
  Matrix<double> factor_;
  Matrix<double> drift_;  // alpha P R (C - H) R^T P^T; empty without a correction
};

}  // namespace loewner
