// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/checkpoint.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"
#include "support/safetensors_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

std::string refusal(const test::TemporaryFolder& folder) {
  return test::message_of<IoError>([&] { (void)Checkpoint::open(folder.path()); });
}

std::vector<std::string> as_text(const std::vector<fs::path>& paths) {
  return {paths.begin(), paths.end()};
}

void write_single(const test::TemporaryFolder& folder) {
  folder.write("config.json", R"({"model_type":"bert"})");
  folder.write("model.safetensors", test::one_matrix_file("m", 2, 3));
}

// Tensors 'm' and 'n' in shards x and y.
void write_sharded(const test::TemporaryFolder& folder,
                   const std::string& weight_map = R"({"m":"x.safetensors","n":"y.safetensors"})") {
  folder.write("config.json", "{}");
  folder.write("x.safetensors", test::one_matrix_file("m", 2, 3));
  folder.write("y.safetensors", test::one_matrix_file("n", 4, 3));
  folder.write("model.safetensors.index.json", R"({"metadata":{"total_size":72},"weight_map":)" + weight_map + "}");
}

TEST(Checkpoint, OpensASingleFile) {
  const test::TemporaryFolder folder;
  write_single(folder);
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_FALSE(checkpoint.has_index());
  EXPECT_EQ(checkpoint.config()["model_type"], "bert");
  EXPECT_EQ(checkpoint.tensors().size(), 1u);
  EXPECT_EQ(checkpoint.at("m").info->shape, (std::vector<Index>{2, 3}));
  EXPECT_EQ(checkpoint.rows_of("m")->rows(), 2);
  EXPECT_EQ(checkpoint.weight_bytes(), static_cast<Index>(fs::file_size(folder.path() / "model.safetensors")));
  EXPECT_EQ(checkpoint.find("absent"), nullptr);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)checkpoint.at("absent"); }), "tensor 'absent'");
}

TEST(Checkpoint, OpensShardsThroughTheirIndex) {
  const test::TemporaryFolder folder;
  write_sharded(folder);
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_TRUE(checkpoint.has_index());
  EXPECT_EQ(checkpoint.index_metadata()["total_size"], 72);
  EXPECT_EQ(checkpoint.shard_of(checkpoint.at("n")).name, "y.safetensors");
  EXPECT_EQ(checkpoint.other_files(), std::vector<fs::path>{});
}

TEST(Checkpoint, StaysValidWhenMoved) {
  const test::TemporaryFolder folder;
  write_sharded(folder);
  auto first = Checkpoint::open(folder.path());
  const auto second = std::move(first);
  EXPECT_EQ(second.at("n").info->name, "n");
}

TEST(Checkpoint, FoldersWithoutAConfigurationAreRefused) {
  const test::TemporaryFolder folder;
  EXPECT_CONTAINS(refusal(folder), "config.json: cannot open: No such file");
  folder.write("config.json", "[]");
  EXPECT_CONTAINS(refusal(folder), "config.json: must be a JSON object, got array");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)Checkpoint::open(folder.path() / "none"); }),
                  "none: must be a model folder");
}

TEST(Checkpoint, AStaticTableNeedsNoConfiguration) {
  for (const std::string place : {"", "weights/", "0_StaticEmbedding/"}) {
    const test::TemporaryFolder folder;
    if (place.starts_with("0_")) {
      folder.write("modules.json",
                   R"([{"path":"0_StaticEmbedding","type":"sentence_transformers.models.StaticEmbedding"}])");
    }
    folder.write(place + "model.safetensors", test::one_matrix_file("embedding.weight", 4, 3));
    folder.write(place + "tokenizer.json", "{}");
    const auto checkpoint = Checkpoint::open(folder.path());
    EXPECT_FALSE(checkpoint.has_config());
    EXPECT_EQ(checkpoint.config()["loewner_roles"]["embedding.weight"], "token_embedding");
    EXPECT_EQ(checkpoint.shards().front().name, place + "model.safetensors");
    EXPECT_TRUE(fs::exists(checkpoint.tokenizer_folder() / "tokenizer.json"));
  }
}

TEST(Checkpoint, OtherTensorsNeedAConfiguration) {
  const test::TemporaryFolder folder;
  folder.write("model.safetensors", test::one_matrix_file("layer.weight", 4, 3));
  EXPECT_CONTAINS(refusal(folder), "config.json: cannot open: No such file");
}

TEST(Checkpoint, AModuleOutsideTheFolderIsNotRead) {
  const test::TemporaryFolder folder;
  folder.write("model/modules.json", R"([{"path":"..","type":"StaticEmbedding"}])");
  folder.write("model.safetensors", test::one_matrix_file("embedding.weight", 4, 3));
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)Checkpoint::open(folder.path() / "model"); }),
                  "config.json: cannot open: No such file");
}

TEST(Checkpoint, AStrangeFileIsNoModelWhereAConfigurationIs) {
  const test::TemporaryFolder folder;
  folder.write("config.json", R"({"model_type":"bert"})");
  folder.write("other.safetensors", test::one_matrix_file("embedding.weight", 4, 3));
  EXPECT_CONTAINS(refusal(folder), "must have model.safetensors");
}

TEST(Checkpoint, PicklesAreRefusedByName) {
  const test::TemporaryFolder folder;
  folder.write("config.json", "{}");
  EXPECT_CONTAINS(refusal(folder), "must have model.safetensors or model.safetensors.index.json");
  folder.write("pytorch_model.bin", "x");
  EXPECT_CONTAINS(refusal(folder), "pickle checkpoints are not read: convert 'pytorch_model.bin' to safetensors");
}

TEST(Checkpoint, MissingShardsAreNamed) {
  const test::TemporaryFolder folder;
  write_sharded(folder, R"({"m":"x.safetensors","n":"z.safetensors"})");
  EXPECT_CONTAINS(refusal(folder), "z.safetensors: cannot open: No such file");
}

TEST(Checkpoint, EntriesOfTheIndexWithoutATensorAreNoted) {
  const test::TemporaryFolder folder;
  write_sharded(folder, R"({"m":"x.safetensors","n":"y.safetensors","o":"y.safetensors"})");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.tensors().size(), 2u);
  ASSERT_EQ(checkpoint.notes().size(), 1u);
  EXPECT_CONTAINS(checkpoint.notes()[0], "1 entries name tensors that do not exist");
}

TEST(Checkpoint, TensorsOfTheShardsWithoutAnEntryAreReadAndNoted) {
  const test::TemporaryFolder folder;
  write_sharded(folder, R"({"m":"x.safetensors","o":"y.safetensors"})");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_NE(checkpoint.find("n"), nullptr);
  ASSERT_EQ(checkpoint.notes().size(), 2u);
  EXPECT_CONTAINS(checkpoint.notes()[1], "1 tensors of the shards have no entry");
}

TEST(Checkpoint, ShardsMayLieInAFolder) {
  const test::TemporaryFolder folder;
  write_sharded(folder, R"({"m":"./x.safetensors","n":"weights/y.safetensors"})");
  std::filesystem::create_directory(folder.path() / "weights");
  std::filesystem::rename(folder.path() / "y.safetensors", folder.path() / "weights" / "y.safetensors");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_NE(checkpoint.find("m"), nullptr);
  EXPECT_EQ(checkpoint.shard_of(checkpoint.at("n")).name, "weights/y.safetensors");
  EXPECT_TRUE(checkpoint.notes().empty());
}

TEST(Checkpoint, OfATensorInTwoShardsTheLastIsRead) {
  const test::TemporaryFolder folder;
  write_sharded(folder);
  folder.write("y.safetensors", test::one_matrix_file("m", 4, 3));
  const auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 1u);
  EXPECT_EQ(checkpoint.at("m").info->shape, (std::vector<Index>{4, 3}));
  EXPECT_EQ(checkpoint.shard_of(checkpoint.at("m")).name, "y.safetensors");
  EXPECT_TRUE(checkpoint.tensors_of(0).empty());
  ASSERT_EQ(checkpoint.notes().size(), 3u);
  EXPECT_CONTAINS(checkpoint.notes()[0], "1 entries name tensors that do not exist");
  EXPECT_CONTAINS(checkpoint.notes()[1], "1 tensors are in other shards than the index names");
  EXPECT_CONTAINS(checkpoint.notes()[2], "1 tensors are stored again in a later shard");
}

TEST(Checkpoint, ASingleFileIsReadInsteadOfShards) {
  for (const char* index :
       {R"({"m":"x.safetensors","n":"y.safetensors"})", "broken", R"({"m":"x.safetensors","o":"model.safetensors"})"}) {
    const test::TemporaryFolder folder;
    write_sharded(folder, index);
    folder.write("model.safetensors", test::one_matrix_file("o", 2, 3));
    const auto checkpoint = Checkpoint::open(folder.path());
    EXPECT_FALSE(checkpoint.has_index());
    ASSERT_EQ(checkpoint.tensors().size(), 1u);
    EXPECT_EQ(checkpoint.tensors()[0].info->name, "o");
    ASSERT_EQ(checkpoint.notes().size(), 1u);
    EXPECT_CONTAINS(checkpoint.notes()[0], "model.safetensors.index.json: neither it nor the shards");
    EXPECT_EQ(as_text(checkpoint.unread_weights()),
              (std::vector<std::string>{"model.safetensors.index.json", "x.safetensors", "y.safetensors"}));
  }
}

TEST(Checkpoint, AnIndexOfTheSingleFileIsRead) {
  const test::TemporaryFolder folder;
  write_single(folder);
  folder.write("model.safetensors.index.json", R"({"weight_map":{"m":"model.safetensors"}})");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_TRUE(checkpoint.has_index());
  EXPECT_TRUE(checkpoint.notes().empty());
}

TEST(Checkpoint, DistinguishesFilesOfTheModelFromOtherCopiesOfItsWeights) {
  const test::TemporaryFolder folder;
  write_single(folder);
  for (const char* name : {"vocab.txt", "1_Pooling/config.json", "2_Dense/model.safetensors", ".gitattributes",
                           ".git/config", "README.md", ".cache/huggingface/x", "training_args.bin"}) {
    folder.write(name, "x");
  }
  for (const char* name :
       {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "onnx/model.onnx", "other.safetensors"}) {
    folder.write(name, "x");
  }
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(as_text(checkpoint.other_files()),
            (std::vector<std::string>{".gitattributes", "1_Pooling/config.json", "2_Dense/model.safetensors",
                                      "README.md", "training_args.bin", "vocab.txt"}));
  EXPECT_EQ(as_text(checkpoint.unread_weights()),
            (std::vector<std::string>{"onnx/model.onnx", "other.safetensors", "pytorch_model.bin",
                                      "pytorch_model.bin.index.json", "tf_model.h5"}));
}

TEST(Checkpoint, KnowsWeightsOfOtherFrameworksAndTrainingCheckpoints) {
  const test::TemporaryFolder folder;
  write_single(folder);
  const std::vector<std::string> kept = {"2_Dense/pytorch_model.bin", "chat_template.jinja", "spiece.model",
                                         "tokenizer.json", "trainer_state.json"};
  const std::vector<std::string> left_out = {"adapter_model.bin",
                                             "checkpoint-500/model.safetensors",
                                             "checkpoint-500/trainer_state.json",
                                             "events.out.tfevents.1",
                                             "gguf/m.gguf",
                                             "model-q4.gguf",
                                             "model.safetensors.bak",
                                             "model.tflite",
                                             "onnx/model.onnx_data",
                                             "optimizer.bin",
                                             "optimizer.pt",
                                             "original/consolidated.00.pth",
                                             "original/params.json",
                                             "pytorch_model_fsdp_0/__0_0.distcp",
                                             "rng_state_0.pth",
                                             "runs/a/events.out.tfevents.1",
                                             "weights.npz"};
  for (const auto& name : kept) folder.write(name, "x");
  for (const auto& name : left_out) folder.write(name, "x");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(as_text(checkpoint.other_files()), kept);
  EXPECT_EQ(as_text(checkpoint.unread_weights()), left_out);
}

TEST(Checkpoint, FollowsLinksToFoldersAndNamesWhatItSkips) {
  const test::TemporaryFolder folder, outside;
  write_single(folder);
  outside.write("pooling/config.json", "x");
  fs::create_directory_symlink(outside.path() / "pooling", folder.path() / "1_Pooling");
  fs::create_directory_symlink(folder.path(), folder.path() / "self");
  fs::create_directory_symlink(folder.path().parent_path(), folder.path() / "parent");
  fs::create_symlink("nowhere", folder.path() / "broken");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(as_text(checkpoint.other_files()), (std::vector<std::string>{"1_Pooling/config.json"}));
  ASSERT_EQ(checkpoint.skipped().size(), 3u);
  EXPECT_EQ(checkpoint.skipped()[0], "broken is a broken link");
  EXPECT_CONTAINS(checkpoint.skipped()[1], "parent is a link to ");
  EXPECT_CONTAINS(checkpoint.skipped()[2], "self is a link to ");
}

TEST(Checkpoint, AFolderThatIsNoModelFolderIsDescribed) {
  const auto refusal_with = [](const char* file, const std::string& content = "{}") {
    const test::TemporaryFolder folder;
    folder.write(file, content);
    return refusal(folder);
  };
  EXPECT_CONTAINS(refusal_with("onnx/model.onnx"), "'onnx/model.onnx' is an ONNX model");
  EXPECT_CONTAINS(refusal_with("pytorch_model.bin"), "'pytorch_model.bin' is a pickle");
  EXPECT_CONTAINS(refusal_with("0_Transformer/config.json"), "'0_Transformer' has a config.json");
  EXPECT_CONTAINS(refusal_with("model.safetensors", test::one_matrix_file("m", 2, 3)),
                  "'model.safetensors' is a safetensors file");
  EXPECT_CONTAINS(refusal_with("model.gguf"), "config.json: cannot open");
}

TEST(Checkpoint, NamesTheQuantizationMethod) {
  const test::TemporaryFolder folder;
  write_single(folder);
  EXPECT_EQ(Checkpoint::open(folder.path()).quantization_method(), "");
  folder.write("config.json", R"({"quantization_config":{"quant_method":"gptq"}})");
  EXPECT_EQ(Checkpoint::open(folder.path()).quantization_method(), "gptq");
  folder.write("config.json", R"({"quantization_config":{"bits":4}})");
  EXPECT_EQ(Checkpoint::open(folder.path()).quantization_method(), "unknown");
}

class Fingerprint : public testing::Test {
 protected:
  static constexpr int kRows = 1 << 10, kCols = 1 << 10;  // 4 MiB: every block is sampled

  Fingerprint() {
    folder_.write("config.json", "{}");
    bytes_ = test::one_matrix_file("m", kRows, kCols);
  }
  std::uint64_t now() const {
    folder_.write("model.safetensors", bytes_);
    return Checkpoint::open(folder_.path()).fingerprint();
  }

  test::TemporaryFolder folder_;
  std::string bytes_;
};

TEST_F(Fingerprint, IsTheSameForTheSameFiles) {
  const auto first = now();
  EXPECT_EQ(now(), first);
}

TEST_F(Fingerprint, ChangesWithTheConfigurationAndWithNames) {
  const auto first = now();
  folder_.write("config.json", R"({"a":1})");
  const auto second = now();
  EXPECT_NE(second, first);
  bytes_ = test::one_matrix_file("n", kRows, kCols);
  EXPECT_NE(now(), second);
}

TEST_F(Fingerprint, ChangesWithAByteOfEverySampledBlock) {
  const auto first = now();
  const std::size_t data = bytes_.size() - std::size_t{4} * kRows * kCols;
  for (std::size_t block = 0; block < 64; block += 21) {
    auto& byte = bytes_[data + (block << 16) + 12345];
    byte ^= 1;
    EXPECT_NE(now(), first) << block;
    byte ^= 1;
  }
}

}  // namespace
}  // namespace loewner
