// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <string>

#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// The precision of the products of dense float32 rows with several vectors.
enum class ProductPrecision {
  float64,
  float32,  ///< twice as fast: vectors are rounded to float32, sums over a row or a block of rows
            ///< too
};

/// A stored matrix as a LinearOperator.
///
/// Shapes    as LinearOperator.
/// Method    dense rows are multiplied in tiles of a few rows and vectors, sparse rows entry by
///           entry.
/// Cost      2 nnz k flops per product, in parallel over row blocks; memory 8 cols() k doubles and
///           a row block per thread.
/// Accuracy  float32: each product within some 1e-6 of ||A||_F times the length of the vector (test
///           MatrixForms.Float32ProductsAreWithinRounding). It applies to `apply` and
///           `golub_kahan_step`; sparse rows, float64 rows, single vectors and `apply_t` stay in
///           float64.
/// Random    none; the same bits for any number of threads.
/// Errors    as LinearOperator.
class MatrixOperator final : public LinearOperator {
 public:
  explicit MatrixOperator(const RowMatrix& a, ProductPrecision precision = ProductPrecision::float64)
      : a_(a), precision_(precision) {}

  /// Whether float32 products of `a` differ from those in float64: its rows are dense and float32.
  static bool has_float32_products(const RowMatrix& a) { return float32_rows(a) != nullptr; }

  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  /// nothing for sparse rows: entries may repeat
  std::optional<double> squared_frobenius_norm(int exponent = 0) const override;
  void require_finite_entries(const std::string& what) const override { require_finite(a_, what); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                           MatrixView<double> y) const override;
  static const RowSource* float32_rows(const RowMatrix& a);
  void golub_kahan_step_single(const RowSource& rows, MatrixView<const double> x, std::span<const double> scales,
                               MatrixView<double> u, MatrixView<double> y) const;
  // The rows if products with so many vectors are computed in float32, otherwise null.
  const RowSource* single_rows(Index vectors) const;

  RowMatrix a_;
  ProductPrecision precision_;
  mutable std::atomic<double> squared_norm_ = -1;  // negative: unknown; the first float32 step
                                                   // computes it
};

}  // namespace loewner
