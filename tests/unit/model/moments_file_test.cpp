// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/moments_file.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/model/safetensors_writer.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayer = "encoder.layer.0.dense.weight";

class Moments : public testing::Test {
 protected:
  Moments() : model_(Checkpoint::open(test::write_encoder(folder_))) {
    description_.model = hex_text(model_.fingerprint());
    description_.layers[kLayer] = {.inputs = "attention", .correction = 0.5};
    description_.importance["embeddings.word_embeddings.weight"] = 3;
    moments_["attention"] = {
        .second = test::second_moment(test::kWidth), .cross = test::second_moment(test::kWidth), .tokens = 72};
  }
  MomentsFile written() {
    write_moments_file(path_, test::arrays_of(moments_), description_);
    return MomentsFile::open(path_);
  }
  std::string refusal(const std::function<void()>& edit) {
    edit();
    return test::message_of<IoError>([&] {
      const MomentsFile file = written();
      file.require_made_for(model_);
      (void)file.read(kLayer);
    });
  }
  // A file with these metadata and no arrays.
  std::string refusal_of_text(const std::string& json) {
    SafetensorsWriter writer(path_, {}, {{"loewner_moments", json}});
    writer.finish();
    return test::message_of<IoError>([&] { (void)MomentsFile::open(path_); });
  }

  test::TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "moments.safetensors";
  Checkpoint model_;
  MomentsDescription description_;
  std::map<std::string, InputMoments> moments_;
};

TEST_F(Moments, AreReadAsTheyWereWritten) {
  const MomentsFile file = written();
  file.require_made_for(model_);
  const InputMoments read = file.read(kLayer);
  EXPECT_EQ(read.correction, 0.5);
  EXPECT_EQ(read.tokens, 72);
  EXPECT_EQ(file.description().importance, description_.importance);
  for (Index i = 0; i < test::kWidth; ++i) {
    for (Index j = 0; j < test::kWidth; ++j) {
      const auto second = static_cast<float>(moments_["attention"].second(i, j));
      EXPECT_EQ(read.second(i, j), second);
      EXPECT_EQ(read.cross(i, j), second);
    }
  }
}

TEST_F(Moments, OfAnotherModelAreRefused) {
  EXPECT_CONTAINS(refusal([&] { description_.model = "0123456789abcdef"; }), "was made for another model");
}

TEST_F(Moments, OfALayerThatTheModelLacksAreRefused) {
  EXPECT_CONTAINS(refusal([&] { description_.layers["x.weight"] = {.inputs = "attention"}; }),
                  "layer 'x.weight' is not a tensor of");
}

TEST_F(Moments, OfAnotherWidthAreRefused) {
  const auto narrow = [&] { moments_["attention"] = {.second = test::second_moment(5), .tokens = 1}; };
  description_.layers[kLayer].correction = 0;
  EXPECT_CONTAINS(refusal(narrow), "has 24 inputs, but array 'second.attention' is for 5");
}

TEST_F(Moments, ThatAreNotFiniteAreRefused) {
  EXPECT_CONTAINS(refusal([&] { moments_["attention"].second(3, 4) = std::numeric_limits<double>::quiet_NaN(); }),
                  "array 'second.attention' has a non-finite value at row 3, column 4");
}

TEST_F(Moments, ThatAreNotFiniteInTheCrossMomentAreRefused) {
  EXPECT_CONTAINS(refusal([&] { moments_["attention"].cross(0, 1) = std::numeric_limits<double>::infinity(); }),
                  "array 'cross.attention' has a non-finite value at row 0, column 1");
}

TEST_F(Moments, ThatAreNotSymmetricAreRefused) {
  EXPECT_CONTAINS(refusal([&] { moments_["attention"].second(3, 4) += 1; }),
                  "array 'second.attention' is not symmetric at row 4, column 3");
}

TEST_F(Moments, OfNoInputsAreRefused) {
  EXPECT_CONTAINS(refusal([&] { moments_["attention"].second(2, 2) = -1; }), "has a negative diagonal entry at 2");
  const auto large = [&] {
    moments_["attention"].second = test::second_moment(test::kWidth);
    moments_["attention"].second(1, 2) = moments_["attention"].second(2, 1) = 1e9;
  };
  EXPECT_CONTAINS(refusal(large), "exceeds what its diagonal allows at row 2, column 1");
}

TEST_F(Moments, RoundedSumsAreSymmetricAfterReading) {
  moments_["attention"].second(3, 4) += 1e-7;
  const InputMoments read = written().read(kLayer);
  EXPECT_EQ(read.second(3, 4), read.second(4, 3));
}

TEST_F(Moments, ACorrectionNeedsTheCrossMoment) {
  EXPECT_CONTAINS(refusal([&] { moments_["attention"].cross = {}; }),
                  "array 'cross.attention' is missing, which the correction of layer");
}

TEST_F(Moments, ArraysOfNoLayerAreRefused) {
  write_moments_file(path_, test::arrays_of(moments_), description_);
  const std::string header = "{\"version\":\"1.0\",\"model\":\"\",\"inputs\":{},\"layers\":{}}";
  SafetensorsWriter writer(path_, {{"second.a", DType::f32, {1, 1}}}, {{"loewner_moments", header}});
  writer.write(std::vector<std::byte>(4));
  writer.finish();
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)MomentsFile::open(path_); }),
                  "array 'second.a' belongs to none of the names");
}

TEST_F(Moments, FieldsAreCheckedByName) {
  EXPECT_CONTAINS(refusal_of_text("[]"), "moments.safetensors: loewner_moments");
  EXPECT_CONTAINS(refusal_of_text("{}"), "loewner_moments.version is missing");
  EXPECT_CONTAINS(refusal_of_text(R"({"version":"2.0"})"), "loewner_moments.version must be 1.x");
  const auto with = [](const std::string& rest) { return R"({"version":"1.0","model":"m",)" + rest + "}"; };
  EXPECT_CONTAINS(refusal_of_text(with(R"("inputs":{"a":{"tokens":0}},"layers":{})")),
                  "loewner_moments.inputs.a.tokens must be a positive integer, got 0");
  EXPECT_CONTAINS(refusal_of_text(with(R"("inputs":{},"layers":{"l":{"inputs":"a"}})")),
                  "loewner_moments.layers.l.inputs must be one of the names in `inputs`, got \"a\"");
  EXPECT_CONTAINS(refusal_of_text(with(R"("inputs":{"a":{"tokens":1}},"layers":{"l":{"inputs":"a","correction":2}})")),
                  "loewner_moments.layers.l.correction must be in [0, 1], got 2");
  EXPECT_CONTAINS(refusal_of_text(with(R"("inputs":{},"layers":{},"importance":{"l":-1})")),
                  "loewner_moments.importance.l must be positive and finite, got -1");
  EXPECT_CONTAINS(refusal_of_text(with(R"("inputs":{"a":{"tokens":1}},"layers":{})")), "array 'second.a' is missing");
}

TEST_F(Moments, OtherFilesAreRefused) {
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)MomentsFile::open(model_.folder() / "model.safetensors"); }),
                  "is no moments file");
}

TEST_F(Moments, TheHashIsOfAllBytes) {
  const auto before = written().hash();
  EXPECT_EQ(MomentsFile::open(path_).hash(), before);
  test::flip_bit(path_, fs::file_size(path_) - 1);
  EXPECT_NE(MomentsFile::open(path_).hash(), before);
}

}  // namespace
}  // namespace loewner
