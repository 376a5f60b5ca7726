// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class Compress : public test::Compression {};

TEST_F(Compress, WritesAFolderThatReadsBackWithTheErrorsItReports) {
  const auto report = compress(by_svd());
  const auto written = output();
  const auto tensors = read_encoded_tensors(written);
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, test::kTable);
  EXPECT_EQ(tensors[0].array_names,
            (std::vector<std::string>{"embeddings.word_embeddings.left", "embeddings.word_embeddings.right"}));
  const auto original = Checkpoint::open(model_);
  const double error =
      approximation_errors(*original.rows_of(test::kTable), *tensors[0].matrix, {}, 2).relative_error();
  EXPECT_GT(error, 0);
  EXPECT_DOUBLE_EQ(report.tensors.at(0).errors.relative_error, error);
}

TEST_F(Compress, CopiesOtherFilesAndTensorsByteForByte) {
  compress(options());
  auto before = test::files_of(model_), after = files();
  EXPECT_EQ(after.at("README.base.md"), before.at("README.md"));
  for (const char* same : {"vocab.txt", "1_Pooling/config.json"}) EXPECT_EQ(after.at(same), before.at(same)) << same;
  for (const auto& tensor : test::encoder_tensors()) {
    const std::string& name = tensor.declaration.name;
    if (name == test::kTable) continue;
    const std::string bytes = test::bytes_of(tensor);
    const auto offset = test::offset_of(folder_.path() / "out" / "model.safetensors", name);
    EXPECT_EQ(after.at("model.safetensors").substr(offset, bytes.size()), bytes) << name;
  }
}

TEST_F(Compress, KeepsTheConfigurationAndItsOrder) {
  compress(options());
  Json config = output().config();
  EXPECT_EQ(config.at("quantization_config").at("quant_method"), "loewner");
  config.erase("quantization_config");
  Json expected = test::encoder_config();
  expected["torch_dtype"] = "float32";  // stated, because the first array of the file may have another type
  EXPECT_EQ(config.dump(), expected.dump());
}

TEST_F(Compress, ReportsTheBytesOfTheFiles) {
  const auto report = compress(options());
  const auto sum = [](const std::map<std::string, std::string>& files) {
    Index bytes = 0;
    for (const auto& [name, text] : files) bytes += static_cast<Index>(text.size());
    return bytes;
  };
  EXPECT_EQ(report.folder_before, sum(test::files_of(model_)));
  EXPECT_EQ(report.folder_after, sum(files()));
  EXPECT_EQ(report.weights_after, static_cast<Index>(files().at("model.safetensors").size()));
}

TEST_F(Compress, TheSameRunGivesTheSameBytes) {
  compress(options());
  const auto first = files();
  fs::remove_all(folder_.path() / "out");
  compress(options());
  EXPECT_EQ(test::differing_files(files(), first), test::kNone);
}

TEST_F(Compress, SameBytesForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 8}) {
    const test::ThreadCount scope(threads);
    auto o = options(std::to_string(threads) + "/out");
    fs::create_directory(folder_.path() / std::to_string(threads));
    o.selection = Selection::all;
    o.keep = 0.55;
    o.factor_format = NumberFormat::f16;
    compress(o);
  }
  EXPECT_EQ(test::differing_files(files("2/out"), files("1/out")), test::kNone);
  EXPECT_EQ(test::differing_files(files("8/out"), files("1/out")), test::kNone);
}

TEST_F(Compress, SameBytesOfManyShardsForAnyNumberOfThreads) {
  std::vector<std::vector<test::MadeTensor>> shards;
  for (const auto& tensor : test::encoder_tensors()) shards.push_back({tensor});
  while (shards.size() < 32) {  // from 4 shards for each thread on, threads write shards of their own
    const std::string name = "pieces." + std::to_string(shards.size()) + ".weight";
    shards.push_back({{.declaration = {name, DType::f32, {24, 24}}, .seed = shards.size()}});
  }
  test::write_checkpoint(folder_, "pieces", test::encoder_config(), shards);
  model_ = folder_.path() / "pieces";
  for (const int threads : {1, 4, 8}) {
    const test::ThreadCount scope(threads);
    fs::create_directory(folder_.path() / std::to_string(threads));
    double before = 0;
    compress(options(std::to_string(threads) + "/out"), [&](std::string_view, double fraction) {
      EXPECT_GE(fraction, before);
      before = fraction;
    });
  }
  EXPECT_EQ(test::differing_files(files("4/out"), files("1/out")), test::kNone);
  EXPECT_EQ(test::differing_files(files("8/out"), files("1/out")), test::kNone);
}

TEST_F(Compress, ShardsAreReplacedShardByShard) {
  model_ = test::write_encoder(folder_, "sharded", 2);
  compress(by_svd());
  const auto before = Checkpoint::open(model_), after = output();
  EXPECT_EQ(files().at("model-00002-of-00002.safetensors"),
            test::files_of(model_).at("model-00002-of-00002.safetensors"));
  EXPECT_EQ(after.shard_of(after.at("embeddings.word_embeddings.left")).name,
            before.shard_of(before.at(test::kTable)).name);
  Index total = 0;
  for (const auto& tensor : after.tensors()) total += tensor.info->bytes();
  EXPECT_EQ(after.index_metadata().at("total_size"), total);
}

TEST_F(Compress, AMatrixWhoseArrayHasTheNameOfATensorIsLeftAloneUnlessItIsNamed) {
  const std::string matrix = "encoder.layer.0.dense";
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {matrix + ".left", DType::f32, {2, 2}}});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  auto o = by_svd();
  o.selection = Selection::all;
  const auto report = compress(o);
  EXPECT_NE(output().find(matrix + ".weight"), nullptr);
  EXPECT_EQ(output().find("encoder.layer.1.dense.weight"), nullptr);
  const auto names_it = [&](const std::string& note) {
    return note.find("a tensor '" + matrix + ".left'") != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(report.notes, names_it), 1);
  fs::remove_all(folder_.path() / "out");
  o.include = {matrix};
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)compress(o); }),
                  matrix + ".weight: the model has a tensor");
  EXPECT_FALSE(fs::exists(folder_.path() / "out"));
}

TEST_F(Compress, ATiedCopyIsLeftOut) {
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {"cls.predictions.decoder.weight", DType::f32, {test::kTokens, test::kWidth}}});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  compress(options());
  EXPECT_EQ(output().find("cls.predictions.decoder.weight"), nullptr);
  const Json spec = output().config().at("quantization_config").at("tensors").at(test::kTable);
  EXPECT_EQ(spec.at("tied"), Json::array({"cls.predictions.decoder.weight"}));
}

TEST_F(Compress, ADryRunPredictsAndWritesNothing) {
  auto o = options();
  o.dry_run = true;
  const auto planned = compress(o);
  EXPECT_FALSE(fs::exists(o.output));
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial"));
  o.dry_run = false;
  const auto made = compress(o);
  EXPECT_EQ(planned.tensors.at(0).rank, made.tensors.at(0).rank);
  EXPECT_NEAR(planned.tensors.at(0).predicted_error, made.tensors.at(0).errors.weighted_relative_error, 1e-5);
}

TEST_F(Compress, ProgressNeverGoesBackAndEndsAtOne) {
  double last = 0;
  compress(options(), [&](std::string_view, double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
  });
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace loewner
