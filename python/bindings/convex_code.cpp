// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/convex_code.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kResultDoc = R"(Weights of rows over vertices, as compressed sparse rows.

Row i has weights[k] of vertex columns[k] for row_offsets[i] <= k < row_offsets[i + 1];
``scipy.sparse.csr_array((weights, columns, row_offsets), (n, k))`` is the matrix.)";

constexpr const char* kConvexCodeDoc = R"(Write each row as the closest convex combination of vertices.

Minimizes ||a_i - s M^T w||^2 over w >= 0 with sum 1; s = 1, or any s >= 0 if `scaled`.

Parameters
----------
vertices : array_like of shape (k, d)
    The vertices M, computed with in float64.
a : array_like or sparse matrix of shape (n, d)
    The rows.
sparsity : int
    Largest number of weights of a row; 0 for no limit.
gap : float
    Excess of the squared distance over the least one, relative to ||a_i||^2.
scaled : bool
    Whether rows may be any multiple s >= 0 of a convex combination.

Returns
-------
ConvexCodes
    Weights, scales and distances.

Raises
------
ValueError
    If there are no vertices, numbers of columns differ, an option is out of range, or an entry is not
    finite.

Notes
-----
Active sets with the exact solution on each [1]_; the Frank-Wolfe gap [2]_ proves the distance. A sparse
code is the best one on its vertices, which need not be the best vertices. Results have the same bits for
any number of threads.

References
----------
.. [1] C. L. Lawson and R. J. Hanson, "Solving least squares problems", Prentice-Hall, 1974.
.. [2] M. Jaggi, "Revisiting Frank-Wolfe: projection-free sparse convex optimization", ICML 2013.

Examples
--------
>>> from loewner.cluster import convex_code
>>> codes = convex_code([[1.0, 0.0], [0.0, 1.0]], [[0.25, 0.75], [3.0, 0.0]])
>>> codes.weights.round(6).tolist(), codes.columns.tolist(), codes.row_offsets.tolist()
([0.25, 0.75, 1.0], [0, 1, 0], [0, 2, 3])
>>> codes.squared_distances.round(6)
array([0., 4.])
)";

}  // namespace

void bind_convex_code(nb::module_& m) {
  bind_result<ConvexCodes>(
      m, "ConvexCodes", kResultDoc, field("weights", &ConvexCodes::weights, "(nnz,) Weights > 0."),
      field("columns", &ConvexCodes::columns, "(nnz,) Vertex of each weight."),
      field("row_offsets", &ConvexCodes::row_offsets, "(n + 1,) First weight of each row."),
      field("scales", &ConvexCodes::scales, "(n,) Scale s of each row."),
      field("squared_distances", &ConvexCodes::squared_distances, "(n,) Squared distance of each row."),
      field("largest_gap", &ConvexCodes::largest_gap, "Largest proved gap, relative to ||a_i||^2."));

  const ConvexCodeOptions defaults;
  m.def(
      "convex_code",
      [](const ArrayLike& vertices, const MatrixLike& a, Index sparsity, double gap, bool scaled) {
        const auto corners = dense<double>(vertices, "vertices");
        const ConvexCodeOptions options{.sparsity = sparsity, .gap = gap, .scaled = scaled};
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return convex_code(corners.view(), rows, options); });
        });
      },
      "vertices"_a, "a"_a, nb::kw_only(), "sparsity"_a = defaults.sparsity, "gap"_a = defaults.gap,
      "scaled"_a = defaults.scaled, kConvexCodeDoc);
}

}  // namespace loewner::python
