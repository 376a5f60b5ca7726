// SPDX-License-Identifier: Apache-2.0
#include "compress/checksums.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <random>

#include "compress/output_config.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/input_codes_encoding.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/refit.hpp"
#include "loewner/compress/rewrite.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class Checksums : public testing::Test {
 protected:
  void make(CompressOptions options) const {
    options.model = model_;
    options.output = output_;
    options.if_exists = IfExists::overwrite;
    compress(options);
  }
  VerifyReport check() const { return verify(output_, std::nullopt); }

  // Whether damage is found: a failure, or a file that cannot be read.
  bool is_refused() const try { return !check().holds(); } catch (const IoError&) {
    return true;
  }

  // The bits of a file that can be flipped unnoticed, of `count` chosen at random.
  std::vector<std::string> unnoticed(const std::string& name, int count) const {
    const std::string content = test::files_of(output_).at(name);
    std::mt19937_64 random(content.size());
    std::vector<std::string> found;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t bit = random() % (8 * content.size());
      std::string damaged = content;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      folder_.write("out/" + name, damaged);
      if (!is_refused()) found.push_back(name + ", bit " + std::to_string(bit));
    }
    folder_.write("out/" + name, content);
    return found;
  }
  void expect_every_flip_is_found() const {
    ASSERT_TRUE(check().holds()) << to_json(check()).dump(2);
    for (const auto& [name, content] : test::files_of(output_)) {
      if (name == "README.md") continue;
      const int count = name == "config.json" || name.ends_with(".safetensors") ? 20 : 3;
      EXPECT_EQ(unnoticed(name, count), std::vector<std::string>{});
    }
    ASSERT_TRUE(check().holds());
  }
  void edit_config(const std::function<void(Json& config)>& edit) const {
    Json config = Checkpoint::open(output_).config();
    edit(config);
    std::ofstream(output_ / "config.json") << config.dump(2);
  }
  // Puts another encoding into an output, without its model card, which states the sizes of the old one.
  void store(const EncodedMatrix& matrix) const {
    const Checkpoint output = Checkpoint::open(output_);
    const auto old = std::move(read_encoded_tensors(output).at(0));
    Replacements replacements;
    for (const auto& name : old.array_names) replacements[name] = {};
    replacements[old.array_names.at(0)] = named_arrays(matrix, array_prefix(test::kTable, old.spec));
    const fs::path made = folder_.path() / "made";
    fs::create_directory(made);
    const auto weights = rewrite_weights(output, replacements, made, {});
    copy_files(output, all_other_files(output), {}, made);
    Json config = output.config(), spec = old.spec;
    const Json old_fields = old.matrix->spec();
    for (const auto& [field, value] : old_fields.items()) spec.erase(field);
    spec.update(matrix.spec());
    config["quantization_config"]["tensors"][test::kTable] = spec;
    detail::write_config(output, config, made);
    const Checkpoint written = Checkpoint::open(made);
    detail::state_checksums(written, read_encoded_tensors(written), weights, config);
    detail::write_config(output, config, made);
    fs::remove(made / "README.md");
    fs::remove_all(output_);
    fs::rename(made, output_);
  }

  test::TemporaryFolder folder_;
  fs::path model_ = test::write_encoder(folder_), output_ = folder_.path() / "out";
};

TEST_F(Checksums, EveryFlipInAnOutputOfEveryMethodIsFound) {
  for (const Method method : all_methods()) {
    SCOPED_TRACE(to_string(method));
    make({.keep = 0.7, .method = method});
    expect_every_flip_is_found();
  }
}

TEST_F(Checksums, EveryFlipInInputCodesIsFound) {
  make({.keep = 0.7, .method = Method::svd});
  InputMoments moments{.second = Matrix<double>(test::kWidth, test::kWidth)};
  for (Index i = 0; i < test::kWidth; ++i) moments.second(i, i) = 1;
  const auto table = Checkpoint::open(model_).rows_of(test::kTable);
  for (const std::optional<std::uint64_t> rotation : {std::optional<std::uint64_t>(5), {}}) {
    const auto codes = encode_input_codes(*table, InputBasis(moments, {.rotation_seed = rotation}),
                                          {.max_bytes = 4 * test::kTokens * test::kWidth / 2, .seed = 3});
    store(*codes.matrix);
    expect_every_flip_is_found();
  }
}

TEST_F(Checksums, EveryFlipInShardsAndTheirIndexIsFound) {
  model_ = test::write_encoder(folder_, "sharded", 2);
  make({.keep = 0.7, .method = Method::codes});
  expect_every_flip_is_found();
}

TEST_F(Checksums, FloatingPointNumbersCountAsTheyAreWritten) {
  make({.keep = 0.7, .method = Method::svd});
  std::string text = test::files_of(output_).at("config.json");
  const auto at = text.find("1e-12");
  ASSERT_NE(at, text.npos);
  text[at + 1] = 'E';  // the same number
  folder_.write("out/config.json", text);
  EXPECT_EQ(check().failures, std::vector<std::string>{
                                  "config.json: the fields besides quantization_config are not those of the checksum"});
}

TEST_F(Checksums, OrderAndSpacesOfTheConfigurationDoNotCount) {
  make({.keep = 0.7, .method = Method::svd});
  const Json config = Checkpoint::open(output_).config();
  std::ofstream(output_ / "config.json") << SortedJson(config).dump(7);
  EXPECT_TRUE(check().holds()) << to_json(check()).dump(2);
}

TEST_F(Checksums, AnOutputOfTheOldFormatHoldsWithANote) {
  make({.keep = 0.7, .method = Method::svd});
  edit_config([](Json& config) {
    config["quantization_config"]["format_version"] = "1.0";
    config["quantization_config"].erase("checksums");
  });
  EXPECT_TRUE(check().holds());
  EXPECT_EQ(check().notes,
            std::vector<std::string>{"format version 1.0 has no checksums; damage may remain unnoticed"});
}

TEST_F(Checksums, AreRequiredInTheirFormat) {
  make({.keep = 0.7, .method = Method::svd});
  edit_config([](Json& config) { config["quantization_config"].erase("checksums"); });
  EXPECT_EQ(check().failures,
            std::vector<std::string>{"config.json: format version 1.4 requires the field 'checksums'"});
  for (const Json& wrong : {Json(3), Json::array(), Json("x")}) {
    edit_config([&](Json& config) { config["quantization_config"]["checksums"] = wrong; });
    EXPECT_CONTAINS(test::message_of<IoError>([&] { check(); }), "field 'checksums' must be an object");
  }
}

TEST_F(Checksums, FilesThatOnlyAChecksumNamesAreNotOpened) {
  make({.keep = 0.7, .method = Method::svd});
  folder_.write("secret", "text");
  edit_config([](Json& config) { config["quantization_config"]["checksums"]["files"]["../secret"] = "0"; });
  const auto report = check();
  EXPECT_EQ(report.failures, std::vector<std::string>{"config.json: quantization_config is not that of the checksum"});
  EXPECT_EQ(report.notes, std::vector<std::string>{"file '../secret' has a checksum and is missing"});
}

TEST_F(Checksums, ChangedFilesAreNamedAndAddedOnesIgnored) {
  make({.keep = 0.7, .method = Method::svd});
  folder_.write("out/vocab.txt", "[PAD]\nother\n");
  folder_.write("out/README.md", "# My model\n");
  folder_.write("out/notes.txt", "mine");
  EXPECT_EQ(check().failures, std::vector<std::string>{"vocab.txt: the file is not that of the checksum"});
}

TEST_F(Checksums, ChangedArraysFailWithTheirTensor) {
  make({.keep = 0.7, .method = Method::svd});
  const auto file = output_ / "model.safetensors";
  test::flip_bit(file, test::offset_of(file, "embeddings.word_embeddings.left"));
  const auto report = check();
  EXPECT_EQ(report.tensors.at(0).failures, std::vector<std::string>{"the stored arrays are not those of the checksum"});
  EXPECT_EQ(report.failures, std::vector<std::string>{"model.safetensors: the file is not that of the checksum"});
}

TEST_F(Checksums, RefitRenewsThemAndTheVersion) {
  make({.keep = 0.7, .method = Method::svd});
  edit_config([](Json& config) {
    config["quantization_config"]["format_version"] = "1.0";
    config["quantization_config"].erase("checksums");
  });
  auto right = read_all(*Checkpoint::open(output_).rows_of("embeddings.word_embeddings.right"));
  right(0, 0) += 0.01F;
  std::vector<RefittedFactor> factors;
  factors.push_back({test::kTable, "right", std::move(right), {{"rows", 7}}});
  const fs::path refitted = folder_.path() / "refit";
  store_refit(output_, model_, refitted, std::move(factors), IfExists::refuse);
  fs::remove_all(output_);
  fs::rename(refitted, output_);
  EXPECT_EQ(check().notes, std::vector<std::string>{});
  expect_every_flip_is_found();
}

TEST_F(Checksums, AFolderThatWasSavedAgainKeepsThoseOfTensors) {
  make({.keep = 0.7, .method = Method::svd});
  edit_config([&](Json& config) {
    config["quantization_config"]["checksums"].erase("config");
    config["quantization_config"]["checksums"].erase("files");
  });
  const auto report = check();
  EXPECT_EQ(report.notes,
            std::vector<std::string>{"the model was saved again: only the encoded tensors have checksums"});
  EXPECT_EQ(report.checked_files, 0);
}

}  // namespace
}  // namespace loewner
