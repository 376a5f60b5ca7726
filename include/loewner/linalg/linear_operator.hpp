// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <string>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// A matrix A known by what it does to blocks of vectors, in float64.
///
/// Shapes    apply: x cols() x k, y rows() x k; apply_t: x rows() x k, y cols() x k. y is overwritten and must not
///           overlap x.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when a shape does not fit.
class LinearOperator {
 public:
  virtual ~LinearOperator() = default;
  virtual Index rows() const = 0;
  virtual Index cols() const = 0;

  void apply(MatrixView<const double> x, MatrixView<double> y) const;    ///< y = A x
  void apply_t(MatrixView<const double> x, MatrixView<double> y) const;  ///< y = A^T x

  /// One step of the Golub-Kahan bidiagonalisation of k starting vectors at once: u = A x + u diag(scales), then
  /// y = A^T u. Where a scale is 0, it does not matter what u held. Kinds that are stored by rows read A once for both.
  ///
  /// Shapes    x: cols() x k, scales: k values, u: rows() x k, y: cols() x k.
  void golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                        MatrixView<double> y) const;

  /// ||A||_F^2 where its entries are at hand (one read of A), nothing where only products are.
  virtual std::optional<double> squared_frobenius_norm() const { return std::nullopt; }

  /// Throws InvalidArgument "<what> has a non-finite value at row i, column j" if an entry at hand is a NaN or an
  /// infinity; where only products are, it knows of none.
  virtual void require_finite_entries([[maybe_unused]] const std::string& what) const {}

 protected:
  // The shapes have been checked.
  virtual void do_apply(MatrixView<const double> x, MatrixView<double> y) const = 0;
  virtual void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const = 0;
  virtual void do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                                   MatrixView<double> y) const;
};

/// What the products of dense float32 rows with several vectors are computed in.
enum class ProductPrecision {
  float64,
  float32,  ///< twice as fast: vectors rounded to float32, sums over a row or a block of rows too
};

/// A stored matrix.
///
/// Cost      2 nnz k flops per product, in parallel over row blocks; memory 8 cols() k doubles and a row block per
///           thread.
/// Accuracy  float32: each product within some 1e-6 of ||A||_F times the vector's length (tests). It is for `apply` and
///           `golub_kahan_step`; sparse rows, rows of float64, single vectors and `apply_t` stay in float64.
class MatrixOperator final : public LinearOperator {
 public:
  explicit MatrixOperator(const RowMatrix& a, ProductPrecision precision = ProductPrecision::float64)
      : a_(a), precision_(precision) {}

  /// Whether float32 products of this matrix differ from those in float64: its rows are dense and float32.
  static bool has_float32_products(const RowMatrix& a) { return float32_rows(a) != nullptr; }

  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  std::optional<double> squared_frobenius_norm() const override;  ///< none for sparse rows: entries may repeat
  void require_finite_entries(const std::string& what) const override { require_finite(a_, what); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                           MatrixView<double> y) const override;
  static const RowSource* float32_rows(const RowMatrix& a);
  void golub_kahan_step_single(const RowSource& rows, MatrixView<const double> x, std::span<const double> scales,
                               MatrixView<double> u, MatrixView<double> y) const;
  // The rows, where products with so many vectors are in float32.
  const RowSource* single_rows(Index vectors) const;

  RowMatrix a_;
  ProductPrecision precision_;
  mutable std::atomic<double> squared_norm_ = -1;  // negative: not yet known; the first step finds it on its way
};

/// The product left right, never formed. Both outlive it.
///
/// Errors    constructor: InvalidArgument unless left.cols() == right.rows().
class ProductOperator final : public LinearOperator {
 public:
  ProductOperator(const LinearOperator& left, const LinearOperator& right);
  Index rows() const override { return left_.rows(); }
  Index cols() const override { return right_.cols(); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override;

  const LinearOperator& left_;
  const LinearOperator& right_;
};

/// A - U V^T: what a factorisation leaves over. All three outlive it.
///
/// Shapes    a: n x d, u: n x k, v: d x k.
/// Errors    constructor: InvalidArgument when they do not fit together.
class ResidualOperator final : public LinearOperator {
 public:
  ResidualOperator(const LinearOperator& a, MatrixView<const double> u, MatrixView<const double> v);
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override;

  const LinearOperator& a_;
  MatrixView<const double> u_, v_;
};

}  // namespace loewner
