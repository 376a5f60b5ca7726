// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "loewner/base/error.hpp"
#include "support/encode_requests.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

using test::EncodeMatrix;

TEST_F(EncodeMatrix, ChoosesTheLargestRankWithinTheBytes) {
  EXPECT_EQ(*encode_matrix(within_bytes(10 * kBytesOfOneRank)).rank, 10);
  EXPECT_EQ(*encode_matrix(within_bytes(10 * kBytesOfOneRank - 1)).rank, 9);
  for (const Method method : {Method::svd, Method::lp}) {
    const Encoding encoding = encode_matrix(within_bytes(10 * kBytesOfOneRank, method));
    EXPECT_EQ(encoding.matrix->bytes(), 10 * kBytesOfOneRank);
  }
}

TEST_F(EncodeMatrix, DoublesTheRankForHalfPrecisionFactors) {
  auto r = within_bytes(10 * kBytesOfOneRank);
  r.factor_format = NumberFormat::f16;
  EXPECT_EQ(*encode_matrix(r).rank, 20);
}

TEST_F(EncodeMatrix, MeetsTheErrorAndOneRankLessDoesNot) {
  for (const Method method : {Method::svd, Method::lp}) {
    for (const double p : {1.5, 2.0}) {
      auto r = within_error(0.3, method);
      r.norm_exponent = p;
      const Encoding encoding = encode_matrix(r);
      EXPECT_LE(errors_of(*encoding.matrix).weighted_relative_error(), 0.3);
      auto fewer = within_bytes((*encoding.rank - 1) * kBytesOfOneRank, method);
      fewer.norm_exponent = p;
      EXPECT_GT(errors_of(*encode_matrix(fewer).matrix).weighted_relative_error(), 0.3);
    }
  }
}

TEST_F(EncodeMatrix, PredictsTheErrorOfUnroundedFactors) {
  for (const Method method : {Method::svd, Method::lp}) {
    const Encoding encoding = encode_matrix(within_bytes(10 * kBytesOfOneRank, method));
    EXPECT_NEAR(encoding.predicted_error, errors_of(*encoding.matrix).weighted_relative_error(), 1e-5);
  }
}

TEST_F(EncodeMatrix, WeightedSvdHasALowerWeightedErrorThanPlainSvd) {
  const double weighted =
      errors_of(*encode_matrix(within_bytes(10 * kBytesOfOneRank)).matrix).weighted_relative_error();
  auto r = within_bytes(10 * kBytesOfOneRank);
  r.row_weights = {};
  EXPECT_LT(weighted, errors_of(*encode_matrix(r).matrix).weighted_relative_error());
}

TEST_F(EncodeMatrix, LpReportsTheLpErrorOfTheSvdOfTheSameRank) {
  for (const Index rank : {8, 22}) {  // computed from the kept directions, or from the fewer omitted ones
    auto r = within_bytes(rank * kBytesOfOneRank, Method::lp);
    r.norm_exponent = 1.2;
    const double claimed = encode_matrix(r).lp_error_svd.value();
    r.method = Method::svd;
    const double measured = errors_of(*encode_matrix(r).matrix, 1.2).relative_lp_error();
    EXPECT_NEAR(claimed, measured, 1e-6 * measured) << rank;
  }
}

TEST_F(EncodeMatrix, RejectsFactorsThatAreNotSmallerThanTheMatrixInTheirFormat) {
  auto r = within_bytes(40 * kBytesOfOneRank / 2);  // more than full rank
  r.factor_format = NumberFormat::f16;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(r); }),
                  "rank 30 takes 25800 bytes, but the dense matrix takes 24000");
}

TEST_F(EncodeMatrix, RejectsAnErrorThatNeedsMoreBytesThanTheDenseMatrix) {
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(within_error(1e-5)); }),
                  "but the dense matrix takes 48000");
}

TEST_F(EncodeMatrix, EncodesAZeroMatrixWithoutError) {
  const Matrix<float> zero(kRows, kCols);
  auto r = within_bytes(10 * kBytesOfOneRank);
  r.matrix = std::make_shared<DenseRows>(zero.view());
  const Encoding encoding = encode_matrix(r);
  EXPECT_EQ(encoding.predicted_error, 0);
  const auto decoded = read_all(*encoding.matrix);
  EXPECT_EQ(test::frobenius_norm(decoded.view()), 0);
}

}  // namespace
}  // namespace loewner
