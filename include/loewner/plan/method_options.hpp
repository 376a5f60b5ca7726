// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loewner/base/checked_size.hpp"

namespace loewner {

enum class Method;

/// An option of one method: a whole number, or one of some words.
struct MethodOption {
  std::string_view name;               ///< key of MethodOptions and keyword in Python
  std::string_view meaning;            ///< one line for help texts
  Index least = 1;                     ///< smallest allowed value
  Index most = 1;                      ///< largest allowed value
  std::optional<Index> default_value;  ///< none: the method chooses a value for each matrix
  /// The words for least ... most; empty for an option that is a number.
  std::span<const std::string_view> words{};
};

/// The number of a word of an option; nothing for other texts.
///
/// Errors    none.
std::optional<Index> number_of(const MethodOption& option, std::string_view word);

/// Values of the options of methods by name. An option that is missing takes its default.
using MethodOptions = std::map<std::string, Index, std::less<>>;

/// The option of this name of any method, or null.
///
/// Errors    none.
const MethodOption* find_method_option(std::string_view name);

/// The value of an option: the given one, or its default.
///
/// Errors    none.
std::optional<Index> value_of(const MethodOption& option, const MethodOptions& options);

/// Checks names and ranges.
///
/// Errors    InvalidArgument when no method has an option of that name, or when a value is outside
///           its range; the message names the option, its range and the value.
void require_usable(const MethodOptions& options);

/// Sets the options of a method from the value of its command-line flag: numbers or words separated
/// by colons, in the order of MethodInfo::options. Options at the end may be left out, and `auto`
/// stands for an option without a default.
///
/// Errors    InvalidArgument unless the text has this form. Ranges are left to require_usable().
void set_from_flag(Method method, const std::string& text, MethodOptions& options);

/// The value of a method's command-line flag that gives these options: the inverse of
/// set_from_flag(). Empty when all options of the method have their defaults.
///
/// Errors    none.
std::string flag_value(Method method, const MethodOptions& options);

}  // namespace loewner
