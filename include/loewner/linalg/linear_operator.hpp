// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "loewner/base/matrix_view.hpp"

namespace loewner {

/// A matrix A that is known by its products with blocks of vectors, in float64.
///
/// Shapes    apply: x cols() x k, y rows() x k; apply_t: x rows() x k, y cols() x k. y is
///           overwritten and must not overlap x.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when a shape does not fit.
class LinearOperator {
 public:
  virtual ~LinearOperator() = default;
  virtual Index rows() const = 0;
  virtual Index cols() const = 0;

  void apply(MatrixView<const double> x, MatrixView<double> y) const;    ///< y = A x
  void apply_t(MatrixView<const double> x, MatrixView<double> y) const;  ///< y = A^T x

  /// One step of the Golub-Kahan bidiagonalization of k starting vectors at once: u = A x + u
  /// diag(scales), then y = A^T u. A scale of 0 discards the old u, even if it is not finite.
  /// Matrices stored by rows are read once for both products.
  ///
  /// Shapes    x: cols() x k, scales: k values, u: rows() x k, y: cols() x k.
  void golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                        MatrixView<double> y) const;

  /// ||2^-exponent A||_F^2 by one read of A, or nothing if the entries of A are unknown.
  virtual std::optional<double> squared_frobenius_norm([[maybe_unused]] int exponent = 0) const { return std::nullopt; }

  /// Throws InvalidArgument "<what> has a non-finite value at row i, column j" if A has a NaN or an
  /// infinity. Does nothing if the entries of A are unknown.
  virtual void require_finite_entries([[maybe_unused]] const std::string& what) const {}

 protected:
  // Shapes are checked before these are called.
  virtual void do_apply(MatrixView<const double> x, MatrixView<double> y) const = 0;
  virtual void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const = 0;
  virtual void do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                                   MatrixView<double> y) const;
};

}  // namespace loewner
