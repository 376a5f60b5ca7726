// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/norms/enclosing_ellipsoid.hpp"
#include "loewner/norms/loewner_ellipsoid.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

void bind_loewner_ellipsoid(nb::module_& m) {
  nb::class_<LoewnerEllipsoid> result(m, "LoewnerEllipsoid");
  def_array(result, "factor", &LoewnerEllipsoid::factor, "F, d x d");
  result.def_ro("distortion", &LoewnerEllipsoid::distortion, "c, proved for this F")
      .def_ro("report", &LoewnerEllipsoid::report, "objective: log volume relative to the first ellipsoid");

  const LoewnerEllipsoidOptions defaults;
  m.def(
      "loewner_ellipsoid",
      [](const MatrixArg<float>& a, double norm_exponent, double epsilon, int max_iterations) {
        const DenseRows rows(view_of(a));
        return interruptible([&] { return loewner_ellipsoid(rows, {norm_exponent, epsilon, max_iterations}); });
      },
      "a"_a.noconvert(), nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "epsilon"_a = defaults.epsilon,
      "max_iterations"_a = defaults.max_iterations,
      "A small ellipsoid {x : ||F x||_2 <= 1} around {x : ||A x||_p <= 1}: ||F x||_2 <= ||A x||_p <= c ||F x||_2.\n\n"
      "a: n x d of rank d; norm_exponent: p in [1, infinity]. For small d; see lp_factorization for large ones.");
}

void bind_enclosing_ellipsoid(nb::module_& m) {
  nb::class_<EnclosingEllipsoid> result(m, "EnclosingEllipsoid");
  def_array(result, "factor", &EnclosingEllipsoid::factor, "d x d: factor^T factor = G = sum_i w_i a_i a_i^T");
  def_array(result, "weights", &EnclosingEllipsoid::weights, "n values >= 0 that sum to 1");
  result.def_ro("largest", &EnclosingEllipsoid::largest, "max_i a_i^T G^-1 a_i >= d")
      .def_ro("report", &EnclosingEllipsoid::report, "objective: largest / d - 1");

  const EnclosingEllipsoidOptions defaults;
  m.def(
      "enclosing_ellipsoid",
      [](const MatrixArg<float>& a, double epsilon, int max_iterations) {
        const DenseRows rows(view_of(a));
        return interruptible([&] { return enclosing_ellipsoid(rows, {epsilon, max_iterations}); });
      },
      "a"_a.noconvert(), nb::kw_only(), "epsilon"_a = defaults.epsilon, "max_iterations"_a = defaults.max_iterations,
      "The ellipsoid of minimum volume, centred at 0, that holds the points +-a_i, in its dual form (D-optimal "
      "design).");
}

}  // namespace

void bind_ellipsoids(nb::module_& m) {
  bind_loewner_ellipsoid(m);
  bind_enclosing_ellipsoid(m);
}

}  // namespace loewner::python
