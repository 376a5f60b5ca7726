// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/row_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"
#include "support/safetensors_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace loewner {
namespace {

constexpr double kRounding = 1e-14;  // a logarithm and an exponential of numbers below 100: some 100 eps64

Vocabulary word_pieces() {
  return parse_vocab_txt("[PAD]\n[unused0]\n[CLS]\nthe\nof\n[unused1]\nand", "/m/vocab.txt");
}

std::string counts_refusal(const std::string& text) {
  const auto message = test::message_of<IoError>([&] { (void)parse_token_counts(text, 3, "c.tsv"); });
  EXPECT_TRUE(message.starts_with("c.tsv: ")) << message;
  return message;
}

TEST(RowWeightOptions, AreReadFromText) {
  EXPECT_EQ(parse_row_weights("none").kind, RowWeightKind::none);
  EXPECT_EQ(parse_row_weights("zipf").kind, RowWeightKind::zipf);
  EXPECT_EQ(parse_row_weights("zipf").exponent, 1);
  EXPECT_EQ(parse_row_weights("zipf:0.7").exponent, 0.7);
  EXPECT_EQ(parse_row_weights("some/counts.tsv").kind, RowWeightKind::counts);
  EXPECT_EQ(parse_row_weights("some/counts.tsv").exponent, kCountExponent);
  EXPECT_EQ(parse_row_weights("some/counts.tsv").counts_file, "some/counts.tsv");
}

TEST(RowWeightOptions, RejectBadExponents) {
  for (const std::string text : {"zipf:", "zipf:x", "zipf:1x", "zipf:0", "zipf:-1", "zipf:nan", "zipf:inf", ""}) {
    EXPECT_THROW((void)parse_row_weights(text), InvalidArgument) << text;
  }
}

TEST(ZipfRowWeights, FallWithThePositionAmongOrdinaryTokens) {
  const auto weights = zipf_row_weights(word_pieces(), 7, 0.5).values;
  EXPECT_NEAR(weights[3], 1, kRounding);
  EXPECT_NEAR(weights[4], std::sqrt(10.0 / 11), kRounding);
  EXPECT_NEAR(weights[6], std::sqrt(10.0 / 12), kRounding);
}

TEST(ZipfRowWeights, SpecialTokensGetTheLargestAndUnusedOnesAndPaddingTheSmallest) {
  const auto weights = zipf_row_weights(word_pieces(), 9, 1).values;
  EXPECT_EQ(weights[0], 1);
  EXPECT_EQ(weights[2], 1);
  for (const Index row : {1, 5, 7, 8}) EXPECT_EQ(weights[row], weights[6]) << row;
}

TEST(ZipfRowWeights, UnigramScoresAreLogProbabilities) {
  const Vocabulary vocabulary{
      .kinds = {TokenKind::special, TokenKind::ordinary, TokenKind::ordinary, TokenKind::ordinary},
      .log_probability = {0, -8, -3, -4},
      .source = "/m/tokenizer.json"};
  const auto weights = zipf_row_weights(vocabulary, 4, 0.5).values;
  EXPECT_EQ(weights[0], 1);
  EXPECT_NEAR(weights[1], std::exp(-2.5), kRounding);
  EXPECT_NEAR(weights[2], 1, kRounding);
  EXPECT_NEAR(weights[3], std::exp(-0.5), kRounding);
}

TEST(ZipfRowWeights, NoWeightIsZero) {
  const Vocabulary vocabulary{
      .kinds = {TokenKind::ordinary, TokenKind::ordinary}, .log_probability = {-1, -1e300}, .source = "t"};
  for (const double w : zipf_row_weights(vocabulary, 3, 1).values) EXPECT_GT(w, 0);
}

TEST(ZipfRowWeights, WithoutATokenizerTheIdIsThePosition) {
  const auto weights = zipf_row_weights(std::nullopt, 3, 1);
  EXPECT_NEAR(weights.values[2], 10.0 / 12, kRounding);
  EXPECT_CONTAINS(weights.description, "no tokenizer file");
}

TEST(ZipfRowWeights, ATableSmallerThanTheVocabularyTakesItsFirstTokens) {
  EXPECT_EQ(zipf_row_weights(word_pieces(), 4, 1).values.size(), 4u);
}

TEST(ZipfRowWeights, DescribeTheirSource) {
  EXPECT_EQ(zipf_row_weights(word_pieces(), 7, 0.7).description,
            "zipf by the tokens' order and texts in vocab.txt, exponent 0.7");
}

TEST(ZipfRowWeights, RejectsBadExponentsAndEmptyTables) {
  EXPECT_THROW((void)zipf_row_weights(std::nullopt, 3, 0), InvalidArgument);
  EXPECT_THROW((void)zipf_row_weights(std::nullopt, 0, 1), InvalidArgument);
}

TEST(CountRowWeights, AddTheEstimateOfTheTokenizerToTheCounts) {
  const std::vector<std::int64_t> counts = {0, 3, 99};
  const auto weights = count_row_weights(counts, std::nullopt, 0.5).values;
  const double estimates = 1.0 / 10 + 1.0 / 11 + 1.0 / 12;
  const auto frequency = [&](Index row) {
    const double estimate = 1.0 / static_cast<double>(row + 10) / estimates;
    return static_cast<double>(counts[row]) / 102 + kPriorTokens * estimate;
  };
  for (Index row = 0; row < 3; ++row) {
    EXPECT_NEAR(weights[row], std::sqrt(frequency(row) / frequency(2)), kRounding) << row;
  }
}

TEST(CountRowWeights, WithoutCountsAreThoseOfTheTokenizer) {
  EXPECT_EQ(count_row_weights({0, 0, 0, 0, 0, 0, 0}, word_pieces(), 0.5).values,
            zipf_row_weights(word_pieces(), 7, 0.5).values);
}

TEST(CountRowWeights, DoNotDependOnTheLengthOfATextOfTheSameKind) {
  const auto once = count_row_weights({0, 3, 99}, std::nullopt, 0.5).values;
  const auto often = count_row_weights({0, 3000, 99000}, std::nullopt, 0.5).values;
  for (Index row = 0; row < 3; ++row) EXPECT_NEAR(once[row], often[row], kRounding) << row;
}

TEST(CountRowWeights, SpecialTokensGetTheLargestEvenUncounted) {
  EXPECT_EQ(count_row_weights({0, 0, 0, 5, 1, 0, 0}, word_pieces(), 1).values[2], 1);
}

TEST(TokenCounts, AreReadFromLinesAndFromJson) {
  const std::vector<std::int64_t> expected = {7, 0, 12};
  EXPECT_EQ(parse_token_counts("0\t7\n2\t12\n", 3, "c"), expected);
  EXPECT_EQ(parse_token_counts("2\t12\r\n0\t7", 3, "c"), expected);
  EXPECT_EQ(parse_token_counts(R"( {"0": 7, "2": 12})", 3, "c"), expected);
  EXPECT_EQ(parse_token_counts("", 3, "c"), (std::vector<std::int64_t>{0, 0, 0}));
}

TEST(TokenCounts, ErrorsNameTheLine) {
  EXPECT_CONTAINS(counts_refusal("0\t1\n1 2\n"), "line 2: must be a token id, a tab and a count, got '1 2'");
  EXPECT_CONTAINS(counts_refusal("0\t1\n3\t1\n"), "line 2: token id must be an integer in [0, 3), got '3'");
  EXPECT_CONTAINS(counts_refusal("x\t1\n"), "line 1: token id must be");
  EXPECT_CONTAINS(counts_refusal("0\t-1\n"), "line 1: count of token '0' must be an integer >= 0");
  EXPECT_CONTAINS(counts_refusal("0\t1.5\n"), "line 1: count of token '0'");
  EXPECT_CONTAINS(counts_refusal("0\t1\n0\t1\n"), "line 2: token '0' must not be repeated");
  EXPECT_CONTAINS(counts_refusal("\n"), "line 1");
}

TEST(TokenCounts, ErrorsOfJsonNameTheToken) {
  EXPECT_CONTAINS(counts_refusal(R"({"5": 1})"), "token id must be an integer in [0, 3), got '5'");
  EXPECT_CONTAINS(counts_refusal(R"({"1": "1"})"), "count of token '1'");
  EXPECT_CONTAINS(counts_refusal(R"({"1": 1, "1": 1})"), "key '1' must not be repeated");
  EXPECT_CONTAINS(counts_refusal(R"({"1": 1, "01": 1})"), "token '1' must not be repeated");
  EXPECT_CONTAINS(counts_refusal(R"({"1": 18446744073709551615})"), "count of token '1'");
}

TEST(RowWeights, FollowTheOptions) {
  const test::TemporaryFolder folder;
  folder.write("vocab.txt", "[CLS]\nthe\nof");
  const auto counts = folder.write("counts.tsv", "1\t8\n");
  EXPECT_TRUE(row_weights(parse_row_weights("none"), folder.path(), 3).values.empty());
  EXPECT_NEAR(row_weights(parse_row_weights("zipf"), folder.path(), 3).values[2], 10.0 / 11, kRounding);
  const auto counted = row_weights(parse_row_weights(counts.string()), folder.path(), 3);
  const double of = kPriorTokens * 10 / 21, the = 1 + kPriorTokens * 11 / 21;
  EXPECT_NEAR(counted.values[2], std::sqrt(of / the), kRounding);
  EXPECT_EQ(counted.description,
            "token counts and zipf by the tokens' order and texts in vocab.txt, exponent 0.5, from counts.tsv");
  folder.write("model.safetensors", test::one_matrix_file("embedding.weight", 3, 2));
  EXPECT_EQ(text_row_weights({0, 8}, 0.5, Checkpoint::open(folder.path()), 3).values, counted.values);
  EXPECT_THROW((void)row_weights(parse_row_weights("text:0.5"), folder.path(), 3), InvalidArgument);
  EXPECT_THROW((void)row_weights(parse_row_weights("no-such-file"), folder.path(), 3), IoError);
}

TEST(RowWeights, ATokenizerThatCannotBeReadGivesEqualWeights) {
  const test::TemporaryFolder folder;
  folder.write("tokenizer.json", "{");
  EXPECT_THROW((void)read_vocabulary(folder.path()), IoError);
  const auto weights = row_weights(parse_row_weights("zipf"), folder.path(), 3);
  EXPECT_TRUE(weights.values.empty());
  EXPECT_EQ(weights.description, "none (the tokenizer cannot be read)");
  const auto counts = folder.write("counts.tsv", "1\t8\n");
  EXPECT_EQ(row_weights(parse_row_weights(counts.string()), folder.path(), 3).values.size(), 3u);
}

}  // namespace
}  // namespace loewner
