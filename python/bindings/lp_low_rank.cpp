// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_low_rank.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"

#include <nanobind/stl/optional.h>

namespace loewner::python {
namespace {

using namespace nb::literals;

void bind_factorization(nb::module_& m) {
  nb::class_<LpFactorization> result(m, "LpFactorization");
  def_array(result, "scales", &LpFactorization::scales, "min(n, d) values, descending");
  def_array(result, "vt", &LpFactorization::vt, "min(n, d) x d, orthonormal rows; the leading k serve rank k");
  result.def_ro("norm_exponent", &LpFactorization::norm_exponent)
      .def_ro("distortion", &LpFactorization::distortion)
      .def_ro("status", &LpFactorization::status)
      .def_ro("iterations", &LpFactorization::iterations)
      .def("error_bound", &LpFactorization::error_bound, "rank"_a,
           "An upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p) for the leading `rank` rows of vt.");

  const LewisOptions defaults;
  m.def(
      "lp_factorization",
      [](const MatrixArg<float>& a, double norm_exponent, const OptionalWeights& row_weights, int max_iterations,
         double tolerance) {
        const DenseRows rows(view_of(a));
        const LewisOptions options{norm_exponent, view_of(row_weights), max_iterations, tolerance};
        return interruptible([&] { return lp_factorization(rows, options); });
      },
      "a"_a.noconvert(), nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(), "max_iterations"_a = defaults.max_iterations,
      "tolerance"_a = defaults.tolerance,
      "F = diag(scales) vt with ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2 for all x.\n\n"
      "a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. p = 2 is the SVD.");
}

void bind_low_rank(nb::module_& m) {
  nb::enum_<RowProjection>(m, "RowProjection", "How the rows are projected on the subspace once it is chosen.")
      .value("orthogonal", RowProjection::orthogonal, "one product")
      .value("lp", RowProjection::lp, "the closest point in the l_p norm: never worse, much slower");

  nb::class_<LpLowRank> result(m, "LpLowRank");
  def_array(result, "left", &LpLowRank::left, "n x rank");
  def_array(result, "right", &LpLowRank::right, "rank x d");
  result.def_ro("error", &LpLowRank::error, "(sum_i u_i ||a_i - b_i||_p^p)^(1/p), measured on left @ right")
      .def_ro("upper_bound", &LpLowRank::upper_bound)
      .def_ro("lower_bound", &LpLowRank::lower_bound, "of the error of any matrix of this rank")
      .def_ro("distortion", &LpLowRank::distortion)
      .def_ro("status", &LpLowRank::status);

  const LpLowRankOptions defaults;
  m.def(
      "lp_low_rank",
      [](const MatrixArg<float>& a, Index rank, double norm_exponent, const OptionalWeights& row_weights,
         RowProjection row_projection) {
        const DenseRows rows(view_of(a));
        const LpLowRankOptions options{rank, norm_exponent, view_of(row_weights), row_projection};
        return interruptible([&] { return lp_low_rank(rows, options); });
      },
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(), "row_projection"_a = defaults.row_projection,
      "left @ right of the given rank that makes sum_i u_i ||a_i - b_i||_p^p small, by lp_factorization, with bounds "
      "on\n"
      "both sides: lower_bound <= error <= upper_bound up to float32 rounding.\n\n"
      "a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.");
}

void bind_row_projection(nb::module_& m) {
  nb::class_<LpRowProjection> result(m, "LpRowProjection");
  def_array(result, "left", &LpRowProjection::left, "n x k");
  result.def_ro("report", &LpRowProjection::report, "objective: sum_i ||a_i - left_i right||_p^p");

  const LpRowProjectionOptions defaults;
  m.def(
      "lp_row_projection",
      [](const MatrixArg<float>& a, const MatrixArg<float>& right, double norm_exponent, int max_iterations,
         double tolerance) {
        const DenseRows rows(view_of(a));
        const auto factor = view_of(right);
        return interruptible([&] {
          return lp_row_projection(rows, factor, {norm_exponent, max_iterations, tolerance});
        });
      },
      "a"_a.noconvert(), "right"_a.noconvert(), nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance,
      "The left factor (n x k) of the best approximation of each row in the l_p norm: min_z ||a_i - z right||_p.\n\n"
      "a: n x d; right: k x d, of any rank, k <= d; norm_exponent: p >= 1.");
}

}  // namespace

void bind_lp_low_rank(nb::module_& m) {
  bind_factorization(m);
  bind_low_rank(m);
  bind_row_projection(m);
}

}  // namespace loewner::python
