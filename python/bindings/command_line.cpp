// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <iostream>

#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

void bind_command_line(nanobind::module_& m) {
  m.def(
      "run_command_line",
      [](const std::vector<std::string>& arguments) {
        return interruptible([&] {
          const int code = cli::run(arguments, std::cout, std::cerr);
          std::cout.flush();
          return code;
        });
      },
      nanobind::arg("arguments"), "Runs `loewner ARGUMENTS` and returns its exit code.");
}

}  // namespace loewner::python
