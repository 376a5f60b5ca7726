// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <type_traits>
#include <variant>

#include "loewner/base/matrix_view.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/linalg/csr_matrix.hpp"

namespace loewner {

/// A matrix stored by rows: float32 or float64 in memory, sparse, or any RowSource. A view: it
/// copies no entries and must not outlive their owner.
class RowMatrix {
 public:
  RowMatrix(MatrixView<const float> a) : storage_(DenseRows(a)) {}
  RowMatrix(MatrixView<float> a) : RowMatrix(MatrixView<const float>(a)) {}
  RowMatrix(MatrixView<const double> a) : storage_(a) {}
  RowMatrix(MatrixView<double> a) : RowMatrix(MatrixView<const double>(a)) {}
  RowMatrix(CsrView<float> a) : storage_(a) {}
  RowMatrix(CsrView<double> a) : storage_(a) {}

  /// Keeps the address of `a`, which must outlive this object; a temporary does not compile.
  explicit RowMatrix(const RowSource& a) : storage_(&a) {}
  explicit RowMatrix(const RowSource&&) = delete;

  /// Returns body(a) for the stored form: const RowSource&, MatrixView<const double>,
  /// CsrView<float> or CsrView<double>. The RowSource may lie inside this object and must not be
  /// used longer than that.
  template <typename Body>
  auto visit(Body&& body) const {
    return std::visit(
        [&](const auto& a) {
          if constexpr (std::is_same_v<decltype(a), const DenseRows&>) {
            return body(static_cast<const RowSource&>(a));
          } else if constexpr (requires { *a; }) {
            return body(*a);
          } else {
            return body(a);
          }
        },
        storage_);
  }

  Index rows() const {
    return visit([](const auto& a) { return a.rows(); });
  }
  Index cols() const {
    return visit([](const auto& a) { return a.cols(); });
  }

  /// Calls body(rows) with rows first ... first + count - 1 as MatrixView<const float>,
  /// MatrixView<const double>, CsrView<float> or CsrView<double>.
  template <typename Body>
  void visit_rows(Index first, Index count, Body&& body) const {
    visit([&](const auto& a) {
      if constexpr (requires { a.row_block(first, count); }) {
        body(a.row_block(first, count));
      } else {
        Matrix<float> buffer;
        body(a.read_rows(first, count, buffer));
      }
    });
  }

 private:
  std::variant<const RowSource*, DenseRows, MatrixView<const double>, CsrView<float>, CsrView<double>> storage_;
};

/// Checks that a matrix has no NaN and no infinity.
///
/// Shapes    a: n x d, dense or sparse.
/// Method    row blocks in parallel; of a sparse matrix only the stored entries.
/// Cost      one pass.
/// Accuracy  exact.
/// Errors    InvalidArgument "<what> has a non-finite value at row i, column j", naming the first
///           one.
void require_finite(const RowMatrix& a, const std::string& what);

/// Writes rows first ... first + out.rows() - 1 to `out`, dense and in float64.
///
/// Shapes    out: any number of rows x a.cols().
/// Method    fills a row with zeros and adds its entries, if it is sparse.
/// Cost      one read of the rows, on the calling thread.
/// Accuracy  exact; sparse entries at the same position are added in float64.
/// Errors    those of reading the rows.
void read_rows_wide(const RowMatrix& a, Index first, MatrixView<double> out);

}  // namespace loewner
