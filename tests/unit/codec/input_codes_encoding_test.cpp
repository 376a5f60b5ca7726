// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes_encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/linalg/gram.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::input_codes_encoding_test {
namespace {

constexpr Index kInputs = 96, kOutputs = 64;

double distance(const Matrix<float>& a, const Matrix<float>& b) {
  return test::frobenius_distance(a.view(), b.view());
}

// The mean of x x^T over the rows of x.
InputMoments moments_of(const Matrix<float>& x) {
  InputMoments moments{.second = gram(DenseRows(x.view())), .tokens = x.rows()};
  for (Index i = 0; i < x.cols(); ++i) {
    for (Index j = 0; j < x.cols(); ++j) moments.second(i, j) /= static_cast<double>(x.rows());
  }
  return moments;
}

// Inputs with a mean, correlations and decreasing variances.
Matrix<float> correlated_inputs(Index tokens, std::uint64_t seed) {
  auto x = test::matrix_with_spectrum({.rows = tokens, .cols = kInputs, .seed = seed},
                                      test::exponential_decay(kInputs, 0.93));
  for (Index i = 0; i < tokens; ++i) {
    for (Index j = 0; j < kInputs; ++j) {
      x(i, j) = 10 * x(i, j) * (j % 3 == 0 ? 3.0F : 1.0F) + 0.05F * static_cast<float>(j % 7);
    }
  }
  return x;
}

// tr(E A E^T)
double trace_of(const Matrix<float>& w, const Matrix<float>& what, const Matrix<double>& a) {
  double sum = 0;
  for (Index o = 0; o < w.rows(); ++o) {
    for (Index i = 0; i < w.cols(); ++i) {
      const double e = static_cast<double>(w(o, i)) - static_cast<double>(what(o, i));
      for (Index j = 0; j < w.cols(); ++j) {
        sum += e * a(i, j) * (static_cast<double>(w(o, j)) - static_cast<double>(what(o, j)));
      }
    }
  }
  return sum;
}

Matrix<double> damped(const Matrix<double>& a, double relative) {
  Matrix<double> result = a.clone();
  double mean = 0;
  for (Index i = 0; i < a.rows(); ++i) mean += a(i, i) / static_cast<double>(a.rows());
  for (Index i = 0; i < a.rows(); ++i) result(i, i) += relative * mean;
  return result;
}

class InputCodesOfALayer : public testing::Test {
 protected:
  FeedbackCodes encode(Index bytes, const InputMoments& moments, std::optional<std::uint64_t> rotation = 5) const {
    return encode_input_codes(DenseRows(w_.view()), InputBasis(moments, {.rotation_seed = rotation}),
                              {.max_bytes = bytes, .seed = 3});
  }
  double error_of(const RowSource& what) const {
    return output_error(DenseRows(w_.view()), what, moments_, InputSide::cols);
  }
  // Plain codes of W^T, the same structure without knowledge of the inputs.
  double blind_error(Index bytes) const {
    InputMoments none{.second = Matrix<double>(kInputs, kInputs)};
    for (Index i = 0; i < kInputs; ++i) none.second(i, i) = 1;
    return error_of(*encode(bytes, none).matrix);
  }
  static Index bytes_at(double bits) { return static_cast<Index>(bits * kInputs * kOutputs / 8) + 3 * kInputs; }

  Matrix<float> w_ = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 1});
  Matrix<float> x_ = correlated_inputs(400, 2);
  InputMoments moments_ = moments_of(x_);
};

// The identity that the method rests on. What is fed back is what is stored, to float32 rounding.
TEST_F(InputCodesOfALayer, ErrorIsTheSumOverThePivots) {
  for (const double bits : {0.5, 2.0, 4.0}) {
    const auto codes = encode(bytes_at(bits), moments_);
    const double error = trace_of(w_, codes.matrix->decode(), damped(moments_.second, kInputDamping));
    EXPECT_NEAR(codes.error / error, 1, 1e-4) << bits;
  }
}

// Rotations add and subtract entries, and scales are squared: neither may leave float32.
TEST_F(InputCodesOfALayer, ScaledByAPowerOfTwoHasTheSameCodes) {
  const auto codes = encode(bytes_at(2), moments_);
  const Matrix<float> decoded = codes.matrix->decode();
  for (const auto& [of_weights, of_moments] :
       {std::pair{110, 0}, {124, 0}, {-110, 0}, {70, 66}, {-70, -66}, {0, 300}, {0, -300}}) {
    SCOPED_TRACE(of_weights);
    Matrix<float> w = w_.clone();
    for (Index i = 0; i < kOutputs * kInputs; ++i) w.data()[i] = std::ldexp(w.data()[i], of_weights);
    InputMoments moments{.second = moments_.second.clone(), .tokens = moments_.tokens};
    for (Index i = 0; i < kInputs * kInputs; ++i)
      moments.second.data()[i] = std::ldexp(moments.second.data()[i], of_moments);
    const auto scaled = encode_input_codes(DenseRows(w.view()), InputBasis(moments, {.rotation_seed = 5}),
                                           {.max_bytes = bytes_at(2), .seed = 3});
    EXPECT_EQ(std::ldexp(scaled.error, -2 * of_weights - of_moments), codes.error);
    const Matrix<float> scaled_decoded = scaled.matrix->decode();
    for (Index i = 0; i < kOutputs * kInputs; ++i) {
      ASSERT_EQ(std::ldexp(scaled_decoded.data()[i], -of_weights), decoded.data()[i]) << i;
    }
  }
}

TEST_F(InputCodesOfALayer, OutputErrorIsTheRelativeTrace) {
  const auto codes = encode(bytes_at(2), moments_);
  const Matrix<float> decoded = codes.matrix->decode(), zero(kOutputs, kInputs);
  const double expected = trace_of(w_, decoded, moments_.second) / trace_of(w_, zero, moments_.second);
  EXPECT_NEAR(error_of(*codes.matrix) / expected, 1, 1e-10);
  EXPECT_EQ(error_of(DenseRows(w_.view())), 0);
}

// Without correlations there is nothing to feed back: the same planes and bits as plain codes of
// W^T whose rows are weighted by the diagonal.
TEST_F(InputCodesOfALayer, WithDiagonalMomentsIsPlainCodingOfTheTranspose) {
  InputMoments diagonal{.second = Matrix<double>(kInputs, kInputs)};
  std::vector<double> weights(kInputs);
  Matrix<float> by_input(kInputs, kOutputs);
  for (Index i = 0; i < kInputs; ++i) {
    weights[i] = diagonal.second(i, i) = std::ldexp(1.0, static_cast<int>(2 * (i * 37 % 5)));
    for (Index o = 0; o < kOutputs; ++o) by_input(i, o) = w_(o, i);
  }
  const InputBasis basis(diagonal, {.damping = 0});
  constexpr Index kSharedRow = 2 * kOutputs;  // plain codes leave room for it
  const Index bytes = bytes_at(4);
  const auto codes = encode_input_codes(DenseRows(w_.view()), basis, {.max_bytes = bytes, .seed = 3});
  const auto plain =
      encode_codes(DenseRows(by_input.view()), {.row_weights = weights, .max_bytes = bytes + kSharedRow, .seed = 3});
  ASSERT_FALSE(plain->spec()["has_shared"].get<bool>());
  EXPECT_EQ(distance(read_all(codes.matrix->codes()), read_all(*plain)), 0);
}

TEST_F(InputCodesOfALayer, BeatsBlindCodesAndOtherMomentsDoNot) {
  InputMoments reversed{.second = Matrix<double>(kInputs, kInputs)};
  for (Index i = 0; i < kInputs; ++i) {
    for (Index j = 0; j < kInputs; ++j) reversed.second(i, j) = moments_.second(kInputs - 1 - i, kInputs - 1 - j);
  }
  for (const double bits : {2.0, 3.0}) {
    const double blind = blind_error(bytes_at(bits));
    EXPECT_LT(error_of(*encode(bytes_at(bits), moments_).matrix), 0.3 * blind) << bits;
    EXPECT_GT(error_of(*encode(bytes_at(bits), reversed).matrix), blind) << bits;
  }
}

TEST_F(InputCodesOfALayer, StaysWithinTheBytesAndUsesThem) {
  for (const double bits : {0.3, 1.0, 3.0, 9.0}) {
    const auto codes = encode(bytes_at(bits), moments_);
    EXPECT_LE(codes.matrix->bytes(), bytes_at(bits));
    EXPECT_GT(codes.matrix->bytes(), std::min(bytes_at(bits), bytes_at(8) - kInputs) - kOutputs / 8) << bits;
  }
}

TEST_F(InputCodesOfALayer, NamesTheSmallestSizeIfTheBudgetIsTooSmall) {
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode(10, moments_); }),
                  "input codes take at least 240 bytes, the budget leaves 10");
}

TEST_F(InputCodesOfALayer, GivesTheSameBytesForAnyNumberOfThreads) {
  moments_.cross = damped(moments_.second, 0.3);
  moments_.correction = 0.5;
  const auto bytes_of = [&](int threads) {
    const test::ThreadCount scope(threads);
    return test::stored_bytes(*encode(bytes_at(2), moments_).matrix);
  };
  const auto one = bytes_of(1);
  EXPECT_EQ(bytes_of(2), one);
  EXPECT_EQ(bytes_of(8), one);
}

TEST_F(InputCodesOfALayer, EncodesInputsOnRowsAsOnColumns) {
  Matrix<float> by_input(kInputs, kOutputs);
  for (Index i = 0; i < kInputs; ++i) {
    for (Index o = 0; o < kOutputs; ++o) by_input(i, o) = w_(o, i);
  }
  const auto rows = encode_input_codes(DenseRows(by_input.view()), InputBasis(moments_, {.rotation_seed = 5}),
                                       {.inputs = InputSide::rows, .max_bytes = bytes_at(2), .seed = 3});
  EXPECT_EQ(test::stored_bytes(*rows.matrix), test::stored_bytes(*encode(bytes_at(2), moments_).matrix));
  EXPECT_NEAR(output_error(DenseRows(by_input.view()), *rows.matrix, moments_, InputSide::rows) /
                  error_of(*encode(bytes_at(2), moments_).matrix),
              1, 1e-12);
}

// At many bits the encoding is the matrix that maps the inputs of the partly coded model to the
// outputs of the original one: W C H^-1, halfway for alpha = 1/2.
TEST_F(InputCodesOfALayer, CorrectionMovesTheTargetTowardsTheBestMatrixForTheInputsOfTheCodedModel) {
  // xhat = 2 x: C = E x xhat^T = 2 H_x and H = 4 H_x, so W* = W / 2.
  InputMoments drifted{.second = Matrix<double>(kInputs, kInputs), .cross = Matrix<double>(kInputs, kInputs)};
  for (Index i = 0; i < kInputs; ++i) {
    for (Index j = 0; j < kInputs; ++j) {
      drifted.second(i, j) = 4 * moments_.second(i, j);
      drifted.cross(i, j) = 2 * moments_.second(i, j);
    }
  }
  for (const double correction : {0.0, 0.5, 1.0}) {
    drifted.correction = correction;
    Matrix<float> target = w_.clone();
    const auto scale = static_cast<float>(1 - correction / 2);
    for (Index i = 0; i < kOutputs * kInputs; ++i) target.data()[i] *= scale;
    const InputBasis basis(drifted, {.damping = 1e-12, .rotation_seed = 5});
    const auto codes = encode_input_codes(DenseRows(w_.view()), basis, {.max_bytes = bytes_at(9), .seed = 3});
    EXPECT_LT(output_error(DenseRows(target.view()), *codes.matrix, moments_, InputSide::cols), 1e-4) << correction;
  }
}

TEST_F(InputCodesOfALayer, EncodesDegenerateInputs) {
  const auto finite_and_better_than_zero = [&](const InputMoments& moments, const char* what) {
    const auto codes = encode(bytes_at(2), moments);
    const double error = output_error(DenseRows(w_.view()), *codes.matrix, moments, InputSide::cols);
    EXPECT_LT(error, 0.5) << what;
  };
  Matrix<float> few(3, kInputs), constant = x_.clone(), dead = x_.clone(), equal = x_.clone();
  for (Index i = 0; i < 3; ++i) std::ranges::copy(x_.row(i), few.row(i).begin());
  for (Index i = 0; i < x_.rows(); ++i) {
    std::ranges::fill(constant.row(i), 1.0F);
    std::ranges::fill(dead.row(i).subspan(10, 20), 0.0F);
    equal(i, 7) = 1000 * equal(i, 8);
  }
  finite_and_better_than_zero(moments_of(few), "fewer tokens than inputs");
  finite_and_better_than_zero(moments_of(constant), "constant inputs");
  finite_and_better_than_zero(moments_of(dead), "dead inputs");
  finite_and_better_than_zero(moments_of(equal), "proportional inputs");
  const InputMoments zero{.second = Matrix<double>(kInputs, kInputs)};
  EXPECT_LT(error_of(*encode(bytes_at(4), zero).matrix), 0.05);
}

TEST_F(InputCodesOfALayer, EncodesOneOutputZerosAndLargeWeights) {
  w_ = test::gaussian_matrix({.rows = 1, .cols = kInputs, .seed = 4});
  EXPECT_LT(error_of(*encode(1000, moments_).matrix), 0.1);
  w_ = Matrix<float>(kOutputs, kInputs);
  EXPECT_EQ(distance(encode(bytes_at(2), moments_).matrix->decode(), w_), 0);
  w_ = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 1});
  for (Index i = 0; i < kOutputs * kInputs; ++i) w_.data()[i] *= 1e30F;
  EXPECT_LT(error_of(*encode(bytes_at(4), moments_).matrix), 0.05);
}

TEST_F(InputCodesOfALayer, RejectsBadMomentsAndMatrices) {
  const auto refusal = [&](auto&& spoil) {
    InputMoments bad{.second = moments_.second.clone()};
    spoil(bad);
    return test::message_of<InvalidArgument>([&] { (void)encode(bytes_at(2), bad); });
  };
  EXPECT_CONTAINS(refusal([](auto& m) { m.second = Matrix<double>(kInputs, 3); }), "must be 96 x 96, got 96 x 3");
  EXPECT_CONTAINS(refusal([](auto& m) { m.second = Matrix<double>(3, 3); }), "must have 3 inputs, got 96");
  EXPECT_CONTAINS(refusal([](auto& m) { m.second(4, 5) = std::nan(""); }),
                  "second moments have a non-finite value at row 4, column 5");
  EXPECT_CONTAINS(refusal([](auto& m) { m.second(4, 5) += 1; }), "must be symmetric");
  EXPECT_CONTAINS(refusal([](auto& m) { m.second(4, 4) *= -1; }), "positive semidefinite");
  EXPECT_CONTAINS(refusal([](auto& m) { m.correction = 1.5; }), "correction must be in [0, 1], got 1.5");
  EXPECT_CONTAINS(refusal([](auto& m) {
                    m.cross = Matrix<double>(2, 2);
                    m.correction = 0.5;
                  }),
                  "cross moments must be 96 x 96, got 2 x 2");
  w_(3, 4) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encode(bytes_at(2), moments_); }), "row 3, column 4");
}

}  // namespace
}  // namespace loewner::input_codes_encoding_test
