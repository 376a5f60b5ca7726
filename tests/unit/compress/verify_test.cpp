// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/verify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "loewner/base/error.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/model/checkpoint.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"
#include "support/verified_output.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoChecksums = "format version 1.0 has no checksums; damage may remain unnoticed";

class Verify : public test::VerifiedOutput {};

TEST_F(Verify, SucceedsForOutputsOfCompress) {
  for (const Method method : {Method::svd, Method::lp, Method::automatic}) {
    for (const double p : {1.0, 1.5, 2.0}) {
      make({.keep = 0.55, .method = method, .norm_exponent = p, .factor_format = NumberFormat::bf16});
      const auto report = check();
      EXPECT_TRUE(report.holds()) << to_json(report).dump(2);
      EXPECT_EQ(report.untouched_tensors, static_cast<Index>(test::encoder_tensors().size()) - 1);
    }
  }
}

TEST_F(Verify, FindsTheErrorsThatCompressReported) {
  const auto report = check();
  const auto& tensor = report.tensors.at(0);
  EXPECT_EQ(tensor.found.relative_error, tensor.claimed.errors.relative_error);
  EXPECT_EQ(tensor.found.lp_error, tensor.claimed.errors.lp_error);
  EXPECT_EQ(tensor.certificate, tensor.claimed.certificate);
}

TEST_F(Verify, AFlippedBitOfAFactorBreaksItsClaims) {
  remove_checksums();
  flip_bit_of("embeddings.word_embeddings.left", 4 * 100 + 3);  // of the exponent
  const auto report = check();
  EXPECT_FALSE(report.holds());
  EXPECT_CONTAINS(report.tensors.at(0).failures.at(0), "relative_error is claimed to be");
}

TEST_F(Verify, AFlippedBitOfAnUntouchedTensorIsFound) {
  remove_checksums();
  flip_bit_of("encoder.layer.0.dense.bias", 17);
  const auto report = check();
  EXPECT_FALSE(report.holds());
  EXPECT_EQ(report.failures, std::vector<std::string>{"tensor 'encoder.layer.0.dense.bias' differs from the original"});
}

TEST_F(Verify, EveryEditedClaimIsFound) {
  remove_checksums();
  fs::remove(output_ / "README.md");  // states the bytes of the specification, whose length an edit may change
  const Json config = Checkpoint::open(output_).config();
  for (const char* claim : {"relative_error", "weighted_relative_error", "lp_error", "lp_error_svd", "certificate"}) {
    std::ofstream(output_ / "config.json") << config.dump(2);
    ASSERT_TRUE(check().holds());
    edit_specification([&](Json& spec) { spec["claims"][claim] = 0.999 * spec["claims"][claim].get<double>(); });
    const auto report = check();
    EXPECT_FALSE(report.holds());
    ASSERT_EQ(report.tensors.at(0).failures.size(), 1u) << to_json(report).dump(2);
    EXPECT_CONTAINS(report.tensors.at(0).failures[0], std::string(claim) + " is claimed to be");
  }
}

TEST_F(Verify, AMissingTensorIsNamed) {
  // The original gains a tensor that the output does not have.
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {"pooler.dense.weight", DType::f32, {4, 4}}});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  EXPECT_EQ(check().failures, std::vector<std::string>{"tensor 'pooler.dense.weight' is missing"});
}

TEST_F(Verify, AnUnexpectedTensorIsNamed) {
  auto tensors = test::encoder_tensors();
  tensors.pop_back();
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  EXPECT_EQ(check().failures, std::vector<std::string>{"tensor 'encoder.layer.1.dense.weight' is not in the original"});
}

TEST_F(Verify, FilesThatWereCopiedAreCompared) {
  const auto report = check();
  EXPECT_EQ(report.untouched_files, 3);  // README.base.md, vocab.txt, 1_Pooling/config.json
  EXPECT_EQ(report.notes, std::vector<std::string>{});
}

TEST_F(Verify, ChangedFilesOfAnOldOutputAreNotes) {
  remove_checksums();
  folder_.write("out/vocab.txt", "[PAD]\nother\n");
  fs::remove(output_ / "1_Pooling" / "config.json");
  folder_.write("out/notes.txt", "mine");
  const auto report = check();
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.notes, (std::vector<std::string>{"file '1_Pooling/config.json' of the original is missing",
                                                    "file 'vocab.txt' differs from the original",
                                                    "file 'notes.txt' is not in the original", kNoChecksums}));
  EXPECT_EQ(report.untouched_files, 1);
}

TEST_F(Verify, AnotherValueInTheConfigurationIsAFailure) {
  remove_checksums();
  edit_config([](Json& config) { config["vocab_size"] = test::kTokens + 1; });
  const auto report = check();
  EXPECT_FALSE(report.holds());
  EXPECT_EQ(report.failures,
            std::vector<std::string>{"config.json: field 'vocab_size' is 300 in the original, 301 in the output"});
}

TEST_F(Verify, AConfigurationThatTransformersWroteAgainHolds) {
  remove_checksums();
  edit_config([](Json& config) {
    config["transformers_version"] = "5.0.0";
    config["dtype"] = "float32";
    config.erase("torch_dtype");
    config["use_cache"] = true;  // a default that saving adds
  });
  const auto report = check();
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.notes,
            (std::vector<std::string>{"config.json: field 'use_cache' is not in the original", kNoChecksums}));
}

class VerifySizes : public Verify {
 protected:
  std::string card() const { return test::files_of(output_).at("README.md"); }
  void replace_in_card(const std::string& old_text, const std::string& new_text) {
    std::string text = card();
    ASSERT_NE(text.find(old_text), std::string::npos) << text;
    text.replace(text.find(old_text), old_text.size(), new_text);
    folder_.write("out/README.md", text);
  }
};

TEST_F(VerifySizes, AWrongSizeOfATensorIsAFailure) {
  const std::string bytes = std::to_string(check().tensors.at(0).claimed.bytes_after);
  replace_in_card("| " + bytes + " |", "| 1000 |");
  EXPECT_EQ(check().tensors.at(0).failures,
            std::vector<std::string>{"README.md states 1000 bytes, the files have " + bytes + " bytes"});
}

TEST_F(VerifySizes, AWrongSizeOfAllWeightsIsAFailure) {
  replace_in_card(" -> 0.", " -> 7.");
  ASSERT_EQ(check().failures.size(), 1u);
  EXPECT_CONTAINS(check().failures[0], "README.md states weights of 7.");
}

TEST_F(VerifySizes, AnEditedOrMissingCardIsANote) {
  folder_.write("out/README.md", "# My model\n");
  EXPECT_TRUE(check().holds());
  EXPECT_EQ(check().notes,
            std::vector<std::string>{"README.md states no sizes of tensor 'embeddings.word_embeddings.weight'"});
  fs::remove(output_ / "README.md");
  EXPECT_TRUE(check().holds());
  EXPECT_EQ(check().notes.size(), 1u);
}

TEST_F(VerifySizes, AWrongTotalOfTheIndexIsAFailure) {
  model_ = test::write_encoder(folder_, "sharded", 2);
  make({.method = Method::svd});
  ASSERT_TRUE(check().holds());
  remove_checksums();
  const auto path = output_ / "model.safetensors.index.json";
  Json index = Json::parse(test::files_of(output_).at("model.safetensors.index.json"));
  index["metadata"]["total_size"] = 12;
  std::ofstream(path) << index.dump();
  ASSERT_EQ(check().failures.size(), 1u);
  EXPECT_CONTAINS(check().failures[0], "the index states a total_size of 12, the tensors have ");
}

TEST_F(Verify, ATensorCalledTiedMustBeACopy) {
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {"cls.decoder.weight", DType::f32, {test::kTokens, test::kWidth}}, .seed = 9});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  remove_checksums();
  edit_specification([](Json& spec) { spec["tied"] = {"cls.decoder.weight"}; });
  EXPECT_EQ(check().failures, std::vector<std::string>{"tensor 'cls.decoder.weight' is missing"});
}

TEST_F(Verify, AMissingBufferThatModelsComputeIsANote) {
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {"embeddings.position_ids", DType::f32, {1, 8}}, .seed = 9});
  tensors.push_back({.declaration = {"embeddings.ids", DType::f32, {1, 8}}, .seed = 9});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  const auto report = check();
  EXPECT_EQ(report.failures, std::vector<std::string>{"tensor 'embeddings.ids' is missing"});
  EXPECT_NE(std::ranges::find(report.notes, "tensor 'embeddings.position_ids' is missing; models compute it"),
            report.notes.end());
}

TEST_F(Verify, AnotherShapeOfTheOriginalIsAFailure) {
  auto tensors = test::encoder_tensors();
  tensors[0].declaration.shape = {test::kTokens + 1, test::kWidth};
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  const auto report = check();
  EXPECT_FALSE(report.holds());
  EXPECT_EQ(report.tensors.at(0).failures,
            std::vector<std::string>{"the original has the shape [301,24], the encoding [300,24]"});
}

TEST_F(Verify, CountsAreReadOnlyFromTheFileThatTheCallerNames) {
  const auto counts = folder_.write("counts.tsv", "7\t100\n9\t3\n");
  make({.row_weights = counts.string()});
  const auto given = verify(output_, model_, {}, {.row_weights = counts});
  EXPECT_TRUE(given.holds());
  EXPECT_EQ(given.notes, std::vector<std::string>{});
  folder_.write("other.tsv", "3\t1\n");
  EXPECT_FALSE(verify(output_, model_, {}, {.row_weights = folder_.path() / "other.tsv"}).holds());
  folder_.write("counts.tsv", "not counts");
  const auto report = check();
  EXPECT_TRUE(report.holds());
  EXPECT_CONTAINS(report.notes.at(0),
                  "weighted errors are not checked; they need the file of token counts "
                  "('counts.tsv'), given by --row-weights");
  edit_specification([](Json& spec) { spec["claims"]["relative_error"] = 0.01; });
  EXPECT_FALSE(check().holds());
}

}  // namespace
}  // namespace loewner
