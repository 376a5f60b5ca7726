// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/method_options.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "loewner/base/error.hpp"
#include "loewner/plan/method.hpp"

namespace loewner {
namespace {

constexpr std::string_view kChosenByMethod = "auto";

// `auto` for an option without a default, else a word or a whole number; nothing for other texts.
std::optional<std::optional<Index>> parse_value(std::string_view text, const MethodOption& option) {
  if (text == kChosenByMethod && !option.default_value) return std::optional<Index>();
  if (!option.words.empty()) {
    const auto number = number_of(option, text);
    return number ? std::optional(number) : std::nullopt;
  }
  Index value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return std::optional<Index>(value);
}

void require_usable_option(const std::string& name, Index value) {
  const MethodOption* const option = find_method_option(name);
  require(option != nullptr, [&] { return "no method has an option '" + name + "'"; });
  require(value >= option->least && value <= option->most, [&] {
    return name + " must be in [" + std::to_string(option->least) + ", " + std::to_string(option->most) + "], got " +
           std::to_string(value);
  });
}

std::string text_of(const MethodOption& option, std::optional<Index> value) {
  if (!value) return std::string(kChosenByMethod);
  return option.words.empty() ? std::to_string(*value)
                              : std::string(option.words[static_cast<std::size_t>(*value - option.least)]);
}

}  // namespace

const MethodOption* find_method_option(std::string_view name) {
  for (const Method method : all_methods()) {
    for (const auto& option : info_of(method).options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

std::optional<Index> number_of(const MethodOption& option, std::string_view word) {
  const auto found = std::ranges::find(option.words, word);
  if (found == option.words.end()) return std::nullopt;
  return option.least + (found - option.words.begin());
}

std::optional<Index> value_of(const MethodOption& option, const MethodOptions& options) {
  const auto given = options.find(option.name);
  return given != options.end() ? given->second : option.default_value;
}

void require_usable(const MethodOptions& options) {
  for (const auto& [name, value] : options) require_usable_option(name, value);
}

void set_from_flag(Method method, const std::string& text, MethodOptions& options) {
  const MethodInfo& info = info_of(method);
  const auto require_form = [&](bool holds) {
    require(holds, [&] {
      return std::string(info.flag) + ": expected " + std::string(info.flag_help) + "; got '" + text + "'";
    });
  };
  std::string_view rest = text;
  for (std::size_t i = 0;; ++i) {
    require_form(i < info.options.size());
    const MethodOption& option = info.options[i];
    const auto colon = rest.find(':');
    const auto value = parse_value(rest.substr(0, colon), option);
    require_form(value.has_value());
    options.erase(std::string(option.name));
    if (*value) options[std::string(option.name)] = **value;
    if (colon == std::string_view::npos) return;
    rest.remove_prefix(colon + 1);
  }
}

std::string flag_value(Method method, const MethodOptions& options) {
  const MethodInfo& info = info_of(method);
  const bool all_defaults = std::ranges::all_of(
      info.options, [&](const MethodOption& option) { return value_of(option, options) == option.default_value; });
  if (all_defaults) return {};
  std::string text;
  for (const auto& option : info.options) {
    const auto value = value_of(option, options);
    if (!text.empty()) text += ':';
    text += text_of(option, value);
  }
  return text;
}

}  // namespace loewner
