// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <exception>
#include <new>

#include "loewner/base/error.hpp"
#include "program.hpp"
#include "version.hpp"

namespace loewner::cli {
namespace {

int run_program(std::span<const std::string> arguments, const Streams& streams, const PythonRunner& python) {
  Program program;
  Command* command = nullptr;
  try {
    command = &program.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    streams.out << program.help(static_cast<bool>(python), Colors(streams.out_in_color));
    return done;
  } catch (const CLI::CallForVersion&) {
    streams.out << version_text();
    return done;
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument(program.message(error));
  }
  return command->run(streams, python);
}

int exit_code_of(std::span<const std::string> arguments, const Streams& streams, const PythonRunner& python) {
  const auto fail = [&](const char* message, int code) {
    streams.err << Colors(streams.err_in_color).bad("loewner:") << " " << message << "\n";
    return code;
  };
  try {
    const int code = run_program(arguments, streams, python);
    if (code != done || streams.out.flush()) return code;
    return fail("standard output: cannot be written", bad_input);
  } catch (const InvalidArgument& error) {
    return fail(error.what(), usage);
  } catch (const BudgetError& error) {
    return fail(error.what(), budget);
  } catch (const Cancelled& error) {
    return fail(error.what(), interrupted);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", bad_input);
  } catch (const std::exception& error) {
    return fail(error.what(), bad_input);
  }
}

}  // namespace

int run(std::span<const std::string> arguments, const Streams& streams, const PythonRunner& python) {
  const int code = exit_code_of(arguments, streams, python);
  streams.out.clear();  // a later run in this process may have another standard output
  return code;
}

}  // namespace loewner::cli
