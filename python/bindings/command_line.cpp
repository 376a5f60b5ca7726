// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <utility>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/model/json.hpp"

namespace loewner::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

// Arguments and file names are bytes. Those that are not UTF-8 have surrogates in Python (PEP 383).
std::string bytes_of(const nb::str& text) {
  const nb::bytes bytes = nb::steal<nb::bytes>(PyUnicode_EncodeFSDefault(text.ptr()));
  if (!bytes.is_valid()) throw nb::python_error();
  return {bytes.c_str(), bytes.size()};
}

nb::object option_to_python(const Json& value) {
  if (value.is_string()) {
    const auto& bytes = value.get_ref<const std::string&>();
    return nb::steal(PyUnicode_DecodeFSDefaultAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
  }
  if (value.is_boolean()) return nb::bool_(value.get<bool>());
  if (value.is_number_unsigned()) return nb::int_(value.get<std::uint64_t>());
  if (value.is_number_integer()) return nb::int_(value.get<std::int64_t>());
  if (value.is_number()) return nb::float_(value.get<double>());
  if (!value.is_array()) return nb::none();
  nb::list list;
  for (const auto& entry : value) list.append(option_to_python(entry));
  return list;
}

nb::dict options_to_python(const Json& options) {
  nb::dict dict;
  for (const auto& [name, value] : options.items()) dict[name.c_str()] = option_to_python(value);
  return dict;
}

}  // namespace

void bind_command_line(nb::module_& m) {
  m.def(
      "run_command_line",
      [](const std::vector<nb::str>& words, const std::optional<nb::callable>& run_in_python) {
        std::vector<std::string> arguments;
        for (const auto& word : words) arguments.push_back(bytes_of(word));
        std::optional<std::pair<std::string, Json>> command;
        cli::PythonRunner note_command;
        if (run_in_python) {
          note_command = [&](const std::string& name, const Json& options) {
            command.emplace(name, options);
            return cli::done;
          };
        }
        const int code = interruptible([&] { return cli::run(arguments, cli::standard_streams(), note_command); });
        if (!command) return code;
        return nb::cast<int>((*run_in_python)(command->first, options_to_python(command->second)));
      },
      "arguments"_a, "run_in_python"_a = nb::none(),
      "Runs `loewner ARGUMENTS` and returns its exit code. run_in_python(name, options) runs a command of the Python "
      "package; without it these commands are refused.");
}

}  // namespace loewner::python
