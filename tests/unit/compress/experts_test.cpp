// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/expand.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/verify.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner::experts_test {
namespace {

namespace fs = std::filesystem;

constexpr const char *kExperts = "model.layers.0.mlp.experts.gate_up_proj",
                     *kNamedWeight = "model.layers.0.block_sparse_moe.input_linear.weight";

// A model with the matrices of four experts in each of two tensors.
class Experts : public testing::Test {
 protected:
  Experts() {
    test::write_checkpoint(folder_, "model", {{"model_type", "gpt_oss"}, {"num_local_experts", 4}},
                           {{{.declaration = {kExperts, DType::bf16, {4, 30, 24}}, .seed = 1},
                             {.declaration = {kNamedWeight, DType::f32, {4, 20, 16}}, .seed = 2},
                             {.declaration = {"model.norm.weight", DType::f32, {24}}, .seed = 3}}});
  }
  void compress_by(Method method) const {
    (void)compress({.model = model_,
                    .output = small_,
                    .selection = Selection::all,
                    .keep = 0.6,
                    .method = method,
                    .if_exists = IfExists::overwrite});
  }
  void edit_shape(const Json& shape) const {
    Json config = Checkpoint::open(small_).config();
    config["quantization_config"]["tensors"][kExperts]["shape"] = shape;
    std::ofstream(small_ / "config.json") << config.dump(2);
  }

  test::TemporaryFolder folder_;
  fs::path model_ = folder_.path() / "model", small_ = folder_.path() / "small", dense_ = folder_.path() / "dense";
};

TEST_F(Experts, AreEncodedByEveryMethodThatFits) {
  for (const Method method : {Method::codes, Method::svd, Method::int4, Method::automatic}) {
    compress_by(method);
    const Checkpoint small = Checkpoint::open(small_);
    ASSERT_EQ(read_encoded_tensors(small).size(), 2u);
    EXPECT_EQ(small.find(kExperts), nullptr);
    EXPECT_TRUE(verify(small_, model_).holds());
  }
}

TEST_F(Experts, AreExpandedToTheirShape) {
  compress_by(Method::codes);
  expand(small_, dense_, IfExists::overwrite);
  const Checkpoint small = Checkpoint::open(small_), dense = Checkpoint::open(dense_), model = Checkpoint::open(model_);
  for (const auto& tensor : read_encoded_tensors(small)) {
    EXPECT_EQ(dense.at(tensor.name).info->shape, model.at(tensor.name).info->shape);
    EXPECT_EQ(dense.at(tensor.name).info->dtype, model.at(tensor.name).info->dtype);
    EXPECT_EQ(read_all(*dense.rows_of(tensor.name)).rows(), tensor.matrix->rows());
  }
}

TEST_F(Experts, AreResumed) {
  const CompressOptions options = {.model = model_,
                                   .output = small_,
                                   .selection = Selection::all,
                                   .keep = 0.6,
                                   .method = Method::codes,
                                   .if_exists = IfExists::resume};
  (void)compress(options, [](std::string_view, double) {});
  const auto config = Checkpoint::open(small_).config_text();
  EXPECT_EQ(compress(options).notes.back(), "the output was already complete");
  EXPECT_EQ(Checkpoint::open(small_).config_text(), config);
}

TEST_F(Experts, AreNotTheirMatrixInAnotherShape) {
  compress_by(Method::codes);
  edit_shape({30, 4, 24});
  const auto report = verify(small_, model_);
  ASSERT_FALSE(report.holds());
  const auto& failures =
      report.tensors.at(0).claimed.name == kExperts ? report.tensors[0].failures : report.tensors.at(1).failures;
  EXPECT_CONTAINS(failures.at(0), "the original has the shape [4,30,24], the encoding [30,4,24]");
  edit_shape({4, 30, 25});
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)verify(small_, model_); }),
                  std::string(kExperts) + "': specification: shape must be two or three sizes for 120 rows of 24");
}

// Older versions look for the arrays of M.weight under M and stop; they would make a matrix of the tensor.
TEST_F(Experts, HaveArraysThatOlderVersionsDoNotFind) {
  compress_by(Method::codes);
  EXPECT_NE(Checkpoint::open(small_).find(std::string(kNamedWeight) + ".codes"), nullptr);
  EXPECT_EQ(Checkpoint::open(small_).find("model.layers.0.block_sparse_moe.input_linear.codes"), nullptr);
}

}  // namespace
}  // namespace loewner::experts_test
