// SPDX-License-Identifier: Apache-2.0
// Walks over the registry: every command is documented, and its examples are valid command lines.
#include "registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "program.hpp"
#include "support/command_line_runs.hpp"

namespace loewner::cli {
namespace {

using test::run_line;

// The message about the first wrong argument of a command line that is not run; empty if there is none.
std::string argument_error(const std::string& line) {
  Program program;
  try {
    (void)program.parse(test::words_of(line));
  } catch (const CLI::ParseError& error) {
    return program.message(error);
  }
  return "";
}

// What the documentation of a command lacks, in words.
std::vector<std::string> faults_of(const DescribedCommand& command) {
  std::vector<std::string> faults;
  const auto expect = [&](bool condition, const std::string& fault) {
    if (!condition) faults.push_back(fault);
  };
  expect(!command.text.summary.empty() && command.text.summary.back() != '.', "summary");
  expect(!command.text.examples.empty(), "no example");
  for (const auto& example : command.text.examples) {
    const std::string start = "loewner " + command.text.name + " ";
    expect(example.starts_with(start), "example of another command: " + example);
    const std::string arguments = example.substr(0, example.find(" > "));  // without redirection
    const std::string error = argument_error(arguments.substr(std::min(arguments.size(), std::size_t{8})));
    expect(error.empty(), "example: " + error);
  }
  for (const auto& option : command.options) {
    const std::string name = option.positional + option.long_name;
    expect(option.text.help.size() >= 8 && !option.text.help.starts_with("of "), name + " has no text");
    expect(!option.positional.empty() || !option.takes_value || !option.text.value.empty(),
           name + " has no placeholder");
  }
  return faults;
}

TEST(CommandRegistry, EveryCommandIsDocumentedAndItsExamplesAreValid) {
  const auto commands = Program().described();
  EXPECT_EQ(commands.size(), 11u);
  for (const auto& command : commands) EXPECT_EQ(faults_of(command), std::vector<std::string>{}) << command.text.name;
}

// Negative control.
TEST(CommandRegistry, FaultsOfTheDocumentationAreFound) {
  DescribedCommand command{{.name = "inspect", .summary = "list.", .examples = {"loewner inspect MODEL --curve"}}, {}};
  command.options.push_back({.section = Section::run,
                             .positional = "",
                             .long_name = "--seed",
                             .short_name = "",
                             .text = {.help = "of every random choice"}});
  const std::vector<std::string> faults = faults_of(command);
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_EQ(faults[0], "summary");
  EXPECT_TRUE(faults[1].starts_with("example: unknown argument --curve")) << faults[1];
  EXPECT_EQ(faults[2], "--seed has no text");
  EXPECT_EQ(faults[3], "--seed has no placeholder");
  command.text.examples.clear();
  EXPECT_EQ(faults_of(command)[1], "no example");
}

TEST(CommandRegistry, EveryHelpHasAnExampleAndATextBehindEveryOption) {
  for (const auto& command : Program().described()) {
    const auto help = run_line(command.text.name + " --help");
    EXPECT_EQ(help.code, done);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("Example"), std::string::npos);
    for (const auto& example : command.text.examples) EXPECT_NE(help.out.find(example), std::string::npos) << example;
    std::vector<std::string> lines;
    std::istringstream text(help.out);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(lines[i].size(), 100u) << lines[i];
      if (!lines[i].starts_with("  -") && !lines[i].starts_with("      --")) continue;
      const bool beside = lines[i].size() > 26 && lines[i][25] == ' ' && lines[i][26] != ' ';
      const bool below = i + 1 < lines.size() && lines[i + 1].starts_with(std::string(26, ' '));
      EXPECT_TRUE(beside || below) << command.text.name << ": " << lines[i];
    }
  }
}

TEST(CommandRegistry, TheHelpOfTheProgramListsEveryCommand) {
  for (const bool python : {false, true}) {
    const auto help = run_line("--help", python);
    EXPECT_EQ(help.code, done);
    for (const auto& command : Program().described())
      EXPECT_NE(help.out.find("\n  " + command.text.name + " "), std::string::npos) << command.text.name;
    EXPECT_EQ(help.out.find("need the Python package") == std::string::npos, python);
  }
}

TEST(CommandRegistry, SectionsHaveOneOrder) {
  const std::string help = run_line("compress --help").out;
  const auto what = help.find("\nWhat:"), how_much = help.find("\nHow much (exactly one):"), how = help.find("\nHow:"),
             run = help.find("\nRun:");
  EXPECT_LT(what, how_much);
  EXPECT_LT(how_much, how);
  EXPECT_LT(how, run);
  EXPECT_NE(run, std::string::npos);
}

}  // namespace
}  // namespace loewner::cli
