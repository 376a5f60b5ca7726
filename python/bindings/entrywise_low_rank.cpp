// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/entrywise_low_rank.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

namespace loewner::python {

using namespace nb::literals;

void bind_entrywise_low_rank(nb::module_& m) {
  nb::enum_<EntrywiseStart>(m, "EntrywiseStart", "The subspaces that entrywise_low_rank starts from.")
      .value("truncated_svd", EntrywiseStart::truncated_svd)
      .value("lewis", EntrywiseStart::lewis, "leading eigenvectors of the Lewis quadratic form")
      .value("row_subspace", EntrywiseStart::row_subspace, "robust subspace of the rows")
      .value("lewis_columns", EntrywiseStart::lewis_columns, "robust subspace of the columns of the Lewis factor");
  nb::class_<EntrywiseStartObjective>(m, "EntrywiseStartObjective")
      .def_ro("start", &EntrywiseStartObjective::start)
      .def_ro("objective", &EntrywiseStartObjective::objective);

  nb::class_<EntrywiseLowRank> result(m, "EntrywiseLowRank");
  def_array(result, "left", &EntrywiseLowRank::left, "n x rank");
  def_array(result, "right", &EntrywiseLowRank::right, "rank x d");
  result.def_ro("start", &EntrywiseLowRank::start, "where the result came from")
      .def_ro("starts", &EntrywiseLowRank::starts, "all that were tried, with their objectives")
      .def_ro("report", &EntrywiseLowRank::report, "objective: sum_i u_i ||a_i - b_i||_p^p");

  const EntrywiseLowRankOptions defaults;
  m.def(
      "entrywise_low_rank",
      [](const MatrixArg<float>& a, Index rank, double norm_exponent, const OptionalWeights& row_weights,
         int refined_starts, int max_iterations, double tolerance) {
        const auto matrix = view_of(a);
        const EntrywiseLowRankOptions options{rank,           norm_exponent,  view_of(row_weights),
                                              refined_starts, max_iterations, tolerance};
        return interruptible([&] { return entrywise_low_rank(matrix, options); });
      },
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(), "refined_starts"_a = defaults.refined_starts,
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance,
      "left @ right of rank at most `rank` that makes sum_ij u_i |a_ij - b_ij|^p small: slower and closer than\n"
      "lp_low_rank, never worse than the truncated SVD.\n\n"
      "a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.");
}

}  // namespace loewner::python
