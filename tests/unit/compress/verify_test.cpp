// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/verify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "loewner/base/error.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/model/checkpoint.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoChecksums = "format version 1.0 has no checksums; damage may remain unnoticed";

// An output that passes verification; the tests then damage it.
class Verify : public testing::Test {
 protected:
  void SetUp() override { make({.method = Method::lp}); }
  void make(CompressOptions options) {
    options.model = model_;
    options.output = output_;
    if (!options.keep) options.keep = 0.7;
    options.if_exists = IfExists::overwrite;
    compress(options);
  }
  VerifyReport check() const { return verify(output_, model_); }
  // What an older version wrote, so that only the comparison with the model finds damage.
  void remove_checksums() const {
    edit_config([](Json& config) {
      config["quantization_config"]["format_version"] = "1.0";
      config["quantization_config"].erase("checksums");
    });
  }

  void edit_config(const std::function<void(Json& config)>& edit) const {
    Json config = Checkpoint::open(output_).config();
    edit(config);
    std::ofstream(output_ / "config.json") << config.dump(2);
  }
  void edit_specification(const std::function<void(Json& spec)>& edit) const {
    edit_config([&](Json& config) { edit(config["quantization_config"]["tensors"][test::kTable]); });
  }
  void flip_bit_of(const std::string& tensor, std::uintmax_t byte) const {
    const auto file = output_ / "model.safetensors";
    test::flip_bit(file, test::offset_of(file, tensor) + byte);
  }
  std::string refusal() const {
    return test::message_of<IoError>([&] { (void)check(); });
  }

  test::TemporaryFolder folder_;
  fs::path model_ = test::write_encoder(folder_), output_ = folder_.path() / "out";
};

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
  EXPECT_EQ(report.tensors.at(0).failures, std::vector<std::string>{"the original is 301 x 24, the encoding 300 x 24"});
}

TEST_F(Verify, CountsAreReadOnlyFromTheFileThatTheCallerNames) {
  const auto counts = folder_.write("counts.tsv", "7\t100\n9\t3\n");
  make({.row_weights = counts.string()});
  const auto given = verify(output_, model_, {}, counts);
  EXPECT_TRUE(given.holds());
  EXPECT_EQ(given.notes, std::vector<std::string>{});
  folder_.write("other.tsv", "3\t1\n");
  EXPECT_FALSE(verify(output_, model_, {}, folder_.path() / "other.tsv").holds());
  folder_.write("counts.tsv", "not counts");
  const auto report = check();
  EXPECT_TRUE(report.holds());
  EXPECT_CONTAINS(report.notes.at(0),
                  "weighted errors are not checked; they need the file of token counts "
                  "('counts.tsv'), given by --row-weights");
  edit_specification([](Json& spec) { spec["claims"]["relative_error"] = 0.01; });
  EXPECT_FALSE(check().holds());
}

TEST_F(Verify, AMissingArrayIsNamed) {
  edit_specification([](Json& spec) { spec["structure"] = "dense"; });
  const auto message = refusal();
  EXPECT_CONTAINS(message, "tensor 'embeddings.word_embeddings.weight'");
}

TEST_F(Verify, AnOutputOfAnotherFormatIsRefused) {
  const auto refusal_of = [&](const char* field, const Json& value) {
    const std::string before = test::files_of(output_).at("config.json");
    edit_config([&](Json& config) { config["quantization_config"][field] = value; });
    const auto message = refusal();
    std::ofstream(output_ / "config.json") << before;
    return message;
  };
  EXPECT_CONTAINS(refusal_of("format_version", "2.0"), "format version 2.0 is newer than 1.x");
  EXPECT_CONTAINS(refusal_of("format_version", "one"), "format_version must be MAJOR.MINOR, got 'one'");
  for (const char* version : {"1", "1.", ".1", "1.x", "1.1.1", "1.-1", "+1.1", " 1.1", "1.1 "})
    EXPECT_CONTAINS(refusal_of("format_version", version), "format_version must be MAJOR.MINOR, got");
  EXPECT_CONTAINS(refusal_of("format_version", 1.0),
                  output_.string() + ": config.json: specification: field 'format_version' has the wrong type");
  EXPECT_CONTAINS(refusal_of("quant_method", "awq"), "no quantization_config of quant_method 'loewner'");
  EXPECT_CONTAINS(refusal_of("tensors", Json::array()), "field 'tensors' must be an object");
  edit_config([](Json& config) { config["quantization_config"]["format_version"] = "1.7"; });
  EXPECT_EQ(check().failures,  // a newer minor version is read
            std::vector<std::string>{"config.json: quantization_config is not that of the checksum"});
}

TEST_F(Verify, EveryFieldHasItsType) {
  const Json before = Checkpoint::open(output_).config()["quantization_config"]["tensors"][test::kTable];
  const auto refusal_of = [&](const char* pointer, const Json& value) {
    edit_specification([&](Json& spec) { spec[Json::json_pointer(pointer)] = value; });
    const std::string message = refusal();
    edit_specification([&](Json& spec) { spec = before; });
    return message;
  };
  for (const char* number : {"/claims/relative_error", "/claims/weighted_relative_error", "/claims/norm_exponent",
                             "/claims/lp_error", "/claims/lp_error_svd", "/claims/certificate", "/predicted_error"}) {
    for (const Json& wrong : {Json(true), Json("1"), Json(-1), Json::array()})
      EXPECT_CONTAINS(refusal_of(number, wrong), "has the wrong type or is negative") << number;
  }
  for (const Json& wrong : {Json(true), Json("3"), Json(-1), Json(3.0), Json(18446744073709551615u)})
    EXPECT_CONTAINS(refusal_of("/rank", wrong), "field 'rank' must be a non-negative integer");
  for (const Json& wrong : {Json("I8"), Json("f32"), Json(""), Json("F8_E4M3")})
    EXPECT_CONTAINS(refusal_of("/source_dtype", wrong), "source_dtype must be a floating-point type");
  for (const Json& wrong : {Json(-1), Json(), Json(true)})
    EXPECT_CONTAINS(refusal_of("/source_dtype", wrong), "field 'source_dtype' has the wrong type");
  EXPECT_CONTAINS(refusal_of("/method", "magic"), "method must be one of this version's, got 'magic'");
  EXPECT_CONTAINS(refusal_of("/method", "auto"), "method must be one of this version's, got 'auto'");
  EXPECT_CONTAINS(refusal_of("/role", "magic"), "role must be one of this version's, got 'magic'");
  EXPECT_TRUE(check().holds());
}

TEST_F(Verify, ATypeOtherThanTheOriginalsIsAFailure) {
  remove_checksums();
  edit_specification([](Json& spec) { spec["source_dtype"] = "F16"; });
  EXPECT_EQ(check().tensors.at(0).failures, std::vector<std::string>{"source_dtype is F16, the original has F32"});
}

TEST_F(Verify, RowWeightsOfAForeignFolderNameNoFile) {
  const auto secret = folder_.write("secret", "first line\n");
  for (const std::string& option : {secret.string(), std::string("/etc/passwd"), std::string("../secret")}) {
    edit_specification([&](Json& spec) { spec["row_weights"]["option"] = option; });
    const auto report = check();
    EXPECT_FALSE(report.holds());
    EXPECT_EQ(to_json(report).dump().find("first line"), std::string::npos);
    EXPECT_CONTAINS(report.notes.at(0), "weighted errors are not checked");
  }
  edit_specification([](Json& spec) { spec["row_weights"]["option"] = "zipf:x"; });
  EXPECT_CONTAINS(refusal(), output_.string() + ": tensor '" + test::kTable + "': specification: field 'row_weights'");
}

TEST_F(Verify, ATensorNameWithoutWeightIsRefused) {
  edit_config([](Json& config) {
    auto& tensors = config["quantization_config"]["tensors"];
    tensors["table"] = tensors[test::kTable];
  });
  EXPECT_CONTAINS(refusal(), "tensor 'table': the name must end in .weight");
}

TEST_F(Verify, MalformedTiesAreRefused) {
  for (const Json& tied : {Json(3), Json::array({1, 2})}) {
    edit_specification([&](Json& spec) { spec["tied"] = tied; });
    EXPECT_CONTAINS(refusal(), "field 'tied' has the wrong type");
  }
}

TEST_F(Verify, BadFieldsAreRefusedWithFolderAndTensor) {
  const std::string place = output_.string() + ": tensor '" + test::kTable + "': specification: field ";
  for (const std::string field : {"role", "method", "claims", "row_weights"}) {
    Json before;
    edit_specification([&](Json& spec) { before = std::exchange(spec[field], Json(3)); });
    EXPECT_CONTAINS(refusal(), place) << field;
    edit_specification([&](Json& spec) { spec[field] = before; });
  }
  EXPECT_TRUE(check().holds());
}

}  // namespace
}  // namespace loewner
