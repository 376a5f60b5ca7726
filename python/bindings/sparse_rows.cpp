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
row_offsets : ndarray of shape (n + 1,), int64
    First entry of each row. scipy calls it indptr.
columns : ndarray of shape (nnz,), int32
    Column of each entry. scipy calls it indices.
values : ndarray of shape (nnz,), float32 or float64
    The entries. scipy calls it data.

Raises
------
ValueError
    If an offset or a column is out of range.
TypeError
    If an array has another type: these arrays are not converted.

Notes
-----
The arrays are not copied and must not change.

Examples
--------
>>> import numpy as np
>>> from loewner.linalg import SparseRows, block_krylov
>>> a = SparseRows(3, np.array([0, 1, 3]), np.array([2, 0, 1], np.int32), np.array([2.0, 3.0, 4.0]))
>>> a
SparseRows(rows=2, cols=3)
>>> block_krylov(a, 1).singular_values.round(6)
array([5.])
)";

template <typename T>
void make_sparse_rows(SparseRows* self, Index cols, const VectorArg<std::int64_t>& row_offsets,
                      const VectorArg<std::int32_t>& columns, const VectorArg<T>& values) {
  const auto view = CsrView<T>::checked(cols, view_of(row_offsets), view_of(columns), view_of(values), "SparseRows");
  new (self) SparseRows{nb::cast(row_offsets), nb::cast(columns), nb::cast(values), view};
}

}  // namespace

void bind_sparse_rows(nb::module_& m) {
  nb::class_<SparseRows> type(m, "SparseRows", kSparseRowsDoc);
  type.def("__init__", &make_sparse_rows<float>, "cols"_a, "row_offsets"_a.noconvert(), "columns"_a.noconvert(),
           "values"_a.noconvert())
      .def("__init__", &make_sparse_rows<double>, "cols"_a, "row_offsets"_a.noconvert(), "columns"_a.noconvert(),
           "values"_a.noconvert())
      .def_prop_ro(
          "rows", [](const SparseRows& s) { return std::visit([](const auto& view) { return view.rows(); }, s.view); },
          "Number of rows.")
      .def_prop_ro(
          "cols", [](const SparseRows& s) { return std::visit([](const auto& view) { return view.cols(); }, s.view); },
          "Number of columns.");
  def_repr(type, {"rows", "cols"});
}

}  // namespace loewner::python
