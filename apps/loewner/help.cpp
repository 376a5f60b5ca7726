// SPDX-License-Identifier: Apache-2.0
#include "help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, in fmt 11 and later

#include <algorithm>
#include <array>

namespace loewner::cli {
namespace {

constexpr std::size_t kLineWidth = 100;  // columns
constexpr std::size_t kTextColumn = 26;  // column at which the text of an option begins
constexpr const char* kIndent = "  ";

// `text` broken at spaces into lines that fit between `left` and kLineWidth; the first line begins
// behind `head`.
std::string wrapped(const std::string& head, std::size_t left, const std::string& text) {
  std::string result = head;
  std::size_t column = head.size();
  const auto new_line = [&] {
    result += "\n" + std::string(left, ' ');
    column = left;
  };
  if (column + 1 > left) {
    new_line();
  } else {
    result += std::string(left - column, ' ');
    column = left;
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (column > left && column + 1 + word.size() > kLineWidth) new_line();
    if (column > left) {
      result += " ";
      ++column;
    }
    result += word;
    column += word.size();
    begin = end + 1;
  }
  return result + "\n";
}

std::string paragraph(const std::string& text) {
  std::string lines = wrapped("", 1, text);
  std::string result;
  for (std::size_t begin = 0; begin < lines.size();) {  // a paragraph has no indent
    const std::size_t end = lines.find('\n', begin) + 1;
    result += lines.substr(begin + 1, end - begin - 1);
    begin = end;
  }
  return result;
}

std::string value_of(const Option& option) {
  if (!option.takes_value) return "";
  return " " + option.text.value;
}

std::string names_of(const Option& option) {
  if (!option.positional.empty()) return option.positional;
  const std::string names =
      option.short_name.empty() ? "    " + option.long_name : option.short_name + ", " + option.long_name;
  return names + value_of(option);
}

std::string help_text(const Option& option) {
  std::string text = option.text.help;
  if (!option.text.choices.empty()) text += fmt::format("; one of {}", fmt::join(option.text.choices, ", "));
  if (option.repeats) text += "; may be repeated";
  if (!option.text.default_text.empty()) text += fmt::format(" (default: {})", option.text.default_text);
  return text;
}

std::string usage_of(const Command& command, std::span<const Option> options) {
  std::string line = "loewner " + command.text().name, one_of;
  const auto shown = [](const Option& option) {
    return (option.short_name.empty() ? option.long_name : option.short_name) + value_of(option);
  };
  for (const auto& option : options) {
    if (!option.positional.empty()) line += " " + option.positional + (option.repeats ? "..." : "");
  }
  for (const auto& option : options) {
    const bool named = option.text.required || option.text.in_usage;
    if (option.positional.empty() && named) line += " " + shown(option);
    if (option.one_of_several) one_of += (one_of.empty() ? "" : " | ") + shown(option);
  }
  if (!one_of.empty()) line += " (" + one_of + ")";
  return line + " [options]";
}

std::string title_of(Section section, bool exactly_one) {
  static constexpr std::array kTitles = {"What", "How much", "How", "Run"};
  return std::string(kTitles[static_cast<std::size_t>(section)]) + (exactly_one ? " (exactly one)" : "") + ":";
}

std::string section_of(Section section, std::span<const Option> options, const Colors& colors) {
  std::string lines;
  bool exactly_one = false;
  for (const auto& option : options) {
    if (option.section != section) continue;
    exactly_one = option.one_of_several;
    lines += wrapped(kIndent + names_of(option), kTextColumn, help_text(option));
  }
  if (section == Section::run) lines += wrapped("  -h, --help", kTextColumn, "print this help");
  return lines.empty() ? "" : "\n" + colors.heading(title_of(section, exactly_one)) + "\n" + lines;
}

template <typename Listed>
std::string list_of(std::span<const std::unique_ptr<Command>> commands, Listed listed) {
  std::string lines;
  for (const auto& command : commands) {
    if (listed(*command)) lines += wrapped(kIndent + command->text().name, 14, command->text().summary);
  }
  return lines;
}

}  // namespace

std::string help_of_program(std::span<const std::unique_ptr<Command>> commands, bool python, const Colors& colors) {
  std::string text = "loewner makes transformer checkpoints smaller without fine-tuning and without a GPU.\n\n";
  text += colors.heading("Usage:") + "\n  loewner COMMAND [options]\n\n";
  text += colors.heading("Commands:") + "\n" +
          list_of(commands, [&](const Command& command) { return python || !command.runs_in_python(); });
  if (!python) {
    text += "\n" + colors.heading("Commands that need the Python package (pip install loewner):") + "\n" +
            list_of(commands, [](const Command& command) { return command.runs_in_python(); });
  }
  text += "\n" + colors.heading("Options:") + "\n";
  text += wrapped("  -h, --help", 14, "print this help");
  text += wrapped("  --version", 14, "print version, commit and BLAS library");
  return text + "\nloewner COMMAND --help shows the options of a command and an example.\n";
}

std::string help_of_command(const Command& command, std::span<const Option> options, const Colors& colors) {
  std::string summary = command.text().summary;
  std::string text = "loewner " + command.text().name + ": " + summary + ".\n\n";
  text += colors.heading("Usage:") + "\n" + wrapped(" ", 4, usage_of(command, options)).substr(2);
  text += "\n" + colors.heading(command.text().examples.size() > 1 ? "Examples:" : "Example:") + "\n";
  for (const auto& example : command.text().examples) text += kIndent + example + "\n";
  for (const Section section : {Section::what, Section::how_much, Section::how, Section::run}) {
    text += section_of(section, options, colors);
  }
  const TextTable& table = command.text().table;
  if (!table.rows.empty()) text += "\n" + colors.heading(table.title + ":") + "\n";
  for (const auto& [name, meaning] : table.rows) text += wrapped(kIndent + name, 14, meaning);
  if (!command.text().notes.empty()) text += "\n" + paragraph(command.text().notes);
  if (command.runs_in_python()) {
    text += "\n" + paragraph("Runs in the Python package: pip install \"" + command.text().python_extra + "\".");
  }
  return text;
}

}  // namespace loewner::cli
