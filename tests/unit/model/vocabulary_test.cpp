// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/vocabulary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"
#include "support/temporary_folder.hpp"

namespace loewner {
namespace {

constexpr auto kUnused = TokenKind::unused;
constexpr auto kOrdinary = TokenKind::ordinary;
constexpr auto kSpecial = TokenKind::special;

using Kinds = std::vector<TokenKind>;
using Tokens = std::vector<std::string>;
using Parse = Vocabulary (*)(std::string_view, const std::string&);

std::string refusal(Parse parse, const std::string& bytes) {
  const auto message = test::message_of<IoError>([&] { (void)parse(bytes, "t"); });
  EXPECT_TRUE(message.starts_with("t: ")) << message;
  return message;
}

// ---- protocol buffers, written by hand: tag, then a length and bytes, a varint, or four bytes
// ----
std::string length_delimited(int field, const std::string& bytes) {
  return std::string(1, static_cast<char>(field << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}

std::string varint(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}

std::string fixed32(int field, float value) {
  std::string bytes(1, static_cast<char>(field << 3 | 5));
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(std::bit_cast<std::uint32_t>(value) >> (8 * i) & 0xff);
  return bytes;
}

std::string piece(const std::string& text, float score, int type = 1) {
  return length_delimited(1, length_delimited(1, text) + fixed32(2, score) + varint(3, type));
}

std::string trainer(int model_type) {
  return length_delimited(2, varint(3, model_type));
}

TEST(Vocabulary, VocabTxtKnowsSpecialAndUnusedPiecesByName) {
  const auto vocabulary = parse_vocab_txt("[PAD]\n[unused0]\n[CLS]\r\nthe\n##s", "vocab.txt");
  EXPECT_EQ(vocabulary.kinds, (Kinds{kSpecial, kUnused, kSpecial, kOrdinary, kOrdinary}));
  EXPECT_EQ(vocabulary.tokens, (Tokens{"[PAD]", "[unused0]", "[CLS]", "the", "##s"}));
  EXPECT_TRUE(vocabulary.log_probability.empty());
}

TEST(Vocabulary, VocabJsonIsOrderedByIdAndIdsThatItSkipsAreUnused) {
  const auto vocabulary = parse_vocab_json(R"({"b":3,"<s>":0,"a":1})", "v");
  EXPECT_EQ(vocabulary.kinds, (Kinds{kSpecial, kOrdinary, kUnused, kOrdinary}));
  EXPECT_EQ(vocabulary.tokens, (Tokens{"<s>", "a", "", "b"}));
}

TEST(Vocabulary, TokenizerJsonTakesSpecialTokensFromTheirFlags) {
  const auto vocabulary = parse_tokenizer_json(
      R"({"model":{"type":"BPE","vocab":{"a":0,"<go>":1,"b":2}},
          "added_tokens":[{"id":1,"content":"<go>","special":true},{"id":3,"content":"new","special":false},
                          {"id":4,"content":"<extra_id_0>","special":true}]})",
      "tokenizer.json");
  EXPECT_EQ(vocabulary.kinds, (Kinds{kOrdinary, kSpecial, kOrdinary, kOrdinary, kUnused}));
  EXPECT_EQ(vocabulary.tokens, (Tokens{"a", "<go>", "b", "new", "<extra_id_0>"}));
}

TEST(Vocabulary, UnigramTokenizersBringScores) {
  const auto vocabulary = parse_tokenizer_json(
      R"({"model":{"type":"Unigram","vocab":[["<unk>",0],["kept",0.0],["a",-2.5],["b",-7]]},
          "added_tokens":[{"id":4,"content":"added","special":false}]})",
      "tokenizer.json");
  EXPECT_EQ(vocabulary.kinds, (Kinds{kSpecial, kSpecial, kOrdinary, kOrdinary, kSpecial}));
  ASSERT_EQ(vocabulary.log_probability.size(), 5u);
  EXPECT_EQ(vocabulary.log_probability[3], -7);
  EXPECT_EQ(vocabulary.tokens, (Tokens{"<unk>", "kept", "a", "b", "added"}));
}

TEST(Vocabulary, TokenizerJsonOfAnotherKindIsRefused) {
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, "{}"), "model.vocab must be");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":[]})"), "model.vocab must be");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":3}})"), "model.vocab must be");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":{"a":-1}}})"), "token 'a': id must be an integer");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":{"a":99999999999}}})"), "token 'a': id must be");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":[["a"]]}})"),
                  "entry 0 must be a piece and its score");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":{}},"added_tokens":{}})"),
                  "added_tokens must be an array");
  EXPECT_CONTAINS(refusal(parse_tokenizer_json, R"({"model":{"vocab":{}},"added_tokens":[{"id":1}]})"),
                  "objects with id and content");
}

TEST(Vocabulary, SentencePieceModelsBringKindsAndScores) {
  const auto vocabulary = parse_sentencepiece_model(
      piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("mine", -1, 4) + piece("a", -3.5f) + piece("b", -4, 5), "m");
  EXPECT_EQ(vocabulary.kinds, (Kinds{kSpecial, kSpecial, kSpecial, kOrdinary, kUnused}));
  EXPECT_EQ(vocabulary.log_probability[3], -3.5);
  EXPECT_EQ(vocabulary.tokens, (Tokens{"<unk>", "<s>", "mine", "a", "b"}));
}

TEST(Vocabulary, ScoresOfOtherSentencePieceModelsAreNoProbabilities) {
  EXPECT_FALSE(parse_sentencepiece_model(piece("a", -1) + trainer(1), "m").log_probability.empty());
  EXPECT_TRUE(parse_sentencepiece_model(piece("a", -1) + trainer(2), "m").log_probability.empty());
}

TEST(Vocabulary, BytesThatAreNoSentencePieceModelAreRefused) {
  EXPECT_CONTAINS(refusal(parse_sentencepiece_model, ""), "SentencePiece model with pieces");
  EXPECT_CONTAINS(refusal(parse_sentencepiece_model,
                          "\x0a\x7f"
                          "ab"),
                  "must be a protocol buffer");
  EXPECT_CONTAINS(refusal(parse_sentencepiece_model, "\x0b"), "must be a protocol buffer");
  EXPECT_CONTAINS(refusal(parse_sentencepiece_model, std::string(11, '\xff')), "must be a protocol buffer");
  EXPECT_CONTAINS(refusal(parse_sentencepiece_model, piece("a", std::numeric_limits<float>::quiet_NaN())),
                  "piece 0: score must be finite");
  const auto whole = piece("abc", -1);
  for (std::size_t length = 1; length < whole.size(); ++length)
    (void)refusal(parse_sentencepiece_model, whole.substr(0, length));
}

TEST(Vocabulary, ComesFromTheFirstFileThatIsThere) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(read_vocabulary(folder.path()));
  folder.write("tokenizer.model", piece("a", -1) + piece("b", -2));
  EXPECT_EQ(read_vocabulary(folder.path())->kinds.size(), 2u);
  folder.write("vocab.txt", "a\nb\nc\n");
  EXPECT_EQ(read_vocabulary(folder.path())->kinds.size(), 3u);
  folder.write("tokenizer.json", R"({"model":{"vocab":{"a":0}}})");
  EXPECT_EQ(read_vocabulary(folder.path())->source, (folder.path() / "tokenizer.json").string());
}

}  // namespace
}  // namespace loewner
