// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "command_line.hpp"

namespace loewner::test {

/// A finished `loewner ...`, and the options that a Python command was given.
struct CommandRun {
  int code = 0;
  std::string out, err;
  Json python_options;
};

inline std::vector<std::string> words_of(const std::string& line) {
  std::istringstream text(line);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

/// Runs the words of a line; with a Python package that does nothing, or without one.
inline CommandRun run_line(const std::string& line, bool python = false, bool in_color = false) {
  std::ostringstream out, err;
  CommandRun run;
  cli::PythonRunner runner;
  if (python) {
    runner = [&](const std::string&, const Json& options) {
      run.python_options = options;
      return cli::done;
    };
  }
  const cli::Streams streams{.out = out, .err = err, .out_in_color = in_color, .err_in_color = in_color};
  run.code = cli::run(words_of(line), streams, runner);
  run.out = out.str();
  run.err = err.str();
  return run;
}

}  // namespace loewner::test
