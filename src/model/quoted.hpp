// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace loewner::detail {

/// A name from a file for use in a one-line message: in single quotes, with '?' for anything but
/// printable ASCII, cut after 200 bytes.
inline std::string quoted(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  std::string text = "'";
  for (const char c : name.substr(0, kLongest)) text += c >= ' ' && c <= '~' ? c : '?';
  text += name.size() > kLongest ? "...'" : "'";
  return text;
}

}  // namespace loewner::detail
