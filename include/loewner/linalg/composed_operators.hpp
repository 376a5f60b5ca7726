// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/linalg/linear_operator.hpp"

namespace loewner {

/// The product left right, never formed. Both factors must outlive it.
///
/// Shapes    left: n x m, right: m x d; the product: n x d.
/// Cost      a product with each factor; memory m k doubles for k vectors.
/// Errors    constructor: InvalidArgument unless left.cols() == right.rows(). Otherwise as
///           LinearOperator.
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

/// A - U V^T, the residual of a factorization, never formed. A, U and V must outlive it.
///
/// Shapes    a: n x d, u: n x k, v: d x k.
/// Cost      a product with A and 2 (n + d) k flops for each vector.
/// Errors    constructor: InvalidArgument when the shapes do not fit. Otherwise as LinearOperator.
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
