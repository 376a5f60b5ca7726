// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "loewner/base/error.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/plan/encode.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::input_moments_test {
namespace {

constexpr Index kInputs = 64, kOutputs = 96;

class LayerWithMoments : public testing::Test {
 protected:
  EncodeRequest request(Method method) const {
    EncodeRequest r;
    r.matrix = matrix_;
    r.source_bytes = 4 * kInputs * kOutputs;
    r.method = method;
    r.moments = &moments_;
    return r;
  }
  EncodeRequest within_bytes(Index bytes, Method method) const {
    EncodeRequest r = request(method);
    r.max_bytes = bytes;
    return r;
  }
  double error_of(const Encoding& encoding) const {
    return output_error(*matrix_, *encoding.matrix, moments_, InputSide::cols);
  }
  static InputMoments correlated_moments() {
    const auto x =
        test::matrix_with_spectrum({.rows = 300, .cols = kInputs, .seed = 2}, test::exponential_decay(kInputs, 0.9));
    return {.second = gram(DenseRows(x.view())), .tokens = 300};
  }

  Matrix<float> w_ = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 1});
  std::shared_ptr<const RowSource> matrix_ = std::make_shared<DenseRows>(w_.view());
  InputMoments moments_ = correlated_moments();
};

TEST_F(LayerWithMoments, CodesPredictTheOutputErrorWithinTenPercent) {
  const auto offers = candidates(request(Method::codes));
  for (std::size_t i = 0; i < offers.size(); i += 9) {
    const Encoding encoding = encode_matrix(within_bytes(offers[i].point.bytes, Method::codes));
    EXPECT_LE(encoding.matrix->bytes(), offers[i].point.bytes);
    EXPECT_NEAR(std::sqrt(error_of(encoding) / offers[i].point.error), 1, 0.1) << i;
    EXPECT_NEAR(encoding.predicted_error / std::sqrt(offers[i].point.error), 1, 1e-12);
  }
}

TEST_F(LayerWithMoments, AutomaticComparesErrorsOfOutputsOnly) {
  const auto offers = candidates(request(Method::automatic)), codes = candidates(request(Method::codes));
  ASSERT_EQ(offers.size(), codes.size());
  for (std::size_t i = 0; i < offers.size(); ++i) EXPECT_EQ(offers[i].point.error, codes[i].point.error);
  const Encoding encoding = encode_matrix(within_bytes(kInputs * kOutputs / 4, Method::automatic));
  EXPECT_EQ(encoding.matrix->structure(), "input_codes");
}

TEST_F(LayerWithMoments, MomentsLowerTheErrorOfTheOutputsAtEqualBytes) {
  const Index bytes = kInputs * kOutputs / 4 + 300;
  EncodeRequest blind = within_bytes(bytes, Method::codes);
  blind.moments = nullptr;
  EXPECT_LT(error_of(encode_matrix(within_bytes(bytes, Method::codes))), 0.5 * error_of(encode_matrix(blind)));
}

TEST_F(LayerWithMoments, MeetsTheMaximalErrorOfTheOutputsWithoutWastingBytes) {
  EncodeRequest within_error = request(Method::codes);
  within_error.max_error = 0.1;
  const double error = std::sqrt(error_of(encode_matrix(within_error)));
  EXPECT_LE(error, 0.1);
  EXPECT_GT(error, 0.08);
}

TEST_F(LayerWithMoments, OtherMethodsIgnoreTheMoments) {
  EncodeRequest blind = within_bytes(kInputs * kOutputs, Method::subspaces), informed = blind;
  blind.moments = nullptr;
  const auto a = encode_matrix(blind), b = encode_matrix(informed);
  EXPECT_EQ(test::stored_bytes(*a.matrix), test::stored_bytes(*b.matrix));
}

TEST_F(LayerWithMoments, PlansAreTheSameForAnyNumberOfThreads) {
  const auto errors = [&](int threads) {
    const test::ThreadCount scope(threads);
    std::vector<double> values;
    for (const auto& offer : candidates(request(Method::codes))) values.push_back(offer.point.error);
    return values;
  };
  const auto one = errors(1);
  EXPECT_EQ(errors(2), one);
  EXPECT_EQ(errors(8), one);
}

TEST_F(LayerWithMoments, RejectsMomentsOfAnotherNumberOfInputs) {
  moments_ = {.second = Matrix<double>(3, 3)};
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)candidates(request(Method::codes)); }),
                  "the matrix must have 3 inputs, got 64");
}

}  // namespace
}  // namespace loewner::input_moments_test
