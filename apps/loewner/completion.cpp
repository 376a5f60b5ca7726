// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, in fmt 11 and later

#include <algorithm>

namespace loewner::cli {
namespace {

std::vector<std::string> spellings_of(const Option& option) {
  std::vector<std::string> names;
  for (const auto& name : {option.short_name, option.long_name}) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

// 'text' with `special` characters behind backslashes, in single quotes.
std::string shell_quoted(const std::string& text, const std::string& special = "") {
  std::string result = "'";
  for (const char c : text) {
    if (special.find(c) != special.npos) result += '\\';
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

std::string words_of(std::span<const DescribedCommand> commands) {
  std::string words;
  for (const auto& command : commands) words += command.text.name + " ";
  return words + "--help --version";
}

// ---- bash

std::string bash_values(const OptionText& text) {
  if (!text.choices.empty()) return fmt::format("_loewner_words \"{}\"", fmt::join(text.choices, " "));
  switch (text.completes) {
    case Completes::files:
      return "_loewner_paths -f";
    case Completes::folders:
      return "_loewner_paths -d";
    case Completes::nothing:
      break;
  }
  return ":";
}

std::string bash_command(const DescribedCommand& command) {
  std::string values, names, positional = ":";
  for (const auto& option : command.options) {
    if (!option.positional.empty()) {
      positional = bash_values(option.text);
      continue;
    }
    names += fmt::format("{} ", fmt::join(spellings_of(option), " "));
    if (option.takes_value)
      values +=
          fmt::format("        {}) {}; return ;;\n", fmt::join(spellings_of(option), "|"), bash_values(option.text));
  }
  return fmt::format(
      "    {0})\n"
      "      case \"$previous\" in\n"
      "{1}"
      "      esac\n"
      "      case \"$word\" in\n"
      "        -*) _loewner_words \"{2}-h --help\" ;;\n"
      "        *) {3} ;;\n"
      "      esac ;;\n",
      command.text.name, values, names, positional);
}

std::string bash_script(std::span<const DescribedCommand> commands) {
  std::string cases;
  for (const auto& command : commands) cases += bash_command(command);
  return fmt::format(R"(# bash completion of loewner; source <(loewner completion bash)
_loewner_words() {{ COMPREPLY=($(compgen -W "$1" -- "$word")); }}
_loewner_paths() {{
  local IFS=$'\n'
  compopt -o filenames 2> /dev/null
  COMPREPLY=($(compgen "$1" -- "$word"))
}}
_loewner() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD - 1]}}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _loewner_words "{}"
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{}  esac
}}
complete -F _loewner loewner
)",
                     words_of(commands), cases);
}

// ---- zsh

std::string zsh_action(const OptionText& text) {
  if (!text.choices.empty()) return fmt::format("({})", fmt::join(text.choices, " "));
  switch (text.completes) {
    case Completes::files:
      return "_files";
    case Completes::folders:
      return "_files -/";
    case Completes::nothing:
      break;
  }
  return " ";
}

// One specification of _arguments for each name of an option.
std::string zsh_option(const Option& option) {
  constexpr const char* kSpecial = "[]:\\";
  const auto& text = option.text;
  if (!option.positional.empty())
    return fmt::format(" \\\n        {}",
                       shell_quoted((option.repeats ? "*:" : ":") + option.positional + ":" + zsh_action(text)));
  std::string result;
  for (const auto& name : spellings_of(option)) {
    const std::string help = shell_quoted(text.help, kSpecial);
    std::string specification = (option.repeats ? "*" : "") + name + "[" + help.substr(1, help.size() - 2) + "]";
    if (option.takes_value) specification += ":" + text.value + ":" + zsh_action(text);
    result += " \\\n        '" + specification + "'";
  }
  return result;
}

std::string zsh_script(std::span<const DescribedCommand> commands) {
  std::string list, cases;
  for (const auto& command : commands) {
    list += "    " + shell_quoted(command.text.name + ":" + command.text.summary) + "\n";
    cases += "    " + command.text.name + ")\n      _arguments";
    for (const auto& option : command.options) cases += zsh_option(option);
    cases += " \\\n        '--help[print this help]' ;;\n";
  }
  return fmt::format(R"(#compdef loewner
# zsh completion of loewner; source <(loewner completion zsh)
_loewner() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
{}  esac
}}
if [ "$funcstack[1]" = _loewner ]; then _loewner "$@"; else compdef _loewner loewner; fi
)",
                     list, cases);
}

// ---- fish

std::string fish_words(const OptionText& text) {
  if (!text.choices.empty()) return " -a " + shell_quoted(fmt::format("{}", fmt::join(text.choices, " ")));
  switch (text.completes) {
    case Completes::files:
      return " -F";
    case Completes::folders:
      return " -a '(__fish_complete_directories)'";
    case Completes::nothing:
      break;
  }
  return "";
}

std::string fish_option(const std::string& command, const Option& option) {
  std::string line = "complete -c loewner -n '__fish_seen_subcommand_from " + command + "'";
  if (!option.positional.empty()) return line + fish_words(option.text) + "\n";
  line += " -l " + option.long_name.substr(2);
  if (!option.short_name.empty()) line += " -s " + option.short_name.substr(1);
  if (option.takes_value) line += (option.text.completes == Completes::files ? " -r" : " -x") + fish_words(option.text);
  return line + " -d " + shell_quoted(option.text.help) + "\n";
}

std::string fish_script(std::span<const DescribedCommand> commands) {
  std::string script = "# fish completion of loewner; loewner completion fish | source\ncomplete -c loewner -f\n";
  for (const auto& command : commands) {
    script += "complete -c loewner -n __fish_use_subcommand -a " + command.text.name + " -d " +
              shell_quoted(command.text.summary) + "\n";
    for (const auto& option : command.options) script += fish_option(command.text.name, option);
  }
  return script;
}

}  // namespace

std::string completion_script(const std::string& shell, std::span<const DescribedCommand> commands) {
  if (shell == "bash") return bash_script(commands);
  return shell == "zsh" ? zsh_script(commands) : fish_script(commands);
}

}  // namespace loewner::cli
