// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "inputs.hpp"
#include "loewner/linalg/matrix_operator.hpp"

// Matrices that are known by their products.
namespace loewner::python {

/// A Python object with shape, matmat and rmatmat, as scipy.sparse.linalg.LinearOperator has them.
///
/// Blocks of vectors are copied on the way in and out, so the object may keep or change its arguments.
///
/// Errors    constructor: TypeError when it lacks one of the three. Products: exceptions of the object pass unchanged;
///           ValueError on a result of another shape, TypeError on one that does not hold real numbers.
class PythonOperator final : public LinearOperator {
 public:
  explicit PythonOperator(nb::object a);
  Index rows() const override { return rows_; }
  Index cols() const override { return cols_; }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override { multiply("matmat", x, y); }
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override { multiply("rmatmat", x, y); }
  void multiply(const char* method, MatrixView<const double> x, MatrixView<double> y) const;

  nb::object a_;
  Index rows_ = 0, cols_ = 0;
};

/// An array of float16 as float32 rows.
class HalfRows final : public RowSource {
 public:
  explicit HalfRows(MatrixView<const Half> a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  MatrixView<const Half> a_;
};

struct OperatorKind {
  static constexpr auto name = nb::detail::const_name("loewner.typing.OperatorLike");
};
using OperatorLike = Argument<OperatorKind>;  ///< a matrix, or an object that has products with one

/// Whether the object has products only.
bool is_operator(const nb::object& given);

/// body(RowMatrix) of a stored matrix, or body(LinearOperator) of an object that has products only.
template <typename Body>
auto with_rows_or_operator(const OperatorLike& a, Body&& body) {
  if (is_operator(a.given)) return body(PythonOperator(a.given));
  if (is_half(a.given)) {
    const Dense<Half> array = dense<Half>(ArrayLike{a.given}, "a");
    const HalfRows rows(array.view());
    return body(RowMatrix(rows));
  }
  return with_rows(MatrixLike{a.given}, body);
}

/// body(LinearOperator) of the argument.
template <typename Body>
auto with_operator(const OperatorLike& a, Body&& body) {
  return with_rows_or_operator(a, [&]<typename Matrix>(const Matrix& matrix) {
    if constexpr (std::is_same_v<Matrix, RowMatrix>) {
      return body(MatrixOperator(matrix));
    } else {
      return body(matrix);
    }
  });
}

}  // namespace loewner::python
