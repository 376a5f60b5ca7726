// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace loewner::cli {

/// The sections of a command's help, in the order in which they are printed.
enum class Section { what, how_much, how, run };

/// What a shell offers for a value.
enum class Completes { nothing, files, folders };

/// What help and shell completion show of an option, and the checks that follow from it.
struct OptionText {
  std::string value = "";         ///< placeholder of the value, such as FILE; a positional shows its name
  std::string help;               ///< what the option sets, beginning with its subject
  std::string default_text = "";  ///< shown behind the help; empty: no default
  Completes completes = Completes::nothing;
  std::vector<std::string> choices = {};  ///< the only values allowed; empty: any
  bool required = false;
  bool in_usage = false;    ///< shown in the usage line although the parser does not require it
  bool allows_url = false;  ///< of a file or folder, which a URL may name; other URLs are refused
};

/// One option or positional argument of a command.
struct Option {
  Section section;
  std::string positional;  ///< MODEL; empty for an option
  std::string long_name;   ///< --output
  std::string short_name;  ///< -o; often empty
  OptionText text;
  bool takes_value = true;
  bool repeats = false;
  bool one_of_several = false;  ///< exactly one option of its section is required
};

/// Declares the options of one command to the parser, and keeps what help and completion need to
/// know of them.
class Options {
 public:
  explicit Options(CLI::App& parser) : parser_(parser), current_(&parser) {}
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// The options that are added next belong to this section.
  void begin(Section section);
  /// The same; exactly one of them is required.
  void begin_exactly_one(Section section);

  /// Adds an option ("-o,--output", "--keep") or a positional argument ("MODEL") whose value is
  /// stored in `target`.
  template <typename T>
  CLI::Option* add(const std::string& names, T& target, OptionText text) {
    CLI::Option* const option = current_->add_option(names, target);
    if constexpr (std::is_same_v<T, std::uint64_t>) option->check(is_whole_number);
    return declare(names, option, std::move(text));
  }
  /// Adds an option whose value is given to `store`.
  template <typename T>
  CLI::Option* add_function(const std::string& names, const std::function<void(const T&)>& store, OptionText text) {
    CLI::Option* const option = current_->add_option_function<T>(names, store);
    if constexpr (std::is_same_v<T, std::uint64_t>) option->check(is_whole_number);
    return declare(names, option, std::move(text));
  }
  CLI::Option* add_flag(const std::string& names, bool& target, const std::string& help);

  const std::vector<Option>& all() const { return options_; }

 private:
  // CLI11 would wrap negative numbers around. Empty if the text is a number below 2^64.
  static std::string is_whole_number(const std::string& text);
  // Empty if the text is the path of a file or folder.
  static std::string is_no_url(const std::string& text);
  CLI::Option* declare(const std::string& names, CLI::Option* option, OptionText text);

  CLI::App& parser_;
  CLI::App* current_;
  Section section_ = Section::what;
  bool exactly_one_ = false;
  std::vector<Option> options_;
};

}  // namespace loewner::cli
