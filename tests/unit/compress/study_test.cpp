// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/study.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/compress/pipeline.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class Study : public testing::Test {
 protected:
  CompressReport make(CompressOptions options) const {
    options.model = model_;
    options.output = output_;
    options.keep = 0.7;
    options.if_exists = IfExists::overwrite;
    return compress(options);
  }
  TensorStudy study() const { return study_tensor(Checkpoint::open(output_), Checkpoint::open(model_), test::kTable); }

  test::TemporaryFolder folder_;
  fs::path model_ = test::write_encoder(folder_), output_ = folder_.path() / "out";
};

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST_F(Study, RowErrorsAddUpToTheClaims) {
  const auto report = make({.method = Method::svd});
  const auto found = study();
  EXPECT_NEAR(std::sqrt(sum(found.squared_error) / sum(found.squared_norm)), report.tensors[0].errors.relative_error,
              1e-6);
  const auto weighted = [&](const std::vector<double>& values) {
    return std::inner_product(values.begin(), values.end(), found.row_weights.begin(), 0.0);
  };
  EXPECT_NEAR(std::sqrt(weighted(found.squared_error) / weighted(found.squared_norm)),
              report.tensors[0].errors.weighted_relative_error, 1e-6);
  EXPECT_GT(std::abs(report.tensors[0].errors.weighted_relative_error - report.tensors[0].errors.relative_error), 1e-4);
}

TEST_F(Study, FrequenciesComeFromTheTokenizerIfTheClaimsHaveNoWeights) {
  make({.method = Method::svd, .row_weights = "none"});
  const auto found = study();
  EXPECT_TRUE(found.row_weights.empty());
  EXPECT_EQ(found.frequency.size(), found.squared_norm.size());
  EXPECT_GT(found.frequency[20], found.frequency[200]);
}

TEST_F(Study, TheChosenMethodIsAmongTheCandidatesAlthoughAutoSkipsIt) {
  for (const Method method : {Method::lp, Method::subspaces, Method::codes}) {
    make({.method = method});
    const auto found = study();
    EXPECT_TRUE(std::ranges::any_of(found.offers, [&](const Candidate& c) { return c.method == method; }))
        << to_string(method);
  }
}

TEST_F(Study, TheReportOfAnOutputHasTheBytesThatCompressReported) {
  const auto made = make({.method = Method::svd});
  const Checkpoint output = Checkpoint::open(output_), model = Checkpoint::open(model_);
  const auto read = claimed_report(output, &model);
  EXPECT_EQ(read.weights_before, made.weights_before);
  EXPECT_EQ(read.folder_after, made.folder_after);
  EXPECT_EQ(read.tensors[0].bytes_before, made.tensors[0].bytes_before);
  EXPECT_EQ(read.tensors[0].bytes_after, made.tensors[0].bytes_after);
  const auto alone = claimed_report(output, nullptr);
  EXPECT_EQ(alone.weights_before, 0);
  EXPECT_EQ(alone.tensors[0].bytes_after, made.tensors[0].bytes_after);
}

TEST_F(Study, IsTheSameForAnyNumberOfThreads) {
  make({.method = Method::svd});
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = study();
  for (const int threads : {2, 8}) {
    set_num_threads(threads);
    const auto together = study();
    EXPECT_EQ(together.squared_error, alone.squared_error);
    EXPECT_EQ(together.rank_error, alone.rank_error);
    EXPECT_EQ(together.offers.size(), alone.offers.size());
  }
  set_num_threads(before);
}

TEST_F(Study, ATensorThatIsNotEncodedOrOfAnotherShapeIsRefused) {
  make({.method = Method::svd});
  const Checkpoint output = Checkpoint::open(output_), model = Checkpoint::open(model_);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)study_tensor(output, model, "no.weight"); }), "is not encoded");
  test::write_checkpoint(folder_, "other", model.config(),
                         {{{.declaration = {test::kTable, DType::f32, {7, 5}}, .seed = 1}}});
  const Checkpoint other = Checkpoint::open(folder_.path() / "other");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)study_tensor(output, other, test::kTable); }), "7 x 5");
}

}  // namespace
}  // namespace loewner
