// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/norms/enclosing_ellipsoid.hpp"
#include "loewner/norms/loewner_ellipsoid.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kLoewnerDoc = R"(Find a small ellipsoid around the unit ball of x -> ||A x||_p.

Finds F with ||F x||_2 <= ||A x||_p <= c ||F x||_2 for all x.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, of rank d, computed with in float32.
norm_exponent : float
    p in [1, infinity].
epsilon : float
    The goal is c <= (1 + epsilon) sqrt(d), which the smallest ellipsoid attains.
max_iterations : int
    Limit of cuts.

Returns
-------
LoewnerEllipsoid
    F and its distortion c.

Raises
------
ValueError
    If the rank is below d, an option is out of range, or an entry is not finite.

Notes
-----
Pairs of parallel cuts [1]_; p = infinity uses `enclosing_ellipsoid`. Both inequalities are proved for
the returned F, up to rounding. For small d: `loewner.lowrank.lp_factorization` is faster.

References
----------
.. [1] M. J. Todd, "On minimum volume ellipsoids containing part of a given ellipsoid", Mathematics of
   Operations Research 7, 1982.

Examples
--------
>>> import numpy as np
>>> from loewner.norms import loewner_ellipsoid
>>> bool(loewner_ellipsoid(np.eye(4), norm_exponent=1).distortion <= 1.01 * 2)
True
)";

constexpr const char* kEnclosingDoc = R"(Find the ellipsoid of least volume that is centered at 0 and holds points.

Finds weights w >= 0 with sum 1 that maximize log det G, G = sum_i w_i a_i a_i^T (D-optimal design).
{y : y^T G^-1 y <= largest} holds every point +-a_i.

Parameters
----------
a : array_like of shape (n, d)
    The points, of rank d, computed with in float32.
epsilon : float
    The goal is largest <= (1 + epsilon) d.
max_iterations : int
    Limit of steps.

Returns
-------
EnclosingEllipsoid
    The weights and a factor of G.

Raises
------
ValueError
    If the rank is below d, an option is out of range, or an entry is not finite.

Notes
-----
Coordinate ascent with away steps [1]_. On convergence the volume is at most (1 + epsilon)^(d/2) times
the least one.

References
----------
.. [1] M. J. Todd and E. A. Yildirim, "On Khachiyan's algorithm for the computation of minimum-volume
   enclosing ellipsoids", Discrete Applied Mathematics 155, 2007.

Examples
--------
>>> from loewner.norms import enclosing_ellipsoid
>>> enclosing_ellipsoid([[2.0, 0.0], [0.0, 1.0], [0.1, 0.1]]).weights.round(3)
array([0.5, 0.5, 0. ])
)";

void bind_loewner_ellipsoid(nb::module_& m) {
  bind_result<LoewnerEllipsoid>(
      m, "LoewnerEllipsoid", "The ellipsoid {x : ||F x||_2 <= 1} around {x : ||A x||_p <= 1}.",
      field("factor", &LoewnerEllipsoid::factor, "(d, d) F."),
      field("distortion", &LoewnerEllipsoid::distortion, "c, proved for this F."),
      field("report", &LoewnerEllipsoid::report,
            "Status and iterations; the objective is the log volume relative to the first ellipsoid."));
  const LoewnerEllipsoidOptions defaults;
  m.def(
      "loewner_ellipsoid",
      [](const ArrayLike& a, double norm_exponent, double epsilon, int max_iterations) {
        const auto matrix = dense<float>(a, "a");
        const DenseRows rows(matrix.view());
        return interruptible([&] { return loewner_ellipsoid(rows, {norm_exponent, epsilon, max_iterations}); });
      },
      "a"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "epsilon"_a = defaults.epsilon,
      "max_iterations"_a = defaults.max_iterations, kLoewnerDoc);
}

void bind_enclosing_ellipsoid(nb::module_& m) {
  bind_result<EnclosingEllipsoid>(
      m, "EnclosingEllipsoid", "The ellipsoid of least volume that is centered at 0 and holds points.",
      field("factor", &EnclosingEllipsoid::factor, "(d, d) A factor of G: factor^T factor = G."),
      field("weights", &EnclosingEllipsoid::weights, "(n,) Weights >= 0 with sum 1."),
      field("largest", &EnclosingEllipsoid::largest, "max_i a_i^T G^-1 a_i >= d."),
      field("report", &EnclosingEllipsoid::report, "Status and iterations; the objective is largest / d - 1."));
  const EnclosingEllipsoidOptions defaults;
  m.def(
      "enclosing_ellipsoid",
      [](const ArrayLike& a, double epsilon, int max_iterations) {
        const auto matrix = dense<float>(a, "a");
        const DenseRows rows(matrix.view());
        return interruptible([&] { return enclosing_ellipsoid(rows, {epsilon, max_iterations}); });
      },
      "a"_a, nb::kw_only(), "epsilon"_a = defaults.epsilon, "max_iterations"_a = defaults.max_iterations,
      kEnclosingDoc);
}

}  // namespace

void bind_ellipsoids(nb::module_& m) {
  bind_loewner_ellipsoid(m);
  bind_enclosing_ellipsoid(m);
}

}  // namespace loewner::python
