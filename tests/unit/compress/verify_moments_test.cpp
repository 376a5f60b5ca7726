// SPDX-License-Identifier: Apache-2.0
// verify() with the moments of the layers' inputs.
#include <gtest/gtest.h>

#include <fstream>

#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/moments_file.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"

namespace loewner::verify_moments_test {
namespace {

namespace fs = std::filesystem;

constexpr const char *kFirst = "encoder.layer.0.dense.weight", *kSecond = "encoder.layer.1.dense.weight";

class VerifyMoments : public test::Compression {
 protected:
  VerifyMoments() {
    description_.model = hex_text(Checkpoint::open(model_).fingerprint());
    description_.layers = {{kFirst, {.inputs = "a", .correction = 0.5}}, {kSecond, {.inputs = "b"}}};
    write(1);
    make(Method::codes);
  }
  void write(std::uint64_t seed) const {
    std::map<std::string, InputMoments> moments;
    moments.emplace(
        "a", InputMoments{
                 .second = test::second_moment(24, seed), .cross = test::second_moment(24, seed + 1), .tokens = 72});
    moments.emplace("b", InputMoments{.second = test::second_moment(96, seed), .tokens = 288});
    write_moments_file(moments_, test::arrays_of(moments), description_);
  }
  void make(Method method) const {
    CompressOptions o = options();
    o.selection = Selection::linear;
    o.method = method;
    o.norm_exponent = 1.5;
    o.moments = moments_;
    o.if_exists = IfExists::overwrite;
    compress(o);
  }
  VerifyReport check() const { return verify(output_, model_, {}, {.moments = moments_}); }
  // The layers whose output error is not the claimed one.
  std::vector<std::string> wrong_outputs() const {
    std::vector<std::string> names;
    for (const auto& tensor : check().tensors) {
      const bool is_wrong = std::ranges::any_of(
          tensor.failures, [](const auto& failure) { return failure.find("output_error") != std::string::npos; });
      if (is_wrong) names.push_back(tensor.claimed.name);
    }
    return names;
  }
  void remove_checksums() const {
    Json config = Checkpoint::open(output_).config();
    config["quantization_config"]["format_version"] = "1.0";
    config["quantization_config"].erase("checksums");
    std::ofstream(output_ / "config.json") << config.dump(2);
  }

  fs::path moments_ = folder_.path() / "moments.safetensors", output_ = folder_.path() / "out";
  MomentsDescription description_;
};

TEST_F(VerifyMoments, FindsTheOutputErrorsThatCompressReported) {
  for (const Method method : {Method::codes, Method::svd, Method::lp, Method::int8, Method::int4, Method::dense}) {
    make(method);
    const auto report = check();
    EXPECT_TRUE(report.holds()) << to_json(report).dump(2);
    EXPECT_EQ(report.notes, test::kNone);
    for (const auto& tensor : report.tensors) {
      ASSERT_TRUE(tensor.output_error.has_value()) << to_string(method);
      EXPECT_EQ(tensor.output_error, tensor.claimed.output_error);
    }
  }
}

TEST_F(VerifyMoments, WithoutMomentsANoteTellsWhatIsNotChecked) {
  const auto report = verify(output_, model_);
  EXPECT_TRUE(report.holds());
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_CONTAINS(report.notes[0], "output errors of 2 tensors are not checked");
}

TEST_F(VerifyMoments, OtherMomentsAreDetected) {
  EXPECT_EQ(wrong_outputs(), test::kNone);  // control
  write(7);
  EXPECT_EQ(wrong_outputs(), (std::vector<std::string>{kFirst, kSecond}));
}

TEST_F(VerifyMoments, MomentsOfAnotherLayerAreDetected) {
  MomentsDescription both = description_;
  both.layers[kFirst] = {.inputs = "c", .correction = 0.5};
  std::map<std::string, InputMoments> moments;
  moments.emplace("b", InputMoments{.second = test::second_moment(96, 1), .tokens = 288});
  moments.emplace(
      "c", InputMoments{.second = test::second_moment(24, 2), .cross = test::second_moment(24, 2), .tokens = 72});
  write_moments_file(moments_, test::arrays_of(moments), both);
  EXPECT_EQ(wrong_outputs(), std::vector<std::string>{kFirst});
}

TEST_F(VerifyMoments, AnotherCorrectionIsDetected) {
  description_.layers[kFirst].correction = 0.4;
  write(1);
  EXPECT_EQ(wrong_outputs(), std::vector<std::string>{kFirst});
}

TEST_F(VerifyMoments, AChangedCodeIsDetectedWithoutChecksums) {
  remove_checksums();
  EXPECT_EQ(wrong_outputs(), test::kNone);  // control
  const auto file = output_ / "model.safetensors";
  const Checkpoint written = output();
  for (const auto& tensor : written.tensors()) {
    if (tensor.info->name != "encoder.layer.1.dense.codes_scales") continue;
    test::flip_bit(file, test::offset_of(file, tensor.info->name) + 1);
  }
  EXPECT_EQ(wrong_outputs(), std::vector<std::string>{kSecond});
}

TEST_F(VerifyMoments, LayersThatTheFileLacksAreFailures) {
  description_.layers.erase(kSecond);
  write(1);
  EXPECT_EQ(wrong_outputs(), std::vector<std::string>{kSecond});
}

TEST_F(VerifyMoments, MomentsOfAnotherModelAreRefused) {
  description_.model = "0123456789abcdef";
  write(1);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)check(); }), "was made for another model");
}

TEST_F(VerifyMoments, MomentsNeedTheOriginal) {
  EXPECT_CONTAINS(
      test::message_of<InvalidArgument>([&] { (void)verify(output_, std::nullopt, {}, {.moments = moments_}); }),
      "need the original model");
}

}  // namespace
}  // namespace loewner::verify_moments_test
