// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/byte_size.hpp"

#include <cctype>
#include <charconv>
#include <map>

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

std::string lower_without_spaces(const char* begin, const char* end) {
  std::string text;
  for (const char* c = begin; c != end; ++c) {
    if (std::isspace(static_cast<unsigned char>(*c)) == 0)
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  }
  return text;
}

}  // namespace

std::int64_t parse_byte_size(const std::string& name, const std::string& text) {
  static const std::map<std::string, double> kUnits = {
      {"", 1},      {"b", 1},        {"kb", 1e3},     {"mb", 1e6},     {"gb", 1e9},
      {"tb", 1e12}, {"kib", 0x1p10}, {"mib", 0x1p20}, {"gib", 0x1p30}, {"tib", 0x1p40}};
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const auto unit = kUnits.find(lower_without_spaces(parsed.ptr, end));
  const double bytes = unit == kUnits.end() ? 0 : number * unit->second;
  require(bytes >= 1 && bytes < 0x1p62, [&] { return name + ": expected a size such as 1.5GB, got '" + text + "'"; });
  return static_cast<std::int64_t>(bytes);
}

}  // namespace loewner
