// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "command.hpp"

namespace loewner::cli {

/// All commands of `loewner`, in the order of the help. The only list of commands: the C++ program,
/// the Python package's script, the help and the shell completions read it.
std::vector<std::unique_ptr<Command>> all_commands();

std::unique_ptr<Command> make_calibrate();
std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_compress();
std::unique_ptr<Command> make_eval();
std::unique_ptr<Command> make_expand();
std::unique_ptr<Command> make_export();
std::unique_ptr<Command> make_inspect();
std::unique_ptr<Command> make_plot();
std::unique_ptr<Command> make_refit();
std::unique_ptr<Command> make_report();
std::unique_ptr<Command> make_verify();

}  // namespace loewner::cli
