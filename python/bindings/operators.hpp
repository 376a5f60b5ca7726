// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "arrays.hpp"
#include "loewner/linalg/matrix_operator.hpp"

// Matrices that are known by their products.
namespace loewner::python {

/// A Python object with shape, matmat and rmatmat, as scipy.sparse.linalg.LinearOperator has them.
///
/// Blocks of vectors are copied on the way in and out, so the object may keep or change what it gets.
///
/// Errors    constructor: TypeError when it lacks one of the three. Products: what the object raised, untouched;
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

/// The compressed rows of a scipy.sparse matrix: without a copy where it is in CSR form already, but for the offsets.
SparseRows compressed_rows(const nb::object& scipy_matrix);

/// What block Krylov methods take: anything that has products.
using OperatorArg = std::variant<MatrixArg<Half>, MatrixArg<float>, MatrixArg<double>, SparseRows, nb::object>;

/// body(RowMatrix) of what is stored, which is not copied, or body(LinearOperator) of what has products only.
template <typename Body>
auto with_rows_or_operator(const OperatorArg& a, Body&& body) {
  return std::visit(
      [&]<typename Matrix>(const Matrix& matrix) {
        if constexpr (std::is_same_v<Matrix, MatrixArg<Half>>) {
          const HalfRows rows(view_of(matrix));
          return body(RowMatrix(rows));
        } else if constexpr (std::is_same_v<Matrix, nb::object>) {
          if (nb::hasattr(matrix, "tocsr")) return with_rows(compressed_rows(matrix), body);
          return body(PythonOperator(matrix));
        } else {
          return with_rows(matrix, body);
        }
      },
      a);
}

/// body(LinearOperator) of the argument.
template <typename Body>
auto with_operator(const OperatorArg& a, Body&& body) {
  return with_rows_or_operator(a, [&]<typename Matrix>(const Matrix& matrix) {
    if constexpr (std::is_same_v<Matrix, RowMatrix>) {
      return body(MatrixOperator(matrix));
    } else {
      return body(matrix);
    }
  });
}

}  // namespace loewner::python
