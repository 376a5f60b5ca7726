// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "color.hpp"
#include "command.hpp"

namespace loewner::cli {

/// `loewner --help`. Commands of the Python package get a section of their own unless `python` is
/// present.
std::string help_of_program(std::span<const std::unique_ptr<Command>> commands, bool python, const Colors& colors);

/// `loewner COMMAND --help`: summary, usage, examples, options by section, notes.
std::string help_of_command(const Command& command, std::span<const Option> options, const Colors& colors);

}  // namespace loewner::cli
