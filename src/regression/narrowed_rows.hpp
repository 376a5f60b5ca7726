// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>
#include <utility>

#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// A matrix of any form as a RowSource, rounded to float32.
class NarrowedRows final : public RowSource {
 public:
  explicit NarrowedRows(const RowMatrix& a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    Matrix<double> wide = Matrix<double>::uninitialized(count, cols());
    read_rows_wide(a_, first, wide.view());
    buffer = narrowed(wide.view());
    return std::as_const(buffer).view();
  }

 private:
  const RowMatrix& a_;
};

/// body(rows) with the matrix as a RowSource, without a copy if it is one.
template <typename Body>
auto with_float32_rows(const RowMatrix& a, Body&& body) {
  return a.visit([&]<typename Rows>(const Rows& rows) {
    if constexpr (std::is_base_of_v<RowSource, Rows>) {
      return body(rows);
    } else {
      return body(NarrowedRows(a));
    }
  });
}

}  // namespace loewner::detail
