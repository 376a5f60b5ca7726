// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loewner/base/progress.hpp"
#include "options.hpp"
#include "progress_bar.hpp"
#include "python_runner.hpp"
#include "streams.hpp"

namespace loewner::cli {

/// A list below the options of a command: names and their meaning.
struct TextTable {
  std::string title;
  std::vector<std::pair<std::string, std::string>> rows;
};

/// What the registry says of a command.
struct CommandText {
  std::string name;
  std::string summary;                ///< one line, beginning with a verb
  std::vector<std::string> examples;  ///< complete command lines
  std::string notes = "";             ///< a paragraph below the options; may be empty
  TextTable table = {};
  std::string python_extra = "";  ///< argument of pip install; empty: runs in C++
};

/// A command with its options, as help and completion show it.
struct DescribedCommand {
  CommandText text;
  std::vector<Option> options;
};

/// One command of `loewner`: its text, its options and its work.
class Command {
 public:
  explicit Command(CommandText text) : text_(std::move(text)) {}
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  const CommandText& text() const { return text_; }
  bool runs_in_python() const { return !text_.python_extra.empty(); }

  virtual void add_options(Options& options) = 0;
  /// Runs with the options that were parsed; returns an ExitCode. `python` is empty in the C++
  /// program.
  virtual int run(const Streams& streams, const PythonRunner& python) = 0;

 private:
  CommandText text_;
};

// Options of several commands.
inline const OptionText kModelText = {
    .help = "model folder with config.json and safetensors files", .completes = Completes::folders, .required = true};
inline const OptionText kModelOrFileText = {
    .help = "model folder with config.json and safetensors files, or an ONNX file",
    .completes = Completes::files,
    .required = true};
inline const OptionText kOutText = {
    .help = "folder that compress wrote", .completes = Completes::folders, .required = true};
// An output may come from anyone, so the path that it states is never opened.
inline const OptionText kCountsText = {.value = "FILE",
                                       .help = "file of token counts, if the model was compressed with one",
                                       .completes = Completes::files};
inline const OptionText kTokenizerText = {.value = "FOLDER",
                                          .help = "folder with the tokenizer of an ONNX file",
                                          .default_text = "the file's folder",
                                          .completes = Completes::folders};
inline const OptionText kAgainstText = {
    .value = "MODEL", .help = "original model folder", .completes = Completes::folders, .required = true};
inline const OptionText kTextFileText = {.value = "FILE",
                                         .help = "UTF-8 text, one sentence or paragraph per line",
                                         .completes = Completes::files,
                                         .required = true};
inline const OptionText kMaxMemoryText = {
    .value = "SIZE", .help = "limit of resident memory, such as 1.5GB", .default_text = "half of the machine's"};

/// The options that commands of the C++ core share, and what follows from them. A command adds
/// those that it obeys.
struct RunOptions {
  std::filesystem::path json;
  bool quiet = false;
  std::optional<int> threads;

  void add_json(Options& options);
  void add_quiet(Options& options, const std::string& help);
  void add_quiet(Options& options);
  void add_threads(Options& options);

  void apply_threads() const;
  /// Writes --json. Errors: IoError.
  void write_json(const Json& report) const;

  /// Returns work(progress), with a progress bar on a terminal.
  template <typename Work>
  auto with_progress(const Streams& streams, Work work) const {
    if (quiet || !streams.err_is_terminal) return work(ProgressCallback{});
    ProgressBar bar(streams.err);
    return work([&](std::string_view what, double fraction) { bar.show(what, fraction); });
  }
};

/// A command whose options are parsed here and whose work the Python package does. Values arrive
/// there under the option's long name with underscores, or the positional's in lower case; absent
/// ones as None.
class PythonCommand : public Command {
 public:
  using Command::Command;

  int run(const Streams& streams, const PythonRunner& python) final;

 protected:
  /// An option without a default: None in Python, or an empty list if T is a list.
  template <typename T>
  CLI::Option* add(Options& options, const std::string& names, OptionText text) {
    const std::string key = key_of(names);
    values_[key] = Json(nullptr);
    return options.add_function<T>(
        names, [this, key](const T& value) { values_[key] = value; }, std::move(text));
  }
  /// An option that repeats.
  CLI::Option* add_list(Options& options, const std::string& names, OptionText text);
  template <typename T>
  CLI::Option* add_with_default(Options& options, const std::string& names, const T& value, OptionText text) {
    auto* const option = add<T>(options, names, std::move(text));
    values_[key_of(names)] = value;
    return option;
  }
  void add_flag(Options& options, const std::string& names, const std::string& help);

  void add_json(Options& options);
  void add_quiet(Options& options);
  void add_threads(Options& options);

 private:
  static std::string key_of(const std::string& names);

  Json values_ = Json::object();
  std::map<std::string, bool> flags_;
};

/// "0.5" for the help of an option's default.
std::string text_of(double number);

}  // namespace loewner::cli
