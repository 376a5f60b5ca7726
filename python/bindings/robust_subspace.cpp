// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/robust_subspace.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

#include <nanobind/stl/optional.h>

namespace loewner::python {
using namespace nb::literals;

void bind_robust_subspace(nb::module_& m) {
  nb::class_<RobustSubspace> result(m, "RobustSubspace");
  def_array(result, "vt", &RobustSubspace::vt, "rank x d, orthonormal rows");
  result.def_ro("report", &RobustSubspace::report, "objective: sum_i u_i rho(distance of row i)");

  const RobustSubspaceOptions defaults{.loss = Loss::huber(1)};
  m.def(
      "robust_subspace",
      [](const MatrixArg<float>& a, Index rank, const Loss& loss, const OptionalWeights& row_weights,
         int max_iterations, double tolerance) {
        const DenseRows rows(view_of(a));
        const RobustSubspaceOptions options{rank, loss, view_of(row_weights), max_iterations, tolerance};
        return interruptible([&] { return robust_subspace(rows, options); });
      },
      "a"_a.noconvert(), "rank"_a, "loss"_a, nb::kw_only(), "row_weights"_a.noconvert() = nb::none(),
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance,
      "A subspace that makes sum_i u_i rho(||a_i - V V^T a_i||_2) small over V with `rank` orthonormal columns; never\n"
      "above the objective of the truncated SVD.\n\n"
      "a: n x d; loss: rho, in the units of the distances; row_weights: u, n values >= 0, all ones if None.");
  m.def(
      "distances_to_subspace",
      [](const MatrixArg<float>& a, const MatrixArg<double>& vt) {
        const DenseRows rows(view_of(a));
        const auto basis = view_of(vt);
        return to_python(interruptible([&] { return distances_to_subspace(rows, basis); }));
      },
      "a"_a.noconvert(), "vt"_a.noconvert(), "||a_i - V V^T a_i||_2 for all rows; vt: k x d, orthonormal rows.");
}

}  // namespace loewner::python
