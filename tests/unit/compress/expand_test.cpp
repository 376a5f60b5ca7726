// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/expand.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/pipeline.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class Expand : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override { make(GetParam(), 1); }
  void make(DType dtype, int shards) {
    model_ = test::write_encoder(folder_, "model", shards, dtype);
    compress({.model = model_,
              .output = small_,
              .selection = Selection::all,
              .max_error = 0.3,
              .method = Method::svd,
              .factor_format = NumberFormat::f16,
              .if_exists = IfExists::overwrite});
    expand(small_, dense_, IfExists::overwrite);
  }

  test::TemporaryFolder folder_;
  fs::path model_, small_ = folder_.path() / "small", dense_ = folder_.path() / "dense";
};

TEST_P(Expand, WritesTheDecodedTensorsInTheirOriginalTypes) {
  const auto small = Checkpoint::open(small_), dense = Checkpoint::open(dense_);
  const auto encoded = read_encoded_tensors(small);
  ASSERT_GE(encoded.size(), 2u);
  for (const auto& tensor : encoded) {
    ASSERT_EQ(dense.at(tensor.name).info->dtype, GetParam());
    const auto expected = read_all(*stored_rows(
        stored_as("", std::shared_ptr<const EncodedMatrix>(std::shared_ptr<void>(), tensor.matrix.get()), GetParam())));
    const auto found = read_all(*dense.rows_of(tensor.name));
    ASSERT_EQ(found.rows(), expected.rows());
    EXPECT_TRUE(std::equal(found.data(), found.data() + found.rows() * found.cols(), expected.data()));
  }
}

TEST_P(Expand, WritesStoredCopiesAgain) {
  auto tensors = test::encoder_tensors(GetParam());
  tensors.push_back({.declaration = {"cls.predictions.decoder.weight", GetParam(), {test::kTokens, test::kWidth}}});
  test::write_checkpoint(folder_, "tied", test::encoder_config(), {tensors});
  const auto model = folder_.path() / "tied", small = folder_.path() / "tied_small",
             dense = folder_.path() / "tied_dense";
  compress({.model = model, .output = small, .max_error = 0.3, .method = Method::svd});
  ASSERT_EQ(Checkpoint::open(small).find("cls.predictions.decoder.weight"), nullptr);
  expand(small, dense, IfExists::overwrite);
  const auto found = Checkpoint::open(dense);
  const auto table = read_all(*found.rows_of(test::kTable));
  const auto head = read_all(*found.rows_of("cls.predictions.decoder.weight"));
  EXPECT_TRUE(std::equal(head.data(), head.data() + head.rows() * head.cols(), table.data()));
}

TEST_P(Expand, HasTheNamesShapesAndUntouchedBytesOfTheModel) {
  const auto model = Checkpoint::open(model_), dense = Checkpoint::open(dense_), small = Checkpoint::open(small_);
  ASSERT_EQ(dense.tensors().size(), model.tensors().size());
  for (std::size_t i = 0; i < model.tensors().size(); ++i) {
    EXPECT_EQ(dense.tensors()[i].info->name, model.tensors()[i].info->name);
    EXPECT_EQ(dense.tensors()[i].info->shape, model.tensors()[i].info->shape);
  }
  const auto before = test::files_of(model_).at("model.safetensors"),
             after = test::files_of(dense_).at("model.safetensors");
  for (const auto& tensor : test::encoder_tensors(GetParam())) {
    const std::string& name = tensor.declaration.name;
    if (small.find(name) == nullptr) continue;  // encoded
    const auto bytes = test::bytes_of(tensor);
    EXPECT_EQ(after.substr(test::offset_of(dense_ / "model.safetensors", name), bytes.size()), bytes) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(OfEveryType, Expand, testing::Values(DType::f32, DType::f16, DType::bf16, DType::f64),
                         [](const auto& type) { return std::string(to_string(type.param)); });

class ExpandOfFloats : public Expand {};

TEST_P(ExpandOfFloats, RestoresTheConfigurationAndTheModelCard) {
  EXPECT_EQ(Checkpoint::open(dense_).config().dump(), test::encoder_config().dump());
  auto before = test::files_of(model_), after = test::files_of(dense_);
  for (const char* same : {"README.md", "vocab.txt", "1_Pooling/config.json"})
    EXPECT_EQ(after.at(same), before.at(same));
  EXPECT_FALSE(after.contains("README.base.md"));
}

TEST_P(ExpandOfFloats, RestoresAModelWithAFileNamedAsTheKeptCard) {
  for (const bool has_card : {true, false}) {
    folder_.write("model/README.base.md", "another card");
    if (!has_card) fs::remove(model_ / "README.md");
    const auto before = test::files_of(model_);
    compress({.model = model_, .output = small_, .keep = 0.7, .if_exists = IfExists::overwrite});
    const auto small = test::files_of(small_);
    EXPECT_EQ(small.at("README.base.md"), "another card");
    EXPECT_EQ(small.contains("README.base-2.md"), has_card);
    if (has_card) {
      EXPECT_EQ(small.at("README.base-2.md"), before.at("README.md"));
    }
    expand(small_, dense_, IfExists::overwrite);
    const auto after = test::files_of(dense_);
    EXPECT_EQ(after.size(), before.size());
    for (const auto& [name, text] : before) {
      if (name.ends_with(".md")) {
        EXPECT_EQ(after.at(name), text) << name;
      }
    }
    EXPECT_EQ(Checkpoint::open(dense_).config().dump(), test::encoder_config().dump());
  }
}

TEST_P(ExpandOfFloats, AnOriginalModelIsNotOverwritten) {
  const fs::path other = test::write_encoder(folder_, "other");
  const auto before = test::files_of(other);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { expand(small_, other, IfExists::overwrite); }),
                  "it is a folder that loewner did not write");
  EXPECT_EQ(test::files_of(other), before);
  expand(small_, dense_, IfExists::overwrite);  // control: an expanded model is
}

TEST_P(ExpandOfFloats, FilesAndFoldersKeepTheirPermissions) {
  using fs::perms;
  const auto set = [&](const char* name, perms permissions) { fs::permissions(model_ / name, permissions); };
  set("vocab.txt", perms::owner_read | perms::owner_write);
  set("config.json", perms::owner_read | perms::owner_write);
  set("model.safetensors", perms::owner_read);
  set("1_Pooling", perms::owner_all);
  fs::permissions(model_, perms::owner_all);
  compress({.model = model_, .output = small_, .keep = 0.7, .if_exists = IfExists::overwrite});
  expand(small_, dense_, IfExists::overwrite);
  for (const char* name : {"vocab.txt", "config.json", "model.safetensors", "1_Pooling", ""}) {
    const perms expected = fs::status(model_ / name).permissions();
    EXPECT_EQ(fs::status(small_ / name).permissions(), expected) << name;
    EXPECT_EQ(fs::status(dense_ / name).permissions(), expected) << name;
  }
}

TEST_P(ExpandOfFloats, KeepsShardsAndWritesTheirIndex) {
  make(DType::f32, 2);
  const auto dense = Checkpoint::open(dense_), model = Checkpoint::open(model_);
  ASSERT_EQ(dense.shards().size(), 2u);
  for (const auto& tensor : model.tensors())
    EXPECT_EQ(dense.shard_of(dense.at(tensor.info->name)).name, model.shard_of(tensor).name);
}

TEST_P(ExpandOfFloats, AFolderThatIsNotEncodedIsRefused) {
  EXPECT_CONTAINS(test::message_of<IoError>([&] { expand(model_, folder_.path() / "x", IfExists::refuse); }),
                  "no quantization_config of quant_method 'loewner'");
  EXPECT_FALSE(fs::exists(folder_.path() / "x.partial"));
}

TEST_P(ExpandOfFloats, AnExistingOutputIsRefusedAndTheEncodedFolderIsSafe) {
  EXPECT_CONTAINS(test::message_of<IoError>([&] { expand(small_, dense_, IfExists::refuse); }), "already exists");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { expand(small_, small_, IfExists::overwrite); }),
                  "must not be the model folder");
}

TEST_P(ExpandOfFloats, AnIntegerSourceTypeIsRefused) {
  Json config = Checkpoint::open(small_).config();
  config["quantization_config"]["tensors"][test::kTable]["source_dtype"] = "I8";
  folder_.write("small/config.json", config.dump());
  EXPECT_CONTAINS(test::message_of<IoError>([&] { expand(small_, folder_.path() / "x", IfExists::refuse); }),
                  "source_dtype must be F64, F32, F16 or BF16, got 'I8'");
  EXPECT_FALSE(fs::exists(folder_.path() / "x.partial"));
}

INSTANTIATE_TEST_SUITE_P(F32, ExpandOfFloats, testing::Values(DType::f32));

}  // namespace
}  // namespace loewner
