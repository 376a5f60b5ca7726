// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/rank_curves.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

constexpr const char *kTable = "model.embed_tokens.weight", *kLayer = "model.layers.0.mlp.up_proj.weight";

class RankCurves : public testing::Test {
 protected:
  Checkpoint write(Index hidden, Index rows) {
    const auto tensor = [](const std::string& name, std::vector<Index> shape) {
      return test::MadeTensor{.declaration = {name, DType::f32, std::move(shape)}, .seed = 1};
    };
    test::write_checkpoint(
        folder_, "model", {{"model_type", "llama"}, {"vocab_size", 50}},
        {{tensor(kTable, {50, hidden}), tensor(kLayer, {rows, hidden}), tensor("model.norm.weight", {hidden})}});
    return Checkpoint::open(folder_.path() / "model");
  }
  static std::vector<RankCurve> curves_of(const Checkpoint& checkpoint) {
    std::vector<TensorDeclaration> declarations;
    for (const auto& tensor : checkpoint.tensors()) declarations.push_back(*tensor.info);
    return rank_curves(checkpoint, analyze_architecture(checkpoint.config(), declarations), 1, {});
  }

  test::TemporaryFolder folder_;
};

TEST_F(RankCurves, SmallMatricesHaveExactCurvesInTheOrderOfTheFile) {
  const Checkpoint checkpoint = write(12, 40);
  const auto curves = curves_of(checkpoint);
  ASSERT_EQ(curves.size(), 2U);
  for (const auto& curve : curves) {
    EXPECT_TRUE(curve.exact);
    EXPECT_EQ(curve.error, relative_residuals(singular_values_float32(*checkpoint.rows_of(curve.name))));
  }
  EXPECT_EQ(curves[0].name, kTable);
  EXPECT_EQ(curves[1].rows, 40);
}

TEST_F(RankCurves, LargeMatricesAreEstimatedWithinFifteenPercent) {
  const Checkpoint checkpoint = write(1100, 2500);
  const auto curves = curves_of(checkpoint);
  EXPECT_TRUE(curves[0].exact);  // 50 x 1100
  ASSERT_FALSE(curves[1].exact);
  const auto truth = relative_residuals(singular_values(*checkpoint.rows_of(kLayer)));
  for (std::size_t k = 0; k < curves[1].error.size(); k += 64) {
    EXPECT_NEAR(curves[1].error[k] / truth[k], 1, 0.15) << k;
  }
}

TEST_F(RankCurves, TheRankForAnErrorIsTheFirstThatReachesIt) {
  const RankCurve curve{.name = "", .rows = 3, .cols = 3, .error = {1, 0.6, 0.3}, .exact = false};
  EXPECT_EQ(rank_for_error(curve, 1), 0);
  EXPECT_EQ(rank_for_error(curve, 0.5), 2);
  EXPECT_EQ(rank_for_error(curve, 0.1), std::nullopt);
}

}  // namespace
}  // namespace loewner
