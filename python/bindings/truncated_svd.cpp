// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/truncated_svd.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "choice.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "results.hpp"

namespace loewner::python {

template <>
struct ChoiceWords<SvdRoute> {
  static constexpr auto text = nb::detail::const_name("'auto', 'gram', 'direct', 'krylov'");
};

namespace {

using namespace nb::literals;

constexpr const char* kResultDoc = R"(Leading right singular vectors of sqrt(W) A and its singular values.)";

constexpr const char* kTruncatedSvdDoc = R"(Find the best subspace for the rows of a matrix: its truncated SVD.

Minimizes sum_i w_i ||a_i - V V^T a_i||_2^2 over all V (d x rank) with orthonormal columns. The best
matrix of that rank is ``project_rows(a, vt) @ vt``.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
rank : int
    Dimension of the subspace, in [1, min(n, d)].
row_weights : array_like of shape (n,), optional
    Weights w_i >= 0 of the rows; all ones if None.
route : {'auto', 'gram', 'direct', 'krylov'}
    'gram' uses eigenvectors of A^T W A: fastest, but squares the condition number. 'direct' uses a
    QR factorization: some 4 times slower, keeps small singular values. 'krylov' finds the leading
    vectors only, to within `eps`. 'auto' is 'gram', and 'direct' if sigma_rank is below 1e-5 sigma_1.
eps : float
    Relative excess of the error that is accepted to save work. Route 'krylov' needs eps > 0.
vectors : int
    Rows of `vt` to return, in [rank, min(n, d)]; 0 for `rank`.

Returns
-------
RightSingularVectors
    Right singular vectors and singular values.

Raises
------
ValueError
    If an option is out of range, a weight is negative, or an entry is not finite (the message names
    its row and column).

Notes
-----
Eigenvectors of A^T W A, or a QR factorization and the SVD of R [1]_; route 'krylov' multiplies blocks of
random vectors by A and A^T [2]_, as `block_krylov`. Cost: n d^2 + 11 d^3 flops with d the smaller side
(route 'gram'). The squared error is within 1e-6 of the least one, relative, for eps = 0. Results have the
same bits for any number of threads.

References
----------
.. [1] G. H. Golub and C. F. Van Loan, "Matrix computations", 4th edition, Johns Hopkins University
   Press, 2013.
.. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
   singular value decomposition", NeurIPS 2015.

Examples
--------
>>> import numpy as np
>>> from loewner.linalg import project_rows, truncated_svd
>>> a = np.diag([3.0, 2.0, 1.0])
>>> svd = truncated_svd(a, 2)
>>> svd.singular_values.round(6)
array([3., 2., 1.])
>>> float(np.linalg.norm(a - project_rows(a, svd.vt) @ svd.vt).round(6))
1.0
)";

constexpr const char* kProjectRowsDoc = R"(Multiply the rows of a matrix by orthonormal vectors: A V.

A V is the left factor of the orthogonal projection (A V) V^T of the rows.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
vt : array_like of shape (k, d)
    V^T, with orthonormal rows.

Returns
-------
ndarray of shape (n, k), float32
    The product A V.

Raises
------
ValueError
    If `vt` has another number of columns than `a`.

Notes
-----
Cost: 2 n d k flops in float32. Results have the same bits for any number of threads.

Examples
--------
>>> import numpy as np
>>> from loewner.linalg import project_rows
>>> project_rows([[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0]])
array([[2.],
       [4.]], dtype=float32)
)";

}  // namespace

void bind_truncated_svd(nb::module_& m) {
  bind_choice<SvdRoute>(
      m, "SvdRoute", "How `truncated_svd` finds the right singular vectors.",
      {{"auto", SvdRoute::automatic, "'gram', or 'direct' if sigma_rank is below 1e-5 sigma_1."},
       {"gram", SvdRoute::gram, "Eigenvectors of A^T W A: fastest, but squares the condition number."},
       {"direct", SvdRoute::direct, "QR, then the SVD of R: keeps small singular values."},
       {"krylov", SvdRoute::krylov, "Block Krylov: the leading vectors only, to within eps."}});

  bind_result<RightSingularVectors>(
      m, "RightSingularVectors", kResultDoc,
      field("singular_values", &RightSingularVectors::singular_values,
            "(min(n, d),) Descending; (rank,) for route 'krylov'."),
      field("vt", &RightSingularVectors::vt, "(rank, d) Right singular vectors, orthonormal rows."),
      field("route", &RightSingularVectors::route, "The route taken."),
      field("residual_norm", &RightSingularVectors::residual_norm,
            "Square root of the sum of the squares of the singular values that are not listed."));

  const TruncatedSvdOptions defaults;
  m.def(
      "truncated_svd",
      [](const ArrayLike& a, Index rank, const OptionalArray& row_weights, const Choice<SvdRoute>& route, double eps,
         Index vectors) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const TruncatedSvdOptions options{.rank = rank,
                                          .row_weights = weights.view(),
                                          .route = chosen(route, "route"),
                                          .eps = eps,
                                          .vectors = vectors};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return truncated_svd(rows, options); });
      },
      "a"_a, "rank"_a, nb::kw_only(), "row_weights"_a = nb::none(), "route"_a = word_of(defaults.route),
      "eps"_a = defaults.eps, "vectors"_a = defaults.vectors, kTruncatedSvdDoc);
  m.def(
      "project_rows",
      [](const ArrayLike& a, const ArrayLike& vt) {
        const auto matrix = dense<float>(a, "a");
        const auto basis = dense<double>(vt, "vt");
        const DenseRows rows(matrix.view());
        return to_python(interruptible([&] { return project_rows(rows, basis.view()); }));
      },
      "a"_a, "vt"_a, kProjectRowsDoc);
}

}  // namespace loewner::python
