// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/low_rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/structures.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/tolerance.hpp"

namespace loewner::low_rank_test {
namespace {

constexpr Index kRows = 120, kCols = 40, kRank = 7;

// Left and right factors, and their product with float64 sums.
struct Factors {
  Matrix<float> left = test::gaussian_matrix({.rows = kRows, .cols = kRank, .seed = 1});
  Matrix<float> right = test::gaussian_matrix({.rows = kRank, .cols = kCols, .seed = 2});
  Matrix<float> product = test::product(left.view(), right.view());

  LowRank encoded(NumberFormat format = NumberFormat::f32) const {
    return {std::make_shared<DenseRows>(left.view()), right.clone(), format};
  }
};

TEST(LowRank, DecodesToTheProductOfItsFactors) {
  const Factors f;
  const auto decoded = read_all(f.encoded());
  EXPECT_LE(test::frobenius_distance(decoded.view(), f.product.view()), test::rounding_tolerance(f.product.view()));
}

TEST(LowRank, DecodesSelectedRowsInAnyOrderAndTwice) {
  const Factors f;
  const std::array<Index, 5> indices = {119, 0, 63, 63, 7};
  Matrix<float> rows(5, kCols), expected(5, kCols);
  f.encoded().decode_rows(indices, rows.view());
  for (Index i = 0; i < 5; ++i) std::ranges::copy(f.product.row(indices[i]), expected.row(i).begin());
  EXPECT_LE(test::frobenius_distance(rows.view(), expected.view()), test::rounding_tolerance(f.product.view()));
}

TEST(LowRank, AppliesItsDecodedRows) {
  const Factors f;
  const auto x = test::gaussian_matrix({.rows = 9, .cols = kCols, .seed = 3});
  const LowRank encoded = f.encoded();
  Matrix<float> through_factors(9, kRows), through_rows(9, kRows);
  encoded.apply(x.view(), through_factors.view());
  encoded.EncodedMatrix::apply(x.view(), through_rows.view());  // the default: decode and multiply
  EXPECT_LE(test::frobenius_distance(through_factors.view(), through_rows.view()),
            test::rounding_tolerance(through_rows.view()));
}

class LowRankIn : public testing::TestWithParam<NumberFormat> {};

TEST_P(LowRankIn, RoundTrips) {
  const Factors f;
  const LowRank encoded = f.encoded(GetParam());
  const auto once = test::read_back(encoded);
  const auto twice = test::read_back(*once);
  EXPECT_EQ(once->spec(), encoded.spec());
  EXPECT_EQ(once->bytes(), LowRank::bytes_at_rank(kRows, kCols, kRank, GetParam()));
  const auto a = read_all(*once), b = read_all(*twice);
  EXPECT_TRUE(std::equal(a.data(), a.data() + kRows * kCols, b.data()));
}

TEST_P(LowRankIn, SpecifiesShapeRankAndFormat) {
  const Json spec = Factors().encoded(GetParam()).spec();
  const Json expected = {
      {"structure", "low_rank"}, {"rows", kRows}, {"cols", kCols}, {"rank", kRank}, {"format", to_string(GetParam())}};
  EXPECT_EQ(spec, expected);
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, LowRankIn,
                         testing::Values(NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16),
                         [](const auto& type) { return std::string(to_string(type.param)); });

TEST(LowRank, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto left = test::gaussian_matrix({.rows = 30000, .cols = 5, .seed = 4});
  const auto right = test::gaussian_matrix({.rows = 5, .cols = 33, .seed = 5});
  const auto x = test::gaussian_matrix({.rows = 3, .cols = 33, .seed = 6});
  const LowRank encoded(std::make_shared<DenseRows>(left.view()), right.clone(), NumberFormat::f32);
  const auto results = [&](int threads) { return test::results_with_threads(encoded, x.view(), threads); };
  const auto one = results(1);
  EXPECT_EQ(results(2), one);
  EXPECT_EQ(results(8), one);
}

TEST(LowRank, RejectsFactorsThatDoNotFit) {
  const auto left = test::gaussian_matrix({.rows = 4, .cols = 3, .seed = 1});
  const auto encode = [&](Index rank) {
    return LowRank(std::make_shared<DenseRows>(left.view().col_block(0, std::min<Index>(rank, 3))),
                   Matrix<float>(rank, 6), NumberFormat::f32);
  };
  EXPECT_NO_THROW((void)encode(3));
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encode(4); }), "got 3 and 4");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encode(0); }), "at least 1, got 0 and 0");
}

// The error about a specification with one changed field (null: removed).
std::string refusal(const std::string& field, const Json& value) {
  const Factors f;
  return test::refusal_of_field(f.encoded(), field, value);
}

TEST(LowRank, RejectsASpecificationWithoutOneField) {
  for (const char* field : {"structure", "rows", "cols", "rank", "format"}) {
    EXPECT_CONTAINS(refusal(field, nullptr), std::string("field '") + field + "'");
  }
}

TEST(LowRank, NamesWrongFields) {
  EXPECT_CONTAINS(refusal("rank", 0), "field 'rank' must be at least 1, got 0");
  EXPECT_CONTAINS(refusal("rank", -3), "field 'rank' must be a non-negative integer, got -3");
  EXPECT_CONTAINS(refusal("rank", 1e300), "field 'rank' must be a non-negative integer");
  EXPECT_CONTAINS(refusal("rows", std::uint64_t{1} << 63), "field 'rows' must be a non-negative integer");
  EXPECT_CONTAINS(refusal("format", "int8"), "format must be f32, f16 or bf16, got 'int8'");
  EXPECT_CONTAINS(refusal("format", 16), "field 'format' has the wrong type, got 16");
}

TEST(LowRank, RejectsArraysOfAnotherShape) {
  EXPECT_CONTAINS(refusal("rows", 121), "array 'left' must be 121 x 7, got 120 x 7");
  EXPECT_CONTAINS(refusal("cols", 41), "array 'right' must be 7 x 41, got 7 x 40");
  EXPECT_CONTAINS(refusal("rank", 6), "array 'left' must be 120 x 6, got 120 x 7");
}

TEST(LowRank, RejectsArraysOfAnotherFormat) {
  EXPECT_CONTAINS(refusal("format", "f16"), "array 'left' must be of type F16, got F32");
}

}  // namespace
}  // namespace loewner::low_rank_test
