// SPDX-License-Identifier: Apache-2.0
// Low rank and integers for the error of a layer's outputs.
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

namespace loewner::output_methods_test {
namespace {

constexpr Index kInputs = 80, kOutputs = 72;  // a whole and a part of a group of 64
constexpr Method kMethods[] = {Method::svd, Method::lp, Method::int8, Method::int4};

class OutputMethods : public testing::Test {
 protected:
  OutputMethods() {
    for (Index i = 0; i < kOutputs; ++i) {
      for (Index j = 0; j < kInputs; ++j) transposed_(j, i) = w_(i, j);
    }
    const auto x =
        test::matrix_with_spectrum({.rows = 300, .cols = kInputs, .seed = 2}, test::exponential_decay(kInputs, 0.9));
    moments_ = {.second = gram(DenseRows(x.view())), .tokens = 300};
  }
  EncodeRequest request(Method method, InputSide side = InputSide::cols) const {
    EncodeRequest r;
    r.matrix = std::make_shared<DenseRows>((side == InputSide::cols ? w_ : transposed_).view());
    r.source_bytes = 4 * kInputs * kOutputs;
    r.max_bytes = r.source_bytes / 2;
    r.method = method;
    r.norm_exponent = 1.5;
    r.moments = &moments_;
    r.inputs = side;
    return r;
  }
  Encoding blind(Method method, InputSide side = InputSide::cols) const {
    EncodeRequest r = request(method, side);
    r.moments = nullptr;
    return encode_matrix(r);
  }
  double error_of(const Encoding& encoding, InputSide side = InputSide::cols) const {
    return std::sqrt(output_error(*request(Method::svd, side).matrix, *encoding.matrix, moments_, side));
  }

  Matrix<float> w_ = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 1});
  Matrix<float> transposed_ = Matrix<float>(kInputs, kOutputs);
  InputMoments moments_;
};

TEST_F(OutputMethods, HaveLowerErrorsOfOutputsThanBlindOnes) {
  for (const Method method : kMethods) {
    for (const InputSide side : {InputSide::cols, InputSide::rows}) {
      const double informed = error_of(encode_matrix(request(method, side)), side);
      EXPECT_LT(informed, 0.8 * error_of(blind(method, side), side))
          << to_string(method) << (side == InputSide::cols ? " cols" : " rows");
    }
  }
}

TEST_F(OutputMethods, TakeTheBytesOfBlindOnes) {
  for (const Method method : kMethods) {
    EXPECT_EQ(encode_matrix(request(method)).matrix->bytes(), blind(method).matrix->bytes()) << to_string(method);
  }
}

TEST_F(OutputMethods, PredictTheErrorsOfTheirCandidates) {
  for (const Method method : kMethods) {
    for (const auto& offer : candidates(request(method))) {
      EncodeRequest r = request(method);
      r.max_bytes = offer.point.bytes;
      if (offer.rank && *offer.rank % 5 != 1) continue;
      const Encoding encoding = encode_matrix(r);
      EXPECT_NEAR(encoding.predicted_error / std::sqrt(offer.point.error), 1, 1e-9) << to_string(method);
      EXPECT_NEAR(error_of(encoding) / encoding.predicted_error, 1, 0.02) << to_string(method);
    }
  }
}

TEST_F(OutputMethods, MeetAMaximalErrorOfTheOutputs) {
  for (const Method method : {Method::svd, Method::lp}) {
    EncodeRequest r = request(method);
    r.max_bytes = {};
    r.max_error = 0.3;
    const Encoding encoding = encode_matrix(r);
    EXPECT_LE(error_of(encoding), 0.3 * 1.001) << to_string(method);
    EXPECT_LT(encoding.matrix->bytes(), blind(method).matrix->bytes()) << to_string(method);
  }
}

// Codes alone take part, so `automatic` need not compare.
TEST_F(OutputMethods, AutomaticGivesTheBytesOfCodes) {
  for (const bool limits_error : {false, true}) {
    EncodeRequest r = request(Method::automatic), named = request(Method::codes);
    for (auto* one : {&r, &named}) {
      if (!limits_error) continue;
      one->max_bytes = {};
      one->max_error = 0.3;
    }
    EXPECT_EQ(test::stored_bytes(*encode_matrix(r).matrix), test::stored_bytes(*encode_matrix(named).matrix));
    EXPECT_EQ(encode_matrix(r).method, Method::codes);
  }
}

// Columns scaled by the input's deviation turn the weighted problem into the plain one.
TEST_F(OutputMethods, SvdIsThatOfTheWeightedMatrix) {
  Matrix<float> scaled = w_.clone();
  moments_.second = Matrix<double>(kInputs, kInputs);
  for (Index j = 0; j < kInputs; ++j) {
    moments_.second(j, j) = std::pow(2.0, j % 8);
    for (Index i = 0; i < kOutputs; ++i) scaled(i, j) *= static_cast<float>(std::sqrt(moments_.second(j, j)));
  }
  EncodeRequest plain = request(Method::svd);
  plain.moments = nullptr;
  plain.matrix = std::make_shared<DenseRows>(scaled.view());
  EXPECT_NEAR(error_of(encode_matrix(request(Method::svd))) / encode_matrix(plain).predicted_error, 1, 0.01);
}

TEST_F(OutputMethods, IntegersOfUncorrelatedInputsAreThePlainOnes) {
  moments_.second = Matrix<double>(kInputs, kInputs);
  for (Index j = 0; j < kInputs; ++j) moments_.second(j, j) = 2;
  for (const Method method : {Method::int8, Method::int4}) {
    for (const InputSide side : {InputSide::cols, InputSide::rows}) {
      const Matrix<float> informed = read_all(*encode_matrix(request(method, side)).matrix),
                          plain = read_all(*blind(method, side).matrix);
      EXPECT_EQ(std::vector<float>(informed.data(), informed.data() + kInputs * kOutputs),
                std::vector<float>(plain.data(), plain.data() + kInputs * kOutputs))
          << to_string(method);
    }
  }
}

TEST_F(OutputMethods, ACorrectionMovesTheTarget) {
  // xhat = 2 x: the best weights for the coded model are W / 2.
  moments_.cross = Matrix<double>(kInputs, kInputs);
  for (Index i = 0; i < kInputs; ++i) {
    for (Index j = 0; j < kInputs; ++j) moments_.cross(i, j) = moments_.second(i, j) / 2;
  }
  moments_.correction = 1;
  InputMoments uncorrected{.second = moments_.second.clone()};
  Matrix<float> half = w_.clone();
  for (Index i = 0; i < kInputs * kOutputs; ++i) half.data()[i] *= 0.5F;
  for (const Method method : kMethods) {
    const Encoding encoding = encode_matrix(request(method));
    const double error =
        std::sqrt(output_error(DenseRows(half.view()), *encoding.matrix, uncorrected, InputSide::cols));
    EXPECT_NEAR(error_of(encoding), error, 0.05) << to_string(method);
    EXPECT_LT(error, 0.6) << to_string(method);  // against W it is about 1
  }
}

TEST_F(OutputMethods, HaveTheSameBytesForAnyNumberOfThreads) {
  for (const Method method : kMethods) {
    const auto bytes = [&](int threads) {
      const test::ThreadCount scope(threads);
      return test::stored_bytes(*encode_matrix(request(method)).matrix);
    };
    const auto one = bytes(1);
    EXPECT_EQ(bytes(2), one) << to_string(method);
    EXPECT_EQ(bytes(8), one) << to_string(method);
  }
}

TEST_F(OutputMethods, CopeWithDeadInputs) {
  moments_.second = Matrix<double>(kInputs, kInputs);
  moments_.second(3, 3) = 1;
  for (const Method method : kMethods) EXPECT_TRUE(std::isfinite(error_of(encode_matrix(request(method)))));
}

TEST_F(OutputMethods, CodesWinBelowEightBits) {
  for (const Method method : kMethods) {
    for (const auto& offer : candidates(request(method))) {
      if (offer.point.bytes > kInputs * kOutputs) continue;
      double best = 1;
      for (const auto& code : candidates(request(Method::codes))) {
        if (code.point.bytes <= offer.point.bytes) best = std::min(best, code.point.error);
      }
      EXPECT_LT(best, offer.point.error) << to_string(method) << " at " << offer.point.bytes;
    }
  }
}

}  // namespace
}  // namespace loewner::output_methods_test
