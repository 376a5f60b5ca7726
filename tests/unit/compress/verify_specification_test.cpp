// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "loewner/model/checkpoint.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"
#include "support/verified_output.hpp"

namespace loewner {
namespace {

// Specifications that break a rule of docs/format.md.
class VerifySpecification : public test::VerifiedOutput {};

TEST_F(VerifySpecification, AMissingArrayIsNamed) {
  edit_specification([](Json& spec) { spec["structure"] = "dense"; });
  const auto message = refusal();
  EXPECT_CONTAINS(message, "tensor 'embeddings.word_embeddings.weight'");
}

TEST_F(VerifySpecification, AnOutputOfAnotherFormatIsRefused) {
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

TEST_F(VerifySpecification, EveryFieldHasItsType) {
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
    EXPECT_CONTAINS(refusal_of("/source_dtype", wrong), "source_dtype must be F64, F32, F16 or BF16");
  for (const Json& wrong : {Json(-1), Json(), Json(true)})
    EXPECT_CONTAINS(refusal_of("/source_dtype", wrong), "field 'source_dtype' has the wrong type");
  EXPECT_CONTAINS(refusal_of("/method", "magic"), "method must be one of this version's, got 'magic'");
  EXPECT_CONTAINS(refusal_of("/method", "auto"), "method must be one of this version's, got 'auto'");
  EXPECT_CONTAINS(refusal_of("/role", "magic"), "role must be one of this version's, got 'magic'");
  EXPECT_TRUE(check().holds());
}

TEST_F(VerifySpecification, ATypeOtherThanTheOriginalsIsAFailure) {
  remove_checksums();
  edit_specification([](Json& spec) { spec["source_dtype"] = "F16"; });
  EXPECT_EQ(check().tensors.at(0).failures, std::vector<std::string>{"source_dtype is F16, the original has F32"});
}

TEST_F(VerifySpecification, RowWeightsOfAForeignFolderNameNoFile) {
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

TEST_F(VerifySpecification, ATensorWithoutArraysIsRefused) {
  edit_config([](Json& config) {
    auto& tensors = config["quantization_config"]["tensors"];
    tensors["table"] = tensors[test::kTable];
  });
  EXPECT_CONTAINS(refusal(), "tensor 'table'");
}

TEST_F(VerifySpecification, MalformedTiesAreRefused) {
  for (const Json& tied : {Json(3), Json::array({1, 2})}) {
    edit_specification([&](Json& spec) { spec["tied"] = tied; });
    EXPECT_CONTAINS(refusal(), "field 'tied' has the wrong type");
  }
}

TEST_F(VerifySpecification, BadFieldsAreRefusedWithFolderAndTensor) {
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
