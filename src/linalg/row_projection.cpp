// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/row_projection.hpp"

#include <string>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"

namespace loewner {
namespace {

void require_same_width(const RowSource& a, Index width) {
  require(a.cols() == width, [&] {
    return "row projection: the basis must have " + std::to_string(a.cols()) + " columns, got " + std::to_string(width);
  });
}

void multiply(MatrixView<const float> rows, MatrixView<const float> vt, MatrixView<float> out) {
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, rows, vt, 0.0F, out);
}

}  // namespace

Matrix<float> project_rows(const RowSource& a, MatrixView<const double> vt) {
  require_same_width(a, vt.cols());
  const Matrix<float> basis = detail::narrowed(vt);
  Matrix<float> left = Matrix<float>::uninitialized(a.rows(), vt.rows());
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    multiply(rows, basis.view(), left.view().row_block(first, rows.rows()));
  });
  return left;
}

ProjectedRows::ProjectedRows(std::shared_ptr<const RowSource> a, MatrixView<const double> vt)
    : a_(std::move(a)), vt_(detail::narrowed(vt)) {
  require_same_width(*a_, vt.cols());
}

MatrixView<const float> ProjectedRows::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  Matrix<float> source_buffer;
  const auto rows = a_->read_rows(first, count, source_buffer);
  buffer = Matrix<float>::uninitialized(count, cols());
  multiply(rows, vt_.view(), buffer.view());
  return buffer.view();
}

}  // namespace loewner
