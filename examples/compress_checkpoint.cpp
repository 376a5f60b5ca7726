// SPDX-License-Identifier: Apache-2.0
// Compresses a checkpoint to half of its size and verifies the output. It prints the size, method and error of each
// encoded tensor.
//
//     loewner_example_compress_checkpoint MODEL OUTPUT   MODEL: a folder with config.json and safetensors files
//     loewner_example_compress_checkpoint                compresses a small random model in the temporary folder

#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "loewner/base/random.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/safetensors_writer.hpp"

namespace {

namespace fs = std::filesystem;
using loewner::Index;

constexpr Index kTokens = 2000, kWidth = 64;

// A random token embedding with a decaying spectrum, as trained models have.
std::vector<float> embedding_table() {
  loewner::RandomStream random(/*seed=*/1, loewner::RandomPurpose::test_data);
  std::vector<float> table(kTokens * kWidth);
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<float>(random.normal() * std::pow(0.95, static_cast<double>(i % kWidth)));
  }
  return table;
}

void write_random_model(const fs::path& folder) {
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << R"({"model_type": "bert", "hidden_size": 64, "vocab_size": 2000})";
  const auto table = embedding_table();
  loewner::SafetensorsWriter writer(
      folder / "model.safetensors",
      {{.name = "embeddings.word_embeddings.weight", .dtype = loewner::DType::f32, .shape = {kTokens, kWidth}}});
  writer.write(std::as_bytes(std::span(table)));
  writer.finish();
}

int compress_and_verify(const fs::path& model, const fs::path& output) {
  const auto report =
      loewner::compress({.model = model, .output = output, .keep = 0.5, .if_exists = loewner::IfExists::overwrite});
  for (const auto& tensor : report.tensors) {
    std::printf("%s: %td -> %td bytes, rank %td by %s, weighted error %.4f\n", tensor.name.c_str(), tensor.bytes_before,
                tensor.bytes_after, tensor.rank.value_or(0), tensor.method.c_str(),
                tensor.errors.weighted_relative_error);
  }
  const auto verified = loewner::verify(output, model);
  std::printf("%s: %s\n", output.c_str(), verified.holds() ? "verified" : "verification failed");
  return verified.holds() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 3) return compress_and_verify(argv[1], argv[2]);
  const fs::path folder = fs::temp_directory_path() / "loewner_example_compress_checkpoint";
  write_random_model(folder / "model");
  return compress_and_verify(folder / "model", folder / "compressed");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
