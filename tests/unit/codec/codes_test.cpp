// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/codes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::codes_test {
namespace {

constexpr Index kRows = 300, kCols = 48;

class CodesOf : public testing::Test {
 protected:
  static std::vector<double> falling_weights() {
    std::vector<double> weights(kRows);
    for (Index i = 0; i < kRows; ++i) weights[i] = 1.0 / static_cast<double>(i + 10);
    return weights;
  }
  std::unique_ptr<Codes> encode(Index bytes) const {
    return encode_codes(DenseRows(a_.view()), {.row_weights = weights_, .max_bytes = bytes, .seed = 3});
  }
  double error_of(const RowSource& b) const {
    return approximation_errors(DenseRows(a_.view()), b, weights_, 2).weighted_relative_error();
  }

  Matrix<float> a_ = test::student_t_with_decay({.rows = kRows, .cols = kCols, .seed = 1}, 5, 0.97);
  std::vector<double> weights_ = falling_weights();
};

TEST_F(CodesOf, StaysWithinTheBytesAndUsesThem) {
  for (const Index bytes : {1500, 3000, 6000, 12000}) {
    const Index taken = encode(bytes)->bytes();
    EXPECT_LE(taken, bytes);
    EXPECT_GT(taken, std::min<Index>(bytes, 11'000) - kCols / 8 - 2 * kCols);  // all but the bytes of the shared row
  }
}

// A factor of 2^k changes scale_exponent and nothing else; sums over a rotated row of entries near 2^125 leave float32.
TEST_F(CodesOf, HaveTheSameArraysForAnyScaleOfTheMatrix) {
  const auto reference = encode(6000);
  for (const int exponent : {-110, -60, 60, 121}) {
    Matrix<float> scaled = a_.clone();
    for (Index i = 0; i < kRows * kCols; ++i) scaled.data()[i] = std::ldexp(a_.data()[i], exponent);
    const auto codes = encode_codes(DenseRows(scaled.view()), {.row_weights = weights_, .max_bytes = 6000, .seed = 3});

    EXPECT_EQ(codes->spec()["scale_exponent"].get<int>(), reference->spec()["scale_exponent"].get<int>() + exponent);
    const Matrix<float> decoded = read_all(*codes), expected = read_all(*reference);
    for (Index i = 0; i < kRows * kCols; ++i) ASSERT_EQ(decoded.data()[i], std::ldexp(expected.data()[i], exponent));
  }
}

TEST_F(CodesOf, CurvePredictsTheErrorWithinTenPercent) {
  for (const auto& rate : codes_curve(row_energies(DenseRows(a_.view()), weights_), CodeLadder::plain(kCols), 12)) {
    const auto codes = encode(rate.bytes);
    EXPECT_LE(codes->bytes(), rate.bytes);
    EXPECT_NEAR(error_of(*codes) / std::sqrt(rate.error), 1, 0.1) << rate.bytes;
  }
}

TEST_F(CodesOf, RejectsALadderWithOtherColumns) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] {
                    (void)encode_codes(DenseRows(a_.view()), {.max_bytes = 3000, .ladder = CodeLadder::plain(7)});
                  }),
                  "the ladder must have 48 columns, got 7");
}

TEST_F(CodesOf, RowsWithMoreWeightGetMoreBits) {
  const double weighted = error_of(*encode(3000));
  weights_.assign(kRows, 1.0);
  const auto plain = encode(3000);
  weights_ = falling_weights();
  EXPECT_LT(weighted, 0.9 * error_of(*plain));
}

TEST_F(CodesOf, RoundTripsAndDecodesRowsInAnyOrder) {
  const auto codes = encode(3000);
  const auto again = test::read_back(*codes);
  const Matrix<float> all = read_all(*codes), same = read_all(*again);
  const std::vector<Index> rows = {299, 0, 150, 150, 31, 32, 33};
  Matrix<float> picked(static_cast<Index>(rows.size()), kCols);
  again->decode_rows(rows, picked.view());
  for (Index i = 0; i < kRows; ++i) EXPECT_TRUE(std::ranges::equal(all.row(i), same.row(i)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(picked.row(static_cast<Index>(i)), all.row(rows[i]))) << rows[i];
  }
}

TEST_F(CodesOf, GivesTheSameBytesForAnyNumberOfThreads) {
  const auto bytes_of = [&](int threads) {
    const test::ThreadCount scope(threads);
    return test::stored_bytes(*encode(3000));
  };
  const auto one = bytes_of(1);
  EXPECT_EQ(bytes_of(2), one);
  EXPECT_EQ(bytes_of(8), one);
}

TEST_F(CodesOf, EncodesZeroEqualAndHugeRows) {
  for (Index j = 0; j < kCols; ++j) {
    a_(0, j) = 0;
    a_(1, j) = 1e30F;
    a_(2, j) = 1e-30F;
    a_(3, j) = a_(4, j);
  }
  const auto b = read_all(*encode(6000));
  for (Index j = 0; j < kCols; ++j) {
    EXPECT_EQ(b(0, j), 0);
    EXPECT_NEAR(b(1, j) / 1e30, 1, 0.2);
  }
  const Matrix<float> zero(4, 3);
  const auto codes = encode_codes(DenseRows(zero.view()), {.max_bytes = 100});
  const auto decoded = read_all(*codes);
  EXPECT_EQ(test::frobenius_norm(decoded.view()), 0);
}

TEST_F(CodesOf, EncodesOneColumnAndTwoRows) {
  const auto column = test::gaussian_matrix({.rows = 50, .cols = 1, .seed = 2});
  EXPECT_NO_THROW((void)read_all(*encode_codes(DenseRows(column.view()), {.max_bytes = 300})));
  const auto pair = test::gaussian_matrix({.rows = 2, .cols = 384, .seed = 2});
  const auto codes = encode_codes(DenseRows(pair.view()), {.max_bytes = 5000});
  EXPECT_LT(approximation_errors(DenseRows(pair.view()), *codes, {}, 2).relative_error(), 0.03);
}

TEST_F(CodesOf, NamesTheSmallestSizeIfTheBudgetIsTooSmall) {
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode(10); }), "codes take at least 846 bytes");
}

TEST_F(CodesOf, RejectsNonFiniteEntries) {
  a_(7, 5) = std::nanf("");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encode(3000); }), "row 7, column 5");
}

}  // namespace
}  // namespace loewner::codes_test
