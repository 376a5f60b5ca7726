// SPDX-License-Identifier: Apache-2.0
#include "compress/card_sizes.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <system_error>
#include <vector>

namespace loewner::detail {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The cells of a line "| a | b |" of a table; none for other lines.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  if (!line.starts_with('|')) return cells;
  std::istringstream rest(line.substr(1));
  for (std::string cell; std::getline(rest, cell, '|');) cells.push_back(trimmed(cell));
  return cells;
}

std::optional<Index> number_in(const std::vector<std::string>& cells, std::size_t column) {
  if (column >= cells.size()) return std::nullopt;
  Index number = 0;
  const char* const end = cells[column].data() + cells[column].size();
  const auto parsed = std::from_chars(cells[column].data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::size_t column_of(const std::vector<std::string>& header, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(header, name) - header.begin());
}

}  // namespace

CardSizes sizes_in_card(const std::string& card) {
  CardSizes sizes;
  std::vector<std::string> header;
  std::istringstream lines(card);
  for (std::string line; std::getline(lines, line);) {
    const auto cells = cells_of(line);
    if (cells.empty()) header.clear();
    if (header.empty()) header = cells;
    const auto before = number_in(cells, column_of(header, "bytes before"));
    const auto after = number_in(cells, column_of(header, "bytes after"));
    if (before && after) sizes.tensors[cells.front()] = {.before = *before, .after = *after};
    const auto arrow = line.find(" -> ");
    if (line.starts_with("Weights: ") && arrow != line.npos)
      sizes.weights_after = line.substr(arrow + 4, line.find_first_of(",;", arrow) - arrow - 4);
  }
  return sizes;
}

std::string card_megabytes(Index bytes) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

}  // namespace loewner::detail
