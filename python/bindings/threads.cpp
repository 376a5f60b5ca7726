// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::python {
namespace {

constexpr const char* kNumThreadsDoc = R"(Return the number of threads that computations use.

Returns
-------
int
    By default the number of processors on which this process may run.

Examples
--------
>>> import loewner
>>> loewner.num_threads() >= 1
True
)";

constexpr const char* kSetNumThreadsDoc = R"(Set the number of threads for the whole process.

Parameters
----------
count : int
    Number of threads, >= 1. Results do not depend on it.

Raises
------
ValueError
    If the count is below 1.

Examples
--------
>>> import loewner
>>> loewner.set_num_threads(loewner.num_threads())
)";

}  // namespace

void bind_threads(nanobind::module_& m) {
  m.def("num_threads", &num_threads, kNumThreadsDoc);
  m.def("set_num_threads", &set_num_threads, nanobind::arg("count"), kSetNumThreadsDoc);
}

}  // namespace loewner::python
