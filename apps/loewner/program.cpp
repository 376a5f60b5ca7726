// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "help.hpp"
#include "registry.hpp"

namespace loewner::cli {

Program::Program() : commands_(all_commands()), root_("", "loewner") {
  root_.set_version_flag("--version", "");
  root_.require_subcommand(1);
  for (const auto& command : commands_) {
    auto* const parser = root_.add_subcommand(command->text().name, "");
    entries_.push_back({command.get(), parser, std::make_unique<Options>(*parser)});
    command->add_options(*entries_.back().options);
  }
}

Command& Program::parse(std::span<const std::string> arguments) {
  root_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // last one first
  return *parsed()->command;
}

std::string Program::help(bool python, const Colors& colors) const {
  const Entry* const entry = parsed();
  if (entry == nullptr) return help_of_program(commands_, python, colors);
  return help_of_command(*entry->command, entry->options->all(), colors);
}

std::string Program::message(const CLI::ParseError& error) const {
  const Entry* const entry = parsed();
  const std::string command = entry == nullptr ? "" : entry->command->text().name + " ";
  std::string what = error.what();
  const auto unknown = (entry == nullptr ? &root_ : entry->parser)->remaining();
  if (entry == nullptr && unknown.empty()) {
    what = "a command is needed";
  } else if (entry == nullptr && !unknown.front().starts_with('-')) {
    what = "unknown command " + unknown.front();
  } else if (!unknown.empty() && (entry == nullptr || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)) {
    what = "unknown argument " + unknown.front();
  }
  return fmt::format("{} (see loewner {}--help)", what, command);
}

std::vector<DescribedCommand> Program::described() const {
  std::vector<DescribedCommand> commands;
  for (const auto& entry : entries_) commands.push_back({entry.command->text(), entry.options->all()});
  return commands;
}

const Program::Entry* Program::parsed() const {
  const auto entry = std::ranges::find_if(entries_, [](const Entry& e) { return e.parser->parsed(); });
  return entry == entries_.end() ? nullptr : &*entry;
}

}  // namespace loewner::cli
