// SPDX-License-Identifier: Apache-2.0
#include "model/config_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "base/file.hpp"
#include "loewner/base/checked_size.hpp"
#include "loewner/model/json.hpp"

namespace loewner::detail {
namespace {

constexpr Index kMaxConfigBytes = Index{16} << 20;
constexpr std::string_view kMark = "\"\\u0001number:";  // as it stands in JSON text
constexpr std::string_view kDigits = "0123456789";

// The end of the digits that begin at `i`.
std::size_t end_of_digits(std::string_view text, std::size_t i) {
  return std::min(text.find_first_not_of(kDigits, i), text.size());
}

// Whether the text is a number in the grammar of JSON.
bool is_number(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = end_of_digits(text, i);
  if (whole == i || (text[i] == '0' && whole > i + 1)) return false;
  i = whole;
  if (i < text.size() && text[i] == '.') {
    const std::size_t end = end_of_digits(text, i + 1);
    if (end == i + 1) return false;
    i = end;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t end = end_of_digits(text, i);
    if (end == i) return false;
    i = end;
  }
  return i == text.size();
}

template <typename Number>
bool fits(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Whether Python's json reads the text as a number that Json does not hold exactly.
bool must_be_kept(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return true;
  if (!is_number(text)) return false;
  if (text.find_first_of(".eE") != text.npos) return !fits<double>(text);
  return !fits<std::int64_t>(text) && !fits<std::uint64_t>(text);
}

bool is_in_token(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
}

// The position behind the string that begins at `i`.
std::size_t end_of_string(std::string_view text, std::size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(i + 1, text.size());
}

bool is_key(std::string_view text, std::size_t end) {
  const std::size_t next = text.find_first_not_of(" \t\r\n", end);
  return next != text.npos && text[next] == ':';
}

// Whether Python's json reads the text as a number.
bool is_any_number(std::string_view text) {
  return is_number(text) || must_be_kept(text);
}

using Predicate = bool (*)(std::string_view);

std::string with_marked_numbers(std::string_view text, Predicate is_marked) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    bool marked = false;
    if (text[i] == '"') {
      end = end_of_string(text, i);
    } else if (is_in_token(text[i])) {
      while (end < text.size() && is_in_token(text[end])) ++end;
      marked = is_marked(text.substr(i, end - i)) && !is_key(text, end);
    }
    if (marked) result += kMark;
    result += text.substr(i, end - i);
    if (marked) result += '"';
    i = end;
  }
  return result;
}

std::string without_marks(std::string text, Predicate is_marked) {
  for (std::size_t begin = text.find(kMark); begin != text.npos; begin = text.find(kMark, begin)) {
    const std::size_t number = begin + kMark.size(), end = std::min(text.find('"', number), text.size());
    const std::string value = text.substr(number, end - number);
    if (is_marked(value)) text.replace(begin, end + 1 - begin, value);
    begin += value.size();
  }
  return text;
}

}  // namespace

Json parse_config(std::string_view text, const std::string& file) {
  return parse_json_object(with_marked_numbers(text, must_be_kept), file);
}

Json parse_config_keeping_numbers(std::string_view text, const std::string& file) {
  return parse_json_object(with_marked_numbers(text, is_any_number), file);
}

std::string canonical_text(const Json& value) {
  const SortedJson sorted(value);
  return without_marks(sorted.dump(-1, ' ', false, SortedJson::error_handler_t::replace), is_any_number);
}

std::string text_of_config(const Json& config) {
  // A path among the options of a run may be no UTF-8.
  return without_marks(config.dump(2, ' ', false, Json::error_handler_t::replace), must_be_kept) + "\n";
}

std::string read_config_text(const std::filesystem::path& file) {
  return read_text_file(file, kMaxConfigBytes);
}

std::string quantization_method_in(const Json& config) {
  const auto quantization = config.find("quantization_config");
  if (quantization == config.end() || quantization->is_null()) return "";
  if (quantization->is_object()) {
    const auto method = quantization->find("quant_method");
    if (method != quantization->end() && method->is_string()) return *method;
  }
  return "unknown";
}

}  // namespace loewner::detail
