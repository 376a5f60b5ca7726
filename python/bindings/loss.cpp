// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loss.hpp"

#include "bindings.hpp"

namespace loewner::python {

namespace nb = nanobind;
using namespace nb::literals;

void bind_loss(nb::module_& m) {
  nb::class_<Loss>(m, "Loss", "A loss rho of a distance r >= 0.")
      .def_static("power", &Loss::power, "p"_a, "delta"_a,
                  "r^p for r >= delta; below it the parabola of the same slope, shifted to the same value")
      .def_static("huber", &Loss::huber, "scale"_a, "r^2/2 for r <= c, else c (r - c/2)")
      .def_static("geman_mcclure", &Loss::geman_mcclure, "scale"_a, "(r^2/2) / (1 + (r/c)^2)")
      .def_static("tukey", &Loss::tukey, "scale"_a, "c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, else c^2/6")
      .def("value", &Loss::value, "r"_a, "rho(r)")
      .def("weight", &Loss::weight, "r"_a, "rho'(r) / r");
}

}  // namespace loewner::python
