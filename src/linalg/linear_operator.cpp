// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/linear_operator.hpp"

#include <string>

#include "linalg/row_kernels.hpp"
#include "linalg/scale_columns.hpp"
#include "loewner/base/matrix.hpp"

namespace loewner {
namespace {

void require_shape(MatrixView<const double> x, Index rows, Index cols, const char* name) {
  require(x.rows() == rows && x.cols() == cols, [&] {
    return std::string("LinearOperator: ") + name + " must be " + std::to_string(rows) + " x " + std::to_string(cols) +
           ", got " + std::to_string(x.rows()) + " x " + std::to_string(x.cols());
  });
}

}  // namespace

void LinearOperator::apply(MatrixView<const double> x, MatrixView<double> y) const {
  require_shape(x, cols(), x.cols(), "x");
  require_shape(y, rows(), x.cols(), "y");
  do_apply(x, y);
}

void LinearOperator::apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  require_shape(x, rows(), x.cols(), "x");
  require_shape(y, cols(), x.cols(), "y");
  do_apply_t(x, y);
}

void LinearOperator::golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                                      MatrixView<double> y) const {
  require_shape(x, cols(), static_cast<Index>(scales.size()), "x");
  require_shape(u, rows(), x.cols(), "u");
  require_shape(y, cols(), x.cols(), "y");
  do_golub_kahan_step(x, scales, u, y);
}

void LinearOperator::do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales,
                                         MatrixView<double> u, MatrixView<double> y) const {
  Matrix<double> product = Matrix<double>::uninitialized(rows(), x.cols());
  do_apply(x, product.view());
  detail::scale_columns(scales, u);
  for (Index i = 0; i < rows(); ++i) detail::add_scaled(1.0, std::span<const double>(product.row(i)), u.row(i));
  do_apply_t(u, y);
}

}  // namespace loewner
