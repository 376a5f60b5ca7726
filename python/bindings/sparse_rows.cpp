// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "inputs.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kSparseRowsDoc = R"(A sparse matrix in compressed rows over arrays in memory.

Row i holds values[k] in column columns[k] for row_offsets[i] <= k < row_offsets[i + 1]. Functions
that take sparse matrices take a scipy.sparse matrix directly; this class needs no scipy.

Parameters
----------
cols : int
    Number of columns.
row_offsets : array_like of shape (n + 1,), int
    First entry of each row. scipy calls it indptr.
columns : array_like of shape (nnz,), int
    Column of each entry. scipy calls it indices.
values : array_like of shape (nnz,)
    The entries, kept in float32 or float64. scipy calls it data.

Raises
------
ValueError
    If an offset or a column is out of range, or an array has more than one dimension.
TypeError
    If the values are not real numbers, or an offset or a column is not an integer.

Notes
-----
C-contiguous arrays of int64 offsets, int32 columns and float32 or float64 values are not copied and must
not change. Other arrays are converted.

Examples
--------
>>> from loewner.linalg import SparseRows, block_krylov
>>> a = SparseRows(3, [0, 1, 3], [2, 0, 1], [2.0, 3.0, 4.0])
>>> a
SparseRows(rows=2, cols=3)
>>> block_krylov(a, 1).singular_values.round(6)
array([5.])
)";

}  // namespace

void bind_sparse_rows(nb::module_& m) {
  nb::class_<SparseRows> type(m, "SparseRows", kSparseRowsDoc);
  type.def(
          "__init__",
          [](SparseRows* self, Index cols, const ArrayLike& row_offsets, const ArrayLike& columns,
             const ArrayLike& values) {
            new (self) SparseRows(sparse_rows(cols, row_offsets, columns, values, "SparseRows"));
          },
          "cols"_a, "row_offsets"_a, "columns"_a, "values"_a)
      .def_prop_ro(
          "rows", [](const SparseRows& s) { return std::visit([](const auto& view) { return view.rows(); }, s.view); },
          "Number of rows.")
      .def_prop_ro(
          "cols", [](const SparseRows& s) { return std::visit([](const auto& view) { return view.cols(); }, s.view); },
          "Number of columns.");
  def_repr(type, {"rows", "cols"});
}

}  // namespace loewner::python
