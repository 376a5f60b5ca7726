// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/token_ranks.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace loewner {
namespace {

constexpr double kLetterRank = 100;
constexpr Index kSmallestAlphabet = 20;  // fewer consecutive characters may ascend by chance
constexpr double kAscendingShare = 0.9;  // a later addition to an alphabet may break its order
constexpr char32_t kByteLevelSpace = 0x120,
                   kByteLevelLineBreak = 0x10a;  // byte-level BPE's spelling of bytes 32 and 10
constexpr std::string_view kByteLevelSpaceText = "\xc4\xa0";
constexpr std::string_view kLineBreakFallback = "<0x0A>";

// The code point of a text of one UTF-8 character; nothing for other texts and broken UTF-8.
std::optional<char32_t> single_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xe ? 3 : lead >> 3 == 0x1e ? 4 : 0;
  if (text.size() != length) return std::nullopt;
  char32_t point = length == 1 ? lead : lead & (0x7f >> length);
  for (const char byte : text.substr(1)) {
    if ((static_cast<unsigned char>(byte) & 0xc0) != 0x80) return std::nullopt;
    point = point << 6 | (static_cast<unsigned char>(byte) & 0x3f);
  }
  return point;
}

bool is_byte_fallback(std::string_view token) {
  return token.size() == kLineBreakFallback.size() && token.starts_with("<0x") && token.ends_with('>');
}

bool is_ascii_letter(char32_t point) {
  return (point >= U'a' && point <= U'z') || (point >= U'A' && point <= U'Z');
}

std::string_view text_of(const Vocabulary& vocabulary, std::size_t id) {
  return id < vocabulary.tokens.size() ? std::string_view(vocabulary.tokens[id]) : std::string_view();
}

struct Alphabet {
  bool found = false;       ///< single characters stand in the order of their code points
  bool byte_level = false;  ///< they stand for bytes
};

Alphabet alphabet_of(const Vocabulary& vocabulary) {
  Index ordinary = 0, characters = 0, ascending = 0, spaced = 0;
  char32_t previous = 0;
  for (std::size_t id = 0; id < vocabulary.kinds.size(); ++id) {
    if (vocabulary.kinds[id] != TokenKind::ordinary) continue;
    ++ordinary;
    const auto token = text_of(vocabulary, id);
    spaced += token.starts_with(kByteLevelSpaceText);
    const auto point = single_character(token);
    if (!point) continue;
    ++characters;
    ascending += *point > previous;
    previous = *point;
  }
  const bool in_order = static_cast<double>(ascending) >= kAscendingShare * static_cast<double>(characters);
  return {.found = in_order && characters >= kSmallestAlphabet && 2 * characters <= ordinary,
          .byte_level = 10 * spaced >= ordinary};
}

// Nothing for tokens that are ranked by their position.
std::optional<double> rank_by_text(std::string_view token, const Alphabet& alphabet, double middle) {
  if (is_byte_fallback(token)) return token == kLineBreakFallback ? 0 : middle;
  const auto point = alphabet.found ? single_character(token) : std::nullopt;
  if (!point) return std::nullopt;
  if (*point < 0x80) return is_ascii_letter(*point) ? kLetterRank : 0;
  if (!alphabet.byte_level) return middle;
  return *point == kByteLevelSpace || *point == kByteLevelLineBreak ? 0 : kLetterRank;
}

}  // namespace

std::vector<double> token_ranks(const Vocabulary& vocabulary) {
  const Alphabet alphabet = alphabet_of(vocabulary);
  const double middle = static_cast<double>(std::ranges::count(vocabulary.kinds, TokenKind::ordinary)) / 2;
  std::vector<double> ranks(vocabulary.kinds.size());
  double place = 0;
  for (std::size_t id = 0; id < ranks.size(); ++id) {
    if (vocabulary.kinds[id] != TokenKind::ordinary) continue;
    const auto by_text = rank_by_text(text_of(vocabulary, id), alphabet, middle);
    ranks[id] = by_text ? *by_text : place++;
  }
  return ranks;
}

}  // namespace loewner
