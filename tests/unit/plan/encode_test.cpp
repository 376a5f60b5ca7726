// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/encode_requests.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

using test::EncodeMatrix;

TEST_F(EncodeMatrix, NamesTheSmallestSizeIfTheBudgetIsTooSmall) {
  const auto refusal = [&](Method method) {
    return test::message_of<BudgetError>([&] { (void)encode_matrix(within_bytes(kBytesOfOneRank - 1, method)); });
  };
  for (const Method method : {Method::svd, Method::lp}) {
    EXPECT_CONTAINS(refusal(method), "the budget leaves 1719 bytes for the factors, but rank 1 needs 1720");
  }
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(within_bytes(100, Method::automatic)); }),
                  "the budget leaves 100 bytes for the arrays, but the smallest encoding needs 1060");
  EXPECT_THROW((void)encode_matrix(within_bytes(-5)), BudgetError);
}

TEST_F(EncodeMatrix, RejectsNoneOrTwoBudgets) {
  EXPECT_THROW((void)encode_matrix(request()), InvalidArgument);
  auto both = within_error(0.5);
  both.max_bytes = 10 * kBytesOfOneRank;
  EXPECT_THROW((void)encode_matrix(both), InvalidArgument);
}

TEST_F(EncodeMatrix, CandidatesOfEveryMethodPredictTheErrorWithinTenPercent) {
  for (const Method method : all_methods()) {
    if (method == Method::automatic) continue;
    const auto offers = candidates(request(method));
    ASSERT_FALSE(offers.empty()) << to_string(method);
    for (std::size_t i = 0; i < offers.size(); i += offers.size() / 4 + 1) {
      const Encoding encoding = encode_matrix(within_bytes(offers[i].point.bytes, method));
      EXPECT_LE(encoding.matrix->bytes(), offers[i].point.bytes) << to_string(method);
      const double achieved = errors_of(*encoding.matrix).weighted_relative_error();
      EXPECT_LE(achieved, 1.1 * std::sqrt(offers[i].point.error)) << to_string(method) << " " << offers[i].point.bytes;
      // The encoding by subspaces is refined for exactly this size and may have a lower error. The
      // decoded rows of `dense` are not rounded yet.
      if (method != Method::subspaces && method != Method::dense) {
        EXPECT_GE(achieved, 0.9 * std::sqrt(offers[i].point.error))
            << to_string(method) << " " << offers[i].point.bytes;
      }
    }
  }
}

TEST_F(EncodeMatrix, CodesMeetTheMaximalErrorWithoutWastingBytes) {
  for (const Method method : {Method::codes, Method::coded_svd, Method::archetypes}) {
    const Encoding encoding = encode_matrix(within_error(0.1, method));
    EXPECT_LE(errors_of(*encoding.matrix).weighted_relative_error(), 0.1) << to_string(method);
    EXPECT_GT(errors_of(*encoding.matrix).weighted_relative_error(), 0.08) << to_string(method);
  }
}

TEST(EncodeByCodes, CodedSvdBeatsCodesOnADecayingSpectrumAndLosesOnAFlatOne) {
  const auto error_of = [](const Matrix<float>& a, Method method) {
    const auto rows = std::make_shared<DenseRows>(a.view());
    const Encoding encoding = encode_matrix({.matrix = rows,
                                             .row_weights = {},
                                             .source_bytes = 4 * a.rows() * a.cols(),
                                             .max_bytes = a.rows() * a.cols() / 4,
                                             .max_error = std::nullopt,
                                             .method = method,
                                             .method_options = {}});
    return approximation_errors(*rows, *encoding.matrix, {}, 2).relative_error();
  };
  const auto decaying = test::student_t_with_decay({.rows = 4000, .cols = 64, .seed = 1}, 5, 0.94);
  EXPECT_LT(error_of(decaying, Method::coded_svd), 0.7 * error_of(decaying, Method::codes));
  const auto flat = test::gaussian_matrix({.rows = 600, .cols = 64, .seed = 1});  // directions pay with more rows
  EXPECT_GT(error_of(flat, Method::coded_svd), error_of(flat, Method::codes));
}

}  // namespace
}  // namespace loewner
