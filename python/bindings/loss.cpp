// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loss.hpp"

#include <nanobind/stl/string.h>

#include <string>

#include "bindings.hpp"
#include "object_text.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

constexpr const char* kLossDoc = R"(A loss rho(r) of a distance r >= 0, for `loewner.lowrank.robust_subspace`.

A class method makes each loss. Its scale is in the units of the distances.

Notes
-----
Reweighted least squares gives a row at distance r the weight rho'(r) / r [1]_.

References
----------
.. [1] P. J. Huber and E. M. Ronchetti, "Robust statistics", 2nd edition, Wiley, 2009.

Examples
--------
>>> from loewner.norms import Loss
>>> huber = Loss.huber(1.0)
>>> huber
Loss.huber(1.0)
>>> huber.value(3.0), huber.weight(0.5), huber.weight(2.0)
(2.5, 1.0, 0.5)
)";

constexpr const char* kPowerDoc = R"(Make the loss r^p.

Parameters
----------
p : float
    Exponent >= 1.
delta : float
    For p < 2, delta > 0 and the loss of r < delta is the parabola a + b r^2 that has the value and the
    slope of r^p at delta. For p >= 2, delta is ignored.

Returns
-------
Loss
    The loss.

Raises
------
ValueError
    If an argument is out of range.
)";

constexpr const char* kHuberDoc = R"(Make the Huber loss: r^2/2 for r <= c, c (r - c/2) beyond.

Parameters
----------
scale : float
    c > 0.

Returns
-------
Loss
    The loss.

Raises
------
ValueError
    If the scale is not positive and finite.
)";

constexpr const char* kGemanDoc = R"(Make the Geman-McClure loss (r^2/2) / (1 + (r/c)^2), which stays below c^2/2.

Parameters
----------
scale : float
    c > 0.

Returns
-------
Loss
    The loss.

Raises
------
ValueError
    If the scale is not positive and finite.
)";

constexpr const char* kTukeyDoc = R"(Make Tukey's loss: c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, c^2/6 beyond.

Parameters
----------
scale : float
    c > 0.

Returns
-------
Loss
    The loss.

Raises
------
ValueError
    If the scale is not positive and finite.
)";

constexpr const char* kValueDoc = R"(Evaluate rho(r).

Parameters
----------
r : float
    Distance >= 0.

Returns
-------
float
    rho(r).
)";

constexpr const char* kWeightDoc = R"(Evaluate rho'(r) / r, the weight of reweighted least squares.

Parameters
----------
r : float
    Distance >= 0.

Returns
-------
float
    rho'(r) / r.
)";

std::string python_text(double value) {
  return text_of(nb::repr(nb::float_(value)));
}

// The call that makes the same loss.
std::string python_text(const Loss& loss) {
  const std::string scale = python_text(loss.scale());
  switch (loss.kind()) {
    case Loss::Kind::power:
      return "Loss.power(" + python_text(loss.exponent()) + ", " + scale + ")";
    case Loss::Kind::huber:
      return "Loss.huber(" + scale + ")";
    case Loss::Kind::geman_mcclure:
      return "Loss.geman_mcclure(" + scale + ")";
    case Loss::Kind::tukey:
      return "Loss.tukey(" + scale + ")";
  }
  __builtin_unreachable();
}

}  // namespace

void bind_loss(nb::module_& m) {
  nb::class_<Loss>(m, "Loss", kLossDoc)
      .def_static("power", &Loss::power, "p"_a, "delta"_a, kPowerDoc)
      .def_static("huber", &Loss::huber, "scale"_a, kHuberDoc)
      .def_static("geman_mcclure", &Loss::geman_mcclure, "scale"_a, kGemanDoc)
      .def_static("tukey", &Loss::tukey, "scale"_a, kTukeyDoc)
      .def("value", &Loss::value, "r"_a, kValueDoc)
      .def("weight", &Loss::weight, "r"_a, kWeightDoc)
      .def("__repr__", [](const Loss& loss) { return python_text(loss); });
}

}  // namespace loewner::python
