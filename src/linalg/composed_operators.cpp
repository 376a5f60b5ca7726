// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/composed_operators.hpp"

#include <string>

#include "linalg/blas.hpp"
#include "loewner/base/matrix.hpp"

namespace loewner {

ProductOperator::ProductOperator(const LinearOperator& left, const LinearOperator& right) : left_(left), right_(right) {
  require(left.cols() == right.rows(), [&] {
    return "ProductOperator: right must have " + std::to_string(left.cols()) + " rows, one per column of left, got " +
           std::to_string(right.rows());
  });
}

void ProductOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> between = Matrix<double>::uninitialized(right_.rows(), x.cols());
  right_.apply(x, between.view());
  left_.apply(between.view(), y);
}

void ProductOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> between = Matrix<double>::uninitialized(left_.cols(), x.cols());
  left_.apply_t(x, between.view());
  right_.apply_t(between.view(), y);
}

ResidualOperator::ResidualOperator(const LinearOperator& a, MatrixView<const double> u, MatrixView<const double> v)
    : a_(a), u_(u), v_(v) {
  require(u.rows() == a.rows() && v.rows() == a.cols() && u.cols() == v.cols(), [&] {
    return "ResidualOperator: u and v must be " + std::to_string(a.rows()) + " x k and " + std::to_string(a.cols()) +
           " x k, got " + std::to_string(u.rows()) + " x " + std::to_string(u.cols()) + " and " +
           std::to_string(v.rows()) + " x " + std::to_string(v.cols());
  });
}

void ResidualOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> coordinates = Matrix<double>::uninitialized(v_.cols(), x.cols());
  a_.apply(x, y);
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, v_, x, 0.0, coordinates.view());
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, u_, coordinates.view(), 1.0, y);
}

void ResidualOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> coordinates = Matrix<double>::uninitialized(u_.cols(), x.cols());
  a_.apply_t(x, y);
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, u_, x, 0.0, coordinates.view());
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, v_, coordinates.view(), 1.0, y);
}

}  // namespace loewner
