// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/token_ranks.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loewner {
namespace {

std::string utf8(char32_t point) {
  const auto tail = static_cast<char>(0x80 | (point & 0x3f));
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail};
  return {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3f)), tail};
}

class TokenList {
 public:
  TokenList& add(const std::string& token, TokenKind kind = TokenKind::ordinary) {
    vocabulary_.tokens.push_back(token);
    vocabulary_.kinds.push_back(kind);
    return *this;
  }
  TokenList& add_characters(char32_t first, char32_t last) {
    for (char32_t point = first; point <= last; ++point) add(utf8(point));
    return *this;
  }
  TokenList& add_words(int count, const std::string& prefix = "word") {
    for (int i = 0; i < count; ++i) add(prefix + std::to_string(i + 10));
    return *this;
  }
  double rank_of(const std::string& token) const {
    const auto ranks = token_ranks(vocabulary_);
    for (std::size_t id = 0; id < ranks.size(); ++id) {
      if (vocabulary_.tokens[id] == token) return ranks[id];
    }
    ADD_FAILURE() << "no token " << token;
    return -1;
  }
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
};

// As BERT's: specials, characters in the order of their code points, words and pieces by frequency.
TokenList word_piece_list() {
  TokenList tokens;
  tokens.add("[PAD]", TokenKind::special).add("[unused0]", TokenKind::unused);
  tokens.add_characters(U'!', U'~').add_characters(0x3b1, 0x3c9).add_characters(0x4e00, 0x4e09);
  return tokens.add("the").add("##s").add_words(300);
}

TEST(TokenRanks, WordsAreCountedFromTheFirstWordBehindTheAlphabet) {
  EXPECT_EQ(word_piece_list().rank_of("the"), 0);
  EXPECT_EQ(word_piece_list().rank_of("##s"), 1);
  EXPECT_EQ(word_piece_list().rank_of("word10"), 2);
  EXPECT_EQ(word_piece_list().rank_of("word309"), 301);
}

TEST(TokenRanks, CharactersAreRankedByWhatTheyAre) {
  const TokenList tokens = word_piece_list();
  const double middle = (94 + 25 + 10 + 302) / 2.0;
  for (const std::string token : {"!", ".", "7", "~"}) EXPECT_EQ(tokens.rank_of(token), 0) << token;
  for (const std::string token : {"a", "z", "A"}) EXPECT_EQ(tokens.rank_of(token), 100) << token;
  for (const char32_t point : {0x3b1, 0x4e00}) EXPECT_EQ(tokens.rank_of(utf8(point)), middle) << utf8(point);
}

// RoBERTa's tokens stand in the order of their counts, "." before " the".
TEST(TokenRanks, CharactersThatStandByFrequencyKeepTheirPlace) {
  TokenList tokens;
  tokens.add(".").add("\xc4\xa0the").add(",");
  for (char32_t point = U'z'; point >= U'a'; --point) tokens.add(utf8(point));
  tokens.add_words(100, "\xc4\xa0");
  EXPECT_EQ(tokens.rank_of("."), 0);
  EXPECT_EQ(tokens.rank_of("\xc4\xa0the"), 1);
  EXPECT_EQ(tokens.rank_of(","), 2);
  EXPECT_EQ(tokens.rank_of("z"), 3);
}

TEST(TokenRanks, AFewAscendingCharactersAreNoAlphabet) {
  TokenList tokens;
  tokens.add_characters(U'a', U's').add_words(100);
  EXPECT_EQ(tokens.rank_of("b"), 1);
  EXPECT_EQ(tokens.add("t").rank_of("b"), 100);
}

TEST(TokenRanks, WhereCharactersAreMostOfTheVocabularyTheyAreItsWords) {
  TokenList tokens;
  tokens.add_characters(0x4e00, 0x4eff).add_words(200);
  EXPECT_EQ(tokens.rank_of(utf8(0x4e05)), 5);
  EXPECT_EQ(tokens.add_words(56, "more").rank_of(utf8(0x4e05)), 256);
}

TEST(TokenRanks, BytesOfAByteLevelVocabularyAreLettersAndItsSpaceIsPunctuation) {
  TokenList tokens;
  tokens.add_characters(U'!', U'~').add_characters(0x100, 0x143).add_words(300, "\xc4\xa0w");
  EXPECT_EQ(tokens.rank_of(utf8(0x120)), 0);
  EXPECT_EQ(tokens.rank_of(utf8(0x10a)), 0);
  EXPECT_EQ(tokens.rank_of(utf8(0x101)), 100);
  EXPECT_EQ(tokens.rank_of("\xc4\xa0w10"), 0);
}

TEST(TokenRanks, ByteFallbacksAreRareButTheLineBreak) {
  TokenList tokens;
  tokens.add("<0x00>").add("<0x0A>").add("\xe2\x96\x81t").add_words(7);
  EXPECT_EQ(tokens.rank_of("<0x00>"), 5);
  EXPECT_EQ(tokens.rank_of("<0x0A>"), 0);
  EXPECT_EQ(tokens.rank_of("\xe2\x96\x81t"), 0);
  EXPECT_EQ(tokens.rank_of("word10"), 1);
}

TEST(TokenRanks, BrokenUtf8AndMissingTextsAreRankedByPlace) {
  TokenList tokens;
  for (const std::string token : {"\xff", "\xc4", "\xc4\x41", "\xe2\x96", ""}) tokens.add(token);
  EXPECT_EQ(tokens.rank_of(""), 4);
  const Vocabulary nameless{.kinds = {TokenKind::ordinary, TokenKind::ordinary}, .log_probability = {}, .source = "t"};
  EXPECT_EQ(token_ranks(nameless), (std::vector<double>{0, 1}));
}

}  // namespace
}  // namespace loewner
