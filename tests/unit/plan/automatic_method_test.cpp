// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loewner/norms/lp_error.hpp"
#include "support/encode_requests.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

using test::EncodeMatrix;

// With nearly all energy in a few directions, factors beat all other methods, so automatic compares
// svd and lp.
TEST_F(EncodeMatrix, AutomaticReturnsTheLowerLpErrorOfSvdAndLp) {
  a_ = test::low_rank_plus_entry_outliers({.rows = kRows, .cols = kCols, .seed = 1}, 8, 0.002, 0, 0);
  matrix_ = std::make_shared<DenseRows>(a_.view());
  auto r = within_bytes(8 * kBytesOfOneRank);
  r.norm_exponent = 1.2;
  const auto error_of = [&](Method method) {
    r.method = method;
    return errors_of(*encode_matrix(r).matrix, r.norm_exponent).relative_lp_error();
  };
  const double svd = error_of(Method::svd), lp = error_of(Method::lp);
  EXPECT_NE(svd, lp);  // otherwise the next line would test nothing
  EXPECT_EQ(error_of(Method::automatic), std::min(svd, lp));
}

TEST_F(EncodeMatrix, AutomaticChoosesDenseIfHalvesFitIntoTheBudget) {
  auto r = within_bytes(kRows * kCols * 2, Method::automatic);
  r.factor_format = NumberFormat::f16;
  const Encoding encoding = encode_matrix(r);
  EXPECT_EQ(encoding.method, Method::dense);
  EXPECT_FALSE(encoding.rank.has_value());
  EXPECT_LE(errors_of(*encoding.matrix).weighted_relative_error(), 0x1p-11);
  r.max_bytes = kRows * kCols * 2 - 1;
  EXPECT_NE(encode_matrix(r).method, Method::dense);
}

TEST_F(EncodeMatrix, AutomaticDoesNotChooseDenseForAMatrixOfHalves) {
  auto r = within_bytes(kRows * kCols * 2, Method::automatic);
  r.factor_format = NumberFormat::f16;
  r.source_bytes = kRows * kCols * 2;
  EXPECT_NE(encode_matrix(r).method, Method::dense);
}

TEST_F(EncodeMatrix, AutomaticIsNotWorseThanPlainFormatsOfTheSameSize) {
  for (const Method plain : {Method::int4, Method::int8, Method::dense}) {
    const Encoding other = encode_matrix(within_bytes(kRows * kCols * 4 - 1, plain));
    const Encoding best = encode_matrix(within_bytes(other.matrix->bytes(), Method::automatic));
    EXPECT_LE(best.matrix->bytes(), other.matrix->bytes());
    EXPECT_LE(errors_of(*best.matrix).weighted_relative_error(),
              1.02 * errors_of(*other.matrix).weighted_relative_error());
  }
}

TEST_F(EncodeMatrix, AutomaticGivesTheSameBitsForAnyNumberOfThreads) {
  const auto decoded = [&](int threads) {
    const test::ThreadCount scope(threads);
    auto r = within_bytes(8 * kBytesOfOneRank, Method::automatic);
    r.norm_exponent = 1.5;
    const auto b = read_all(*encode_matrix(r).matrix);
    return std::vector<float>(b.data(), b.data() + kRows * kCols);
  };
  const auto one = decoded(1);
  EXPECT_EQ(decoded(2), one);
  EXPECT_EQ(decoded(8), one);
}

// A matrix that automatic plans from a sample of its rows, and the exact candidates of the single
// methods.
class SampledPlan : public testing::Test {
 protected:
  static constexpr Index kMany = 2400, kWide = 1100;

  SampledPlan() {
    for (Index i = 0; i < kMany; ++i) {
      for (Index j = 0; j < kWide; ++j) a_(i, j) /= static_cast<float>(std::sqrt(1 + j));
      weights_.push_back(1 / std::sqrt(static_cast<double>(i + 1)));
    }
    request_.matrix = std::make_shared<DenseRows>(a_.view());
    request_.row_weights = weights_;
    request_.source_bytes = kMany * kWide * 4;
  }
  std::vector<Candidate> offers(Method method) const {
    EncodeRequest request = request_;
    request.method = method;
    return candidates(request);
  }

  Matrix<float> a_ = test::gaussian_matrix({.rows = kMany, .cols = kWide, .seed = 5});
  std::vector<double> weights_;
  EncodeRequest request_;
};

TEST_F(SampledPlan, PredictedErrorsAreCloseToThoseFromAllRows) {
  ASSERT_TRUE(is_planned_from_sample(Method::automatic, kMany, kWide));
  const auto sampled = offers(Method::automatic);
  for (const Method method : {Method::svd, Method::codes, Method::int8, Method::int4, Method::dense}) {
    ASSERT_FALSE(is_planned_from_sample(method, kMany, kWide));
    const auto exact = offers(method);
    ASSERT_FALSE(exact.empty());
    std::size_t compared = 0;
    for (const auto& offer : sampled) {
      if (offer.method != method) continue;
      const auto& truth = exact.at(compared++);
      EXPECT_EQ(offer.point.bytes, truth.point.bytes);
      // Singular values beyond the rank of the sample are extrapolated by a power law.
      const double tolerance = method != Method::svd ? 0.03 : *offer.rank <= kWide / 2 ? 0.15 : 0.25;
      EXPECT_NEAR(std::sqrt(offer.point.error / truth.point.error), 1, tolerance) << to_string(method) << compared;
    }
    EXPECT_EQ(compared, exact.size());
  }
}

TEST_F(SampledPlan, TheChosenMethodEncodesAllRows) {
  request_.max_bytes = request_.source_bytes / 10;
  const Encoding encoding = encode_matrix(request_);
  EXPECT_LE(encoding.matrix->bytes(), *request_.max_bytes);
  const double error = approximation_errors(*request_.matrix, *encoding.matrix, weights_, 2).weighted_relative_error();
  EXPECT_NEAR(encoding.predicted_error, error, 0.1 * error);
}

}  // namespace
}  // namespace loewner
