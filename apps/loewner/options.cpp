// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

#include "url.hpp"

namespace loewner::cli {

void Options::begin(Section section) {
  section_ = section;
  exactly_one_ = false;
  current_ = &parser_;
}

void Options::begin_exactly_one(Section section) {
  section_ = section;
  exactly_one_ = true;
  current_ = parser_.add_option_group("amount")->require_option(1);
}

CLI::Option* Options::add_flag(const std::string& names, bool& target, const std::string& help) {
  auto* const option = declare(names, current_->add_flag(names, target), {.help = help});
  options_.back().takes_value = false;
  options_.back().repeats = false;
  return option;
}

std::string Options::is_whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_valid = error == std::errc() && end == text.data() + text.size();
  return is_valid ? "" : "expected a whole number from 0 to 18446744073709551615, got '" + text + "'";
}

std::string Options::is_no_url(const std::string& text) {
  if (!is_url(text)) return "";
  return "is a URL; only MODEL, --output and --moments of compress may be URLs, copy others to this machine, got '" +
         text + "'";
}

CLI::Option* Options::declare(const std::string& names, CLI::Option* option, OptionText text) {
  const bool positional = option->get_positional();
  const auto spelled = [](const std::vector<std::string>& found, const char* dashes) {
    return found.empty() ? std::string() : dashes + found.front();
  };
  const bool repeats = option->get_expected_max() > 1;
  option->required(text.required);
  if (!positional && repeats) option->allow_extra_args(false);  // one value each, so that MODEL may follow
  if (!text.choices.empty()) option->check(CLI::IsMember(text.choices));
  if (text.completes != Completes::nothing && !text.allows_url) option->check(is_no_url);
  options_.push_back({.section = section_,
                      .positional = positional ? names : "",
                      .long_name = spelled(option->get_lnames(), "--"),
                      .short_name = spelled(option->get_snames(), "-"),
                      .text = std::move(text),
                      .repeats = repeats,
                      .one_of_several = exactly_one_});
  return option;
}

}  // namespace loewner::cli
