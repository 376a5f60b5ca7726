// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "color.hpp"
#include "command.hpp"
#include "completion.hpp"

namespace loewner::cli {

/// The parser of all commands of the registry, with a fresh set of option values.
class Program {
 public:
  Program();

  /// The command that the arguments name, with its options set. Throws CLI::ParseError, which
  /// stands for --help and --version too.
  Command& parse(std::span<const std::string> arguments);

  /// Help of the command that parse() reached, or of the program.
  std::string help(bool python, const Colors& colors) const;

  /// One line about a wrong argument.
  std::string message(const CLI::ParseError& error) const;

  /// All commands with their options.
  std::vector<DescribedCommand> described() const;

 private:
  struct Entry {
    Command* command;
    CLI::App* parser;
    std::unique_ptr<Options> options;
  };

  const Entry* parsed() const;

  std::vector<std::unique_ptr<Command>> commands_;
  CLI::App root_;
  std::vector<Entry> entries_;
};

}  // namespace loewner::cli
