// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/refit.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/verify.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class StoreRefit : public testing::Test {
 protected:
  void SetUp() override { make(Method::lp, NumberFormat::f32); }
  void make(Method method, NumberFormat format) {
    compress({.model = model_,
              .output = output_,
              .keep = format == NumberFormat::f32 ? 0.6 : 0.35,
              .method = method,
              .factor_format = format,
              .if_exists = IfExists::overwrite});
  }
  // The stored right factor of the table, changed a little.
  Matrix<float> changed_factor(float change = 0.01F) const {
    const Checkpoint checkpoint = Checkpoint::open(output_);
    auto factor = read_all(*checkpoint.rows_of("embeddings.word_embeddings.right"));
    for (Index i = 0; i < factor.rows(); ++i) factor(i, i % factor.cols()) += change;
    return factor;
  }
  std::vector<TensorReport> store(std::vector<RefittedFactor> factors, const fs::path& target) const {
    return store_refit(output_, model_, target, std::move(factors), IfExists::refuse);
  }
  std::vector<RefittedFactor> one(Matrix<float> values, const std::string& tensor = test::kTable,
                                  const std::string& array = "right") const {
    std::vector<RefittedFactor> factors;
    factors.push_back({tensor, array, std::move(values), {{"rows", 7}}});
    return factors;
  }
  std::string refusal(std::vector<RefittedFactor> factors) const {
    return test::message_of<InvalidArgument>([&] { store(std::move(factors), target_); });
  }

  test::TemporaryFolder folder_;
  fs::path model_ = test::write_encoder(folder_), output_ = folder_.path() / "out", target_ = folder_.path() / "refit";
};

TEST_F(StoreRefit, ReplacesTheFactorAndNothingElse) {
  const auto factor = changed_factor();
  store(one(factor.clone()), target_);
  const Checkpoint before = Checkpoint::open(output_), after = Checkpoint::open(target_);
  const auto stored = read_all(*after.rows_of("embeddings.word_embeddings.right"));
  EXPECT_TRUE(std::equal(factor.data(), factor.data() + factor.rows() * factor.cols(), stored.data()));
  const auto left = read_all(*after.rows_of("embeddings.word_embeddings.left")),
             old_left = read_all(*before.rows_of("embeddings.word_embeddings.left"));
  EXPECT_TRUE(std::equal(left.data(), left.data() + left.rows() * left.cols(), old_left.data()));
  EXPECT_EQ(test::differing_files(test::files_of(output_), test::files_of(target_)),
            (std::vector<std::string>{"README.md", "config.json", "model.safetensors"}));
}

TEST_F(StoreRefit, StatesErrorsThatVerifyConfirms) {
  const auto reports = store(one(changed_factor()), target_);
  const auto found = verify(target_, model_);
  EXPECT_TRUE(found.holds()) << to_json(found).dump(2);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].errors.relative_error, found.tensors[0].found.relative_error);
  EXPECT_EQ(reports[0].certificate, std::nullopt);
  const auto tensors = read_encoded_tensors(Checkpoint::open(target_));
  EXPECT_EQ(tensors[0].spec.at("refit").at("rows"), 7);
}

// Negative control: a changed factor under the old claims fails verification.
TEST_F(StoreRefit, ClaimsOfTheOldFactorFailVerification) {
  store(one(changed_factor()), target_);
  Json config = Checkpoint::open(target_).config();
  const Json old = Checkpoint::open(output_).config();
  config["quantization_config"]["tensors"][test::kTable]["claims"] =
      old["quantization_config"]["tensors"][test::kTable]["claims"];
  std::ofstream(target_ / "config.json") << config.dump(2);
  EXPECT_FALSE(verify(target_, model_).holds());
}

TEST_F(StoreRefit, KeepsTheStoredNumberFormat) {
  make(Method::svd, NumberFormat::f16);
  store(one(changed_factor()), target_);
  EXPECT_EQ(Checkpoint::open(target_).at("embeddings.word_embeddings.right").info->dtype, DType::f16);
  EXPECT_TRUE(verify(target_, model_).holds());
}

TEST_F(StoreRefit, RefusesInvalidFactors) {
  EXPECT_CONTAINS(refusal(one(Matrix<float>(3, 24))), "array 'embeddings.word_embeddings.right' must be");
  EXPECT_CONTAINS(refusal(one(changed_factor(), "encoder.layer.0.dense.weight")), "must be encoded in two factors");
  EXPECT_CONTAINS(refusal(one(changed_factor(), test::kTable, "middle")), "must be left or right, got 'middle'");
  auto broken = changed_factor();
  broken(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(refusal(one(std::move(broken))), "row 1, column 2");
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(StoreRefit, RefusesAFactorThatOverflowsItsFormat) {
  make(Method::svd, NumberFormat::f16);
  EXPECT_CONTAINS(refusal(one(changed_factor(1e6F))), "does not fit in the stored number format");
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(StoreRefit, RefusesOtherStructuresAndItsOwnSources) {
  make(Method::codes, NumberFormat::f32);
  EXPECT_CONTAINS(refusal(one(Matrix<float>(3, 24))), "must be encoded in two factors");
  make(Method::svd, NumberFormat::f32);
  for (const auto& target : {output_, model_}) {
    EXPECT_THROW(store_refit(output_, model_, target, one(changed_factor()), IfExists::overwrite), InvalidArgument);
  }
}

TEST_F(StoreRefit, AnExistingTargetIsNotReplaced) {
  store(one(changed_factor()), target_);
  const auto before = test::files_of(target_);
  EXPECT_THROW(store(one(changed_factor(0.5F)), target_), IoError);
  EXPECT_EQ(test::files_of(target_), before);
}

}  // namespace
}  // namespace loewner
