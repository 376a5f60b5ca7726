// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// 2^-exponent A for a matrix of any form as a RowSource, rounded to float32.
class NarrowedRows final : public RowSource {
 public:
  NarrowedRows(const RowMatrix& a, int exponent) : a_(a), exponent_(exponent) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    Matrix<double> wide = Matrix<double>::uninitialized(count, cols());
    read_rows_wide(a_, first, wide.view());
    if (exponent_ != 0) {
      for (Index i = 0; i < count * cols(); ++i) wide.data()[i] = std::ldexp(wide.data()[i], -exponent_);
    }
    buffer = narrowed(wide.view());
    return std::as_const(buffer).view();
  }

 private:
  const RowMatrix& a_;
  int exponent_;
};

/// body(rows) with the matrix as a RowSource, without a copy if it is one. A matrix whose size float32 does not hold is
/// divided by a power of two: body's result may not depend on the scale.
///
/// Errors    InvalidArgument on a non-finite entry (row and column named).
template <typename Body>
auto with_float32_rows(const ArgumentCheck& check, const RowMatrix& a, Body&& body) {
  const double largest = largest_magnitude(a, std::string(check.function()) + ": the design");
  return a.visit([&]<typename Rows>(const Rows& rows) {
    if constexpr (std::is_base_of_v<RowSource, Rows>) {
      return body(rows);
    } else {
      return body(NarrowedRows(a, input_exponent(largest, kOrdinaryFloats)));
    }
  });
}

}  // namespace loewner::detail
