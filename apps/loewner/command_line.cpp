// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

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

}  // namespace

int run(std::span<const std::string> arguments, const Streams& streams, const PythonRunner& python) {
  const auto fail = [&](const std::exception& error, int code) {
    streams.err << Colors(streams.err_in_color).bad("loewner:") << " " << error.what() << "\n";
    return code;
  };
  try {
    return run_program(arguments, streams, python);
  } catch (const InvalidArgument& error) {
    return fail(error, usage);
  } catch (const BudgetError& error) {
    return fail(error, budget);
  } catch (const Cancelled& error) {
    return fail(error, interrupted);
  } catch (const std::exception& error) {
    return fail(error, bad_input);
  }
}

}  // namespace loewner::cli
