// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/architecture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = fs::path(__FILE__).parent_path() / "../../data/architectures";

// A model as tools/make_architecture_fixtures.py recorded it, with what its modules say about each
// tensor.
struct Recorded {
  Json config;
  std::vector<TensorDeclaration> tensors;
  std::vector<TensorPlace> places;
};

TensorRole role_from(const std::string& name) {
  for (const auto role :
       {TensorRole::token_embedding, TensorRole::position_embedding, TensorRole::type_embedding, TensorRole::linear,
        TensorRole::head, TensorRole::norm, TensorRole::bias, TensorRole::other}) {
    if (to_string(role) == name) return role;
  }
  throw std::runtime_error("unknown role " + name);
}

Recorded load(const fs::path& file) {
  const Json record = parse_json_object(detail::read_text_file(file, 1 << 20), file.string());
  Recorded recorded{.config = record.at("config"), .tensors = {}, .places = {}};
  for (const auto& row : record.at("tensors")) {
    recorded.tensors.push_back({row.at("name"), DType::f32, row.at("shape")});
    recorded.places.push_back(
        {.role = role_from(row.at("role")), .transposed = row.at("transposed"), .tied_to = row.at("tied_to")});
  }
  return recorded;
}

void expect_recorded_places(const Recorded& model) {
  const auto found = analyze_architecture(model.config, model.tensors).places;
  ASSERT_EQ(found.size(), model.places.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(to_string(found[i].role), to_string(model.places[i].role)) << model.tensors[i].name;
    EXPECT_EQ(found[i].transposed, model.places[i].transposed) << model.tensors[i].name;
    EXPECT_EQ(found[i].tied_to, model.places[i].tied_to) << model.tensors[i].name;
  }
}

class EveryArchitecture : public testing::TestWithParam<fs::path> {};

TEST_P(EveryArchitecture, HasTheRolesOfItsModules) {
  expect_recorded_places(load(GetParam()));
}

TEST_P(EveryArchitecture, HasThemWithoutTheFieldOnTies) {
  auto model = load(GetParam());
  // Fixtures that differ from their configuration class in it say so, as their config.json would.
  if (GetParam().stem() != "llama_tied") model.config.erase("tie_word_embeddings");
  expect_recorded_places(model);
}

TEST_P(EveryArchitecture, HasThemUnderAnUnknownModelType) {
  auto model = load(GetParam());
  if (!model.config.contains("tie_word_embeddings")) GTEST_SKIP() << "the default belongs to the model type";
  model.config["model_type"] = "brand-new";
  for (auto& place : model.places) place.transposed = false;  // Conv1D cannot be told from names and shapes
  expect_recorded_places(model);
}

TEST_P(EveryArchitecture, HasThemWithoutThePrefixOfTheBaseModel) {
  auto model = load(GetParam());
  const auto strip = [](std::string& name) {
    for (const std::string prefix :
         {"bert.", "distilbert.", "roberta.", "mpnet.", "electra.", "albert.", "transformer.", "model."}) {
      if (name.starts_with(prefix)) return void(name.erase(0, prefix.size()));
    }
  };
  for (auto& tensor : model.tensors) strip(tensor.name);
  for (auto& place : model.places) strip(place.tied_to);
  expect_recorded_places(model);
}

std::vector<fs::path> fixtures() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFixtures)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Recorded, EveryArchitecture, testing::ValuesIn(fixtures()),
                         [](const auto& param) { return param.param.stem().string(); });

Architecture analyze(const Json& config, const std::vector<TensorDeclaration>& tensors) {
  return analyze_architecture(config, tensors);
}

TEST(Architecture, NeedsAModelType) {
  EXPECT_CONTAINS(test::message_of<IoError>([] { (void)analyze(Json::object(), {}); }), "model_type must be a string");
  EXPECT_CONTAINS(test::message_of<IoError>([] {
                    (void)analyze({{"model_type", 3}}, {});
                  }),
                  "model_type must be a string");
}

TEST(Architecture, AConfigurationMayDeclareAllRoles) {
  const Json config = {{"model_type", "onnx"}, {"loewner_roles", {{"a", "linear"}, {"b", "token_embedding"}}}};
  const auto places =
      analyze(config,
              {{"a", DType::f32, {8, 8}}, {"b", DType::f32, {50, 8}}, {"word_embeddings.weight", DType::f32, {50, 8}}})
          .places;
  EXPECT_EQ(places[0].role, TensorRole::linear);
  EXPECT_EQ(places[1].role, TensorRole::token_embedding);
  EXPECT_TRUE(places[1].any_name);
  EXPECT_EQ(places[2].role, TensorRole::other);
  const Json wrong = {{"model_type", "onnx"}, {"loewner_roles", {{"a", "table"}}}};
  EXPECT_CONTAINS(test::message_of<IoError>([&] {
                    (void)analyze(wrong, {{"a", DType::f32, {8, 8}}});
                  }),
                  "loewner_roles: a: unknown role table");
}

TEST(Architecture, TheTableOfModel2VecIsTheTokenEmbedding) {
  const auto places = analyze({{"model_type", "model2vec"}}, {{"embeddings", DType::f32, {50, 8}}}).places;
  EXPECT_EQ(places[0].role, TensorRole::token_embedding);
}

TEST(Architecture, WithoutANamedEmbeddingAMatrixWithOneRowPerTokenIsTheEmbedding) {
  const auto places = analyze({{"model_type", "x"}, {"vocab_size", 50}}, {{"blocks.0.wide.weight", DType::f32, {50, 8}},
                                                                          {"lookup.weight", DType::f32, {50, 8}},
                                                                          {"out.weight", DType::f32, {8, 8}}})
                          .places;
  EXPECT_EQ(places[0].role, TensorRole::linear);
  EXPECT_EQ(places[1].role, TensorRole::token_embedding);
  EXPECT_EQ(places[2].role, TensorRole::linear);
}

TEST(Architecture, LayersAsWideAsTheVocabularyAreNotHeads) {
  const auto places =
      analyze({{"model_type", "x"}, {"vocab_size", 50}}, {{"word_embeddings.weight", DType::f32, {50, 50}},
                                                          {"layer.0.attn.out_proj.weight", DType::f32, {50, 50}},
                                                          {"lm_head.weight", DType::f32, {50, 50}}})
          .places;
  EXPECT_EQ(places[1].role, TensorRole::linear);
  EXPECT_EQ(places[2].role, TensorRole::head);
}

TEST(Architecture, PaddedTablesAreStillTokenEmbeddings) {
  const auto places =
      analyze({{"model_type", "x"}, {"vocab_size", 50}}, {{"word_embeddings.weight", DType::f32, {64, 8}}}).places;
  EXPECT_EQ(places[0].role, TensorRole::token_embedding);
}

TEST(Architecture, TheFirstStoredCopyReplacesASharedEmbeddingThatIsNotStored) {
  const auto places = analyze({{"model_type", "t5"}, {"vocab_size", 50}, {"is_encoder_decoder", true}},
                              {{"encoder.embed_tokens.weight", DType::f32, {50, 8}},
                               {"decoder.embed_tokens.weight", DType::f32, {50, 8}}})
                          .places;
  EXPECT_EQ(places[0].tied_to, "");
  EXPECT_EQ(places[1].tied_to, "encoder.embed_tokens.weight");
}

TEST(Architecture, TablesOfAnEncoderAndADecoderAreTiedOnlyByTheirClass) {
  const std::vector<TensorDeclaration> tables = {{"encoder.embed_tokens.weight", DType::f32, {50, 8}},
                                                 {"decoder.embed_tokens.weight", DType::f32, {50, 8}}};
  const auto places = analyze({{"model_type", "x"}, {"vocab_size", 50}, {"is_encoder_decoder", true}}, tables).places;
  EXPECT_EQ(places[1].tied_to, "");
  const Json untied = {{"model_type", "bart"}, {"vocab_size", 50}, {"tie_word_embeddings", false}};
  EXPECT_EQ(analyze(untied, tables).places[1].tied_to, "");
}

TEST(Architecture, PartsWithConfigurationsOfTheirOwnTieTensorsOfTheirOwn) {
  const Json part = {{"model_type", "bert"}, {"vocab_size", 50}};
  Json untied = part;
  untied["tie_word_embeddings"] = false;
  const std::vector<TensorDeclaration> tensors = {
      {"encoder.embeddings.word_embeddings.weight", DType::f32, {50, 8}},
      {"decoder.bert.embeddings.word_embeddings.weight", DType::f32, {50, 8}},
      {"decoder.cls.predictions.decoder.weight", DType::f32, {50, 8}}};
  const auto analyzed = [&](const Json& decoder) {
    return analyze({{"model_type", "encoder-decoder"},
                    {"is_encoder_decoder", true},
                    {"encoder", part},
                    {"decoder", decoder}},
                   tensors)
        .places;
  };
  EXPECT_EQ(analyzed(part)[0].tied_to, "");
  EXPECT_EQ(analyzed(part)[1].tied_to, "");
  EXPECT_EQ(analyzed(part)[2].tied_to, tensors[1].name);
  EXPECT_EQ(analyzed(untied)[2].role, TensorRole::head);
  EXPECT_EQ(analyzed(untied)[2].tied_to, "");
}

TEST(Architecture, HeadsOfAnotherShapeAreNotTied) {
  const auto places =
      analyze({{"model_type", "x"}, {"vocab_size", 50}, {"tie_word_embeddings", true}},
              {{"word_embeddings.weight", DType::f32, {50, 8}}, {"lm_head.weight", DType::f32, {50, 16}}})
          .places;
  EXPECT_EQ(places[1].role, TensorRole::head);
  EXPECT_EQ(places[1].tied_to, "");
}

TEST(Architecture, MultimodalModelsHaveTheirVocabularyInTheTextConfiguration) {
  const auto places =
      analyze({{"model_type", "x"}, {"text_config", {{"vocab_size", 50}, {"tie_word_embeddings", true}}}},
              {{"language.emb.weight", DType::f32, {50, 8}}, {"lm_head.weight", DType::f32, {50, 8}}})
          .places;
  EXPECT_EQ(places[0].role, TensorRole::token_embedding);
  EXPECT_EQ(places[1].tied_to, "language.emb.weight");
}

TEST(Architecture, UnembeddingsAreHeads) {
  for (const std::string name : {"unembed", "unembedding", "output_embeddings", "embed_out"}) {
    const auto places =
        analyze({{"model_type", "x"}, {"vocab_size", 50}, {"tie_word_embeddings", false}},
                {{"wte.weight", DType::f32, {50, 8}}, {"model." + name + ".weight", DType::f32, {50, 8}}})
            .places;
    EXPECT_EQ(places[0].role, TensorRole::token_embedding);
    EXPECT_EQ(places[1].role, TensorRole::head) << name;
  }
}

TEST(Architecture, RelativePositionTablesAreNoTokenEmbeddingsForAnyNumberOfRows) {
  for (const std::string name :
       {"distance_embedding", "rel_embeddings", "relative_position.embedding", "attention.relative_bias.emb"}) {
    const auto places =
        analyze({{"model_type", "x"}, {"vocab_size", 50}},
                {{"word_embeddings.weight", DType::f32, {50, 8}}, {"layer.0." + name + ".weight", DType::f32, {50, 8}}})
            .places;
    EXPECT_EQ(places[1].role, TensorRole::position_embedding) << name;
    EXPECT_EQ(places[1].tied_to, "") << name;
  }
}

TEST(Architecture, ATiedTableThatIsStoredAsTheHeadIsTheTokenEmbedding) {
  const std::vector<TensorDeclaration> tensors = {{"model.layers.0.mlp.up_proj.weight", DType::f32, {50, 8}},
                                                  {"lm_head.weight", DType::f32, {50, 8}}};
  const Json tied = {{"model_type", "llama"}, {"vocab_size", 50}, {"tie_word_embeddings", true}};
  const Json untied = {{"model_type", "llama"}, {"vocab_size", 50}, {"tie_word_embeddings", false}};
  EXPECT_EQ(analyze(tied, tensors).places[1].role, TensorRole::token_embedding);
  EXPECT_EQ(analyze(untied, tensors).places[1].role, TensorRole::head);
}

TEST(Architecture, OldNamesOfLayerNormsAreRecognized) {
  const auto places =
      analyze({{"model_type", "bert"}}, {{"a.LayerNorm.gamma", DType::f32, {8}}, {"a.LayerNorm.beta", DType::f32, {8}}})
          .places;
  EXPECT_EQ(places[0].role, TensorRole::norm);
  EXPECT_EQ(places[1].role, TensorRole::bias);
}

TEST(Architecture, FindsTensorsWithTheMatricesOfAllExperts) {
  const Json config = {{"model_type", "some_mixture"}, {"num_local_experts", 4}};
  const std::vector<TensorDeclaration> tensors = {
      {"model.layers.0.mlp.experts.gate_up_proj", DType::bf16, {16, 8, 6}},
      {"model.layers.0.block_sparse_moe.input_linear.weight", DType::bf16, {4, 8, 6}},
      {"transformer.blocks.0.ffn.experts.mlp.w1", DType::bf16, {32, 6}}};
  for (const auto& place : analyze_architecture(config, tensors).places) EXPECT_EQ(place.role, TensorRole::experts);
}

TEST(Architecture, TakesNoOtherTensorForExperts) {
  const Json config = {{"model_type", "some_mixture"}, {"num_local_experts", 4}};
  const std::vector<TensorDeclaration> tensors = {
      {"model.layers.0.mlp.experts.gate_up_proj_bias", DType::bf16, {4, 8}},
      {"model.layers.0.mlp.experts.gate_up_proj_scale_inv", DType::f32, {4, 2, 2}},
      {"model.layers.0.mamba.conv1d.weight", DType::bf16, {4, 6, 8}},
      {"model.layers.0.patches.weight", DType::bf16, {5, 6, 8}},
      {"projection.weight", DType::bf16, {4, 6, 8}},
      {"model.layers.0.mlp.experts.offsets", DType::bf16, {32, 6}},
      {"model.layers.0.mlp.experts.3.w1.weight", DType::bf16, {8, 6}}};
  for (const auto& place : analyze_architecture(config, tensors).places) EXPECT_NE(place.role, TensorRole::experts);
}

}  // namespace
}  // namespace loewner
