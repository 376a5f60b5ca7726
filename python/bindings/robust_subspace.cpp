// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/robust_subspace.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kRobustSubspaceDoc = R"(Find a subspace with a small robust loss of the rows' distances.

Makes sum_i u_i rho(||a_i - V V^T a_i||_2) small over all V (d x rank) with orthonormal columns.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
rank : int
    Dimension of the subspace, in [1, min(n, d)].
loss : Loss
    rho, in the units of the distances.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
max_iterations : int
    Limit of reweighting steps; each takes one truncated SVD.
tolerance : float
    Relative decrease of the objective at which the iteration has converged.

Returns
-------
RobustSubspace
    The basis and a report.

Raises
------
ValueError
    If an option is out of range, a weight is negative, or an entry is not finite (the message names
    its row and column).

Notes
-----
Iteratively reweighted truncated SVDs [1]_. A stationary point: the problem is not convex. The objective
is never above that of the truncated SVD. Results have the same bits for any number of threads.

References
----------
.. [1] G. Lerman and T. Maunu, "Fast, robust and non-convex subspace recovery", Information and
   Inference 7, 2018.

Examples
--------
>>> import numpy as np
>>> from loewner.lowrank import robust_subspace
>>> from loewner.norms import Loss
>>> a = np.random.default_rng(0).standard_normal((200, 5))
>>> a[:9] *= 50
>>> report = robust_subspace(a, 2, Loss.huber(1.0)).report
>>> report.final_objective < report.initial_objective
True
)";

constexpr const char* kDistancesDoc = R"(Compute the distances of rows from a subspace: ||a_i - V V^T a_i||_2.

Parameters
----------
a : array_like of shape (n, d)
    The rows, computed with in float32.
vt : array_like of shape (k, d)
    Basis of the subspace, with orthonormal rows.

Returns
-------
ndarray of shape (n,), float64
    The distances.

Raises
------
ValueError
    If `vt` has another number of columns than `a`.

Notes
-----
Accurate to 1e-13 ||a_i||.

Examples
--------
>>> from loewner.lowrank import distances_to_subspace
>>> distances_to_subspace([[3.0, 4.0]], [[1.0, 0.0]])
array([4.])
)";

}  // namespace

void bind_robust_subspace(nb::module_& m) {
  bind_result<RobustSubspace>(m, "RobustSubspace", "A subspace with a small robust loss.",
                              field("vt", &RobustSubspace::vt, "(rank, d) Basis of the subspace, orthonormal rows."),
                              field("report", &RobustSubspace::report,
                                    "Status and iterations; the objective is sum_i u_i rho(distance of row i)."));

  const RobustSubspaceOptions defaults{.loss = Loss::huber(1)};
  m.def(
      "robust_subspace",
      [](const ArrayLike& a, Index rank, const Loss& loss, const OptionalArray& row_weights, int max_iterations,
         double tolerance) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const RobustSubspaceOptions options{rank, loss, weights.view(), max_iterations, tolerance};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return robust_subspace(rows, options); });
      },
      "a"_a, "rank"_a, "loss"_a, nb::kw_only(), "row_weights"_a = nb::none(),
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance, kRobustSubspaceDoc);
  m.def(
      "distances_to_subspace",
      [](const ArrayLike& a, const ArrayLike& vt) {
        const auto matrix = dense<float>(a, "a");
        const auto basis = dense<double>(vt, "vt");
        const DenseRows rows(matrix.view());
        return to_python(interruptible([&] { return distances_to_subspace(rows, basis.view()); }));
      },
      "a"_a, "vt"_a, kDistancesDoc);
}

}  // namespace loewner::python
