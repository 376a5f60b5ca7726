// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/checkpoint.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner::test {

// An output that passes verification; the tests then damage it.
class VerifiedOutput : public testing::Test {
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
    edit_config([&](Json& config) { edit(config["quantization_config"]["tensors"][kTable]); });
  }
  void flip_bit_of(const std::string& tensor, std::uintmax_t byte) const {
    const auto file = output_ / "model.safetensors";
    flip_bit(file, offset_of(file, tensor) + byte);
  }
  std::string refusal() const {
    return message_of<IoError>([&] { (void)check(); });
  }

  TemporaryFolder folder_;
  std::filesystem::path model_ = write_encoder(folder_), output_ = folder_.path() / "out";
};

}  // namespace loewner::test
