// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "loewner/compress/pipeline.hpp"
#include "loewner/model/checkpoint.hpp"
#include "support/checkpoints.hpp"

namespace loewner::test {

/// A small encoder that compress() writes to folder "out".
class Compression : public testing::Test {
 protected:
  // The table is small, so metadata are a large part of it: at 0.7 some 18 KB of 29 KB are left for its arrays.
  CompressOptions options(const std::string& output = "out") const {
    CompressOptions options;
    options.model = model_;
    options.output = folder_.path() / output;
    options.keep = 0.7;
    return options;
  }
  CompressOptions by_svd() const {
    CompressOptions o = options();
    o.method = Method::svd;
    return o;
  }
  std::map<std::string, std::string> files(const std::string& output = "out") const {
    return files_of(folder_.path() / output);
  }
  Checkpoint output() const { return Checkpoint::open(folder_.path() / "out"); }

  TemporaryFolder folder_;
  std::filesystem::path model_ = write_encoder(folder_);
};

/// Names of files, or notes, where none are expected.
inline const std::vector<std::string> kNone;

}  // namespace loewner::test
