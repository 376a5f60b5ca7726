// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/selection.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

using Names = std::vector<std::string>;

// A generated model of five tokens and three columns, and what is selected from it. The layer is
// stored in the type given.
class SelectionOf : public testing::Test {
 protected:
  void write(const Json& config, std::vector<test::MadeTensor> tensors) {
    test::write_checkpoint(folder_, "model", config, {std::move(tensors)});
    checkpoint_.emplace(Checkpoint::open(folder_.path() / "model"));
  }
  SelectionResult select(const CompressOptions& options = {}) const {
    std::vector<TensorDeclaration> declarations;
    for (const auto& tensor : checkpoint_->tensors()) declarations.push_back(*tensor.info);
    return select_tensors(*checkpoint_, analyze_architecture(checkpoint_->config(), declarations), options);
  }
  Names names(const CompressOptions& options = {}) const {
    Names names;
    for (const auto& tensor : select(options).tensors) names.push_back(tensor.name());
    return names;
  }
  static test::MadeTensor tensor(const std::string& name, std::vector<Index> shape, std::uint64_t seed = 1,
                                 DType dtype = DType::f32) {
    return {.declaration = {name, dtype, std::move(shape)}, .seed = seed};
  }

  test::TemporaryFolder folder_;
  std::optional<Checkpoint> checkpoint_;
};

class SelectionOfADecoder : public SelectionOf {
 protected:
  void SetUp() override { write_decoder(true, 1); }
  void write_decoder(bool tied, std::uint64_t seed_of_head) {
    write({{"model_type", "llama"}, {"vocab_size", 5}, {"tie_word_embeddings", tied}},
          {tensor("model.embed_tokens.weight", {5, 3}), tensor("model.layers.0.mlp.up_proj.weight", {7, 3}),
           tensor("model.norm.weight", {3}), tensor("lm_head.weight", {5, 3}, seed_of_head)});
  }
  static constexpr const char* kEmbedding = "model.embed_tokens.weight";
  static constexpr const char* kLayer = "model.layers.0.mlp.up_proj.weight";
  static constexpr const char* kHead = "lm_head.weight";
};

TEST_F(SelectionOfADecoder, SelectsTokenEmbeddingsByDefault) {
  EXPECT_EQ(names(), Names{kEmbedding});
}

TEST_F(SelectionOfADecoder, LinearMeansLayersAndUntiedHeads) {
  EXPECT_EQ(names({.selection = Selection::linear}), Names{kLayer});
  write_decoder(false, 1);
  EXPECT_EQ(names({.selection = Selection::linear}), (Names{kLayer, kHead}));
}

TEST_F(SelectionOfADecoder, AllMeansBoth) {
  EXPECT_EQ(names({.selection = Selection::all}), (Names{kEmbedding, kLayer}));
}

TEST_F(SelectionOfADecoder, IncludeAddsAndExcludeRemovesTensors) {
  EXPECT_EQ(names({.include = {"up_proj"}}), (Names{kEmbedding, kLayer}));
  EXPECT_EQ(names({.include = {"up_proj"}, .exclude = {"^model\\.embed"}}), Names{kLayer});
  EXPECT_EQ(names({.selection = Selection::all, .exclude = {"mlp", "nothing"}}), Names{kEmbedding});
}

TEST_F(SelectionOfADecoder, IncludedTensorsOtherThanMatricesAreNoted) {
  const auto result = select({.include = {"norm"}});
  EXPECT_EQ(result.tensors.size(), 1u);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_CONTAINS(result.notes[0], "model.norm.weight cannot be encoded");
}

TEST_F(SelectionOfADecoder, InvalidPatternsAreQuoted) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)select({.include = {"a(b"}}); }),
                  "invalid regular expression 'a(b'");
}

TEST_F(SelectionOfADecoder, AnEmptySelectionIsRefused) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)select({.exclude = {"."}}); }),
                  "no tensor is selected");
}

TEST_F(SelectionOfADecoder, ARefusalGivesTheReasonAgainstEachMatchedTensor) {
  EXPECT_CONTAINS(
      test::message_of<InvalidArgument>([&] { (void)select({.include = {"norm"}, .exclude = {"embed_tokens"}}); }),
      "no tensor is selected; model.norm.weight cannot be encoded: expected a floating-point matrix named M.weight");
}

TEST_F(SelectionOfADecoder, AStoredCopyWithEqualBytesIsDroppedWithItsOriginal) {
  const auto result = select();
  EXPECT_EQ(result.tensors.at(0).tied, Names{kHead});
  EXPECT_TRUE(result.notes.empty());
}

TEST_F(SelectionOfADecoder, ATiedTensorWithOtherBytesIsKeptAndNoted) {
  write_decoder(true, 2);
  const auto result = select();
  EXPECT_TRUE(result.tensors.at(0).tied.empty());
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_CONTAINS(result.notes[0], "lm_head.weight is tied to model.embed_tokens.weight");
}

TEST_F(SelectionOfADecoder, AnUntiedHeadWithEqualBytesIsNotACopy) {
  write_decoder(false, 1);
  EXPECT_TRUE(select().tensors.at(0).tied.empty());
}

TEST_F(SelectionOf, AllTakesLargeTablesOfPositionsAndTypes) {
  write({{"model_type", "bert"}, {"vocab_size", 5}}, {tensor("embeddings.word_embeddings.weight", {5, 32}),
                                                      tensor("embeddings.position_embeddings.weight", {512, 32}),
                                                      tensor("embeddings.token_type_embeddings.weight", {2, 32})});
  EXPECT_EQ(names({.selection = Selection::all}),
            (Names{"embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"}));
  EXPECT_EQ(names(), Names{"embeddings.word_embeddings.weight"});
  EXPECT_TRUE(select({.selection = Selection::linear, .include = {"word"}}).tensors.size() == 1);
}

TEST_F(SelectionOf, TablesOfOneRowOrOfNoneAreRefusedByName) {
  for (const Index rows : {0, 1}) {
    write({{"model_type", "bert"}, {"vocab_size", rows}}, {tensor("embeddings.word_embeddings.weight", {rows, 3})});
    EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)select(); }),
                    "model.safetensors: tensor 'embeddings.word_embeddings.weight': expected at least 2 rows "
                    "and 2 columns, got " +
                        std::to_string(rows) + " x 3");
  }
}

TEST_F(SelectionOf, MatricesOfOneRowAreLeftAloneUnlessTheyAreNamed) {
  write({{"model_type", "bert"}, {"vocab_size", 5}},
        {tensor("embeddings.word_embeddings.weight", {5, 3}), tensor("classifier.weight", {1, 3})});
  const auto result = select({.selection = Selection::all});
  ASSERT_EQ(result.tensors.size(), 1u);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_CONTAINS(result.notes[0], "classifier.weight cannot be encoded: expected at least 2 rows and 2 columns");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)select({.include = {"classifier"}}); }), "classifier.weight");
}

TEST_F(SelectionOf, OneNoteServesAllTensorsWithTheSameObstacle) {
  write({{"model_type", "bert"}, {"vocab_size", 5}}, {tensor("embeddings.word_embeddings.weight", {5, 3}),
                                                      tensor("layer.0.query.weight", {4, 4}, 1, DType::f8_e4m3fnuz),
                                                      tensor("layer.1.query.weight", {4, 4}, 1, DType::f8_e4m3fnuz)});
  const auto result = select({.selection = Selection::all});
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_CONTAINS(result.notes[0], "layer.0.query.weight and 1 more cannot be encoded");
  EXPECT_CONTAINS(result.notes[0], "F8_E4M3FNUZ");
}

TEST_F(SelectionOf, MatricesOfAllExpertsAreOneMatrix) {
  const std::string experts = "model.layers.0.mlp.experts.gate_up_proj";
  write({{"model_type", "gpt_oss"}, {"vocab_size", 5}},
        {tensor("model.embed_tokens.weight", {5, 3}), tensor(experts, {2, 3, 4}), tensor(experts + "_bias", {2, 4})});
  const auto result = select({.selection = Selection::linear});
  ASSERT_EQ(result.tensors.size(), 1u);
  EXPECT_EQ(result.tensors[0].name(), experts);
  EXPECT_EQ(result.tensors[0].rows(), 6);
  EXPECT_EQ(result.tensors[0].cols(), 4);
  EXPECT_FALSE(result.tensors[0].inputs());
  EXPECT_EQ(names(), Names{"model.embed_tokens.weight"});
}

TEST_F(SelectionOf, ExpertsInOtherTypesAreLeftAlone) {
  write({{"model_type", "gpt_oss"}, {"vocab_size", 5}},
        {tensor("model.embed_tokens.weight", {5, 3}),
         tensor("model.layers.0.mlp.experts.down_proj", {2, 4, 4}, 1, DType::f8_e4m3fnuz)});
  const auto result = select({.selection = Selection::all});
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_CONTAINS(
      result.notes[0],
      "experts.down_proj cannot be encoded: expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, got F8_E4M3FNUZ");
}

}  // namespace
}  // namespace loewner
