// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.hpp"
#include "exit_code.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::cli {
namespace {

const OptionText kJsonText = {.value = "FILE", .help = "JSON file for the report", .completes = Completes::files};
const OptionText kThreadsText = {
    .value = "N", .help = "number of threads; results do not depend on it", .default_text = "all processors"};
constexpr const char* kQuietText = "print no table and no progress bar";
constexpr int kMostThreads = 4096;

}  // namespace

void RunOptions::add_json(Options& options) {
  options.add("--json", json, kJsonText);
}

void RunOptions::add_quiet(Options& options, const std::string& help) {
  options.add_flag("--quiet", quiet, help);
}

void RunOptions::add_quiet(Options& options) {
  add_quiet(options, kQuietText);
}

void RunOptions::add_threads(Options& options) {
  options.add("--threads", threads, kThreadsText)->check(CLI::Range(1, kMostThreads));
}

void RunOptions::apply_threads() const {
  if (threads) set_num_threads(*threads);
}

void RunOptions::write_json(const Json& report) const {
  if (json.empty()) return;
  try {
    detail::write_user_file(json, report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } catch (const IoError& error) {
    throw IoError(json.string() + ": cannot be written (" + error.what() + ")");
  }
}

int PythonCommand::run(const Streams& streams, const PythonRunner& python) {
  if (!python) {
    streams.err << fmt::format("loewner: {} runs in the Python package: pip install \"{}\"\n", text().name,
                               text().python_extra);
    return usage;
  }
  for (const auto& [key, set] : flags_) values_[key] = set;
  return python(text().name, values_);
}

CLI::Option* PythonCommand::add_list(Options& options, const std::string& names, OptionText text) {
  auto* const option = add<std::vector<std::string>>(options, names, std::move(text));
  values_[key_of(names)] = Json::array();
  return option;
}

void PythonCommand::add_flag(Options& options, const std::string& names, const std::string& help) {
  options.add_flag(names, flags_[key_of(names)], help);
}

void PythonCommand::add_json(Options& options) {
  add<std::string>(options, "--json", kJsonText);
}

void PythonCommand::add_quiet(Options& options) {
  add_flag(options, "--quiet", kQuietText);
}

void PythonCommand::add_threads(Options& options) {
  add<int>(options, "--threads", kThreadsText)->check(CLI::Range(1, kMostThreads));
}

std::string PythonCommand::key_of(const std::string& names) {
  std::string key = names.substr(names.rfind("--") == names.npos ? 0 : names.rfind("--") + 2);
  std::ranges::transform(key, key.begin(), [](unsigned char c) { return c == '-' ? '_' : std::tolower(c); });
  return key;
}

std::string text_of(double number) {
  return fmt::format("{:g}", number);
}

}  // namespace loewner::cli
