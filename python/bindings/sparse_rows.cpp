// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"
#include "bindings.hpp"
#include "loewner/linalg/csr_matrix.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

template <typename T>
void make_sparse_rows(SparseRows* self, Index cols, const VectorArg<std::int64_t>& row_offsets,
                      const VectorArg<std::int32_t>& columns, const VectorArg<T>& values) {
  const auto view = CsrView<T>::checked(cols, view_of(row_offsets), view_of(columns), view_of(values), "SparseRows");
  new (self) SparseRows{nb::cast(row_offsets), nb::cast(columns), nb::cast(values), view};
}

}  // namespace

void bind_sparse_rows(nb::module_& m) {
  nb::class_<SparseRows>(m, "SparseRows",
                         "A sparse matrix in compressed rows over arrays in memory, which are not copied and must not\n"
                         "change: row i holds values[k] in column columns[k] for row_offsets[i] <= k < row_offsets[i + "
                         "1].\n"
                         "Of a scipy.sparse matrix in CSR form these are indptr (as int64), indices and data.")
      .def("__init__", &make_sparse_rows<float>, "cols"_a, "row_offsets"_a.noconvert(), "columns"_a.noconvert(),
           "values"_a.noconvert())
      .def("__init__", &make_sparse_rows<double>, "cols"_a, "row_offsets"_a.noconvert(), "columns"_a.noconvert(),
           "values"_a.noconvert())
      .def_prop_ro("rows",
                   [](const SparseRows& s) { return std::visit([](const auto& view) { return view.rows(); }, s.view); })
      .def_prop_ro(
          "cols", [](const SparseRows& s) { return std::visit([](const auto& view) { return view.cols(); }, s.view); });
}

}  // namespace loewner::python
