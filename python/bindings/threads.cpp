// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::python {

void bind_threads(nanobind::module_& m) {
  m.def("num_threads", &num_threads, "Threads that computations use: at first the processors this process may run on.");
  m.def("set_num_threads", &set_num_threads, nanobind::arg("count"),
        "Sets it for the whole process. Results do not depend on it.");
}

}  // namespace loewner::python
