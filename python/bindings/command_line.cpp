// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <iostream>
#include <optional>
#include <utility>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"

namespace loewner::python {

namespace nb = nanobind;
using namespace nb::literals;

void bind_command_line(nb::module_& m) {
  m.def(
      "run_command_line",
      [](const std::vector<std::string>& arguments, const std::optional<nb::callable>& run_in_python) {
        std::optional<std::pair<std::string, Json>> command;
        cli::PythonRunner note_command;
        if (run_in_python) {
          note_command = [&](const std::string& name, const Json& options) {
            command.emplace(name, options);
            return cli::done;
          };
        }
        const int code = interruptible([&] {
          const int exit_code = cli::run(arguments, cli::standard_streams(), note_command);
          std::cout.flush();
          return exit_code;
        });
        if (!command) return code;
        return nb::cast<int>((*run_in_python)(command->first, to_python(command->second)));
      },
      "arguments"_a, "run_in_python"_a = nb::none(),
      "Runs `loewner ARGUMENTS` and returns its exit code. run_in_python(name, options) runs a command of the Python "
      "package; without it these commands are refused.");
}

}  // namespace loewner::python
