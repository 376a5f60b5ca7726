// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/codec/low_rank.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

constexpr Index kRows = 400, kCols = 30;

class EncodeMatrix : public testing::Test {
 protected:
  EncodeRequest request(Method method = Method::svd) const {
    EncodeRequest request;
    request.matrix = matrix_;
    request.row_weights = weights_;
    request.source_bytes = kRows * kCols * 4;
    request.method = method;
    return request;
  }
  EncodeRequest within_bytes(Index bytes, Method method = Method::svd) const {
    EncodeRequest r = request(method);
    r.max_bytes = bytes;
    return r;
  }
  EncodeRequest within_error(double error, Method method = Method::svd) const {
    EncodeRequest r = request(method);
    r.max_error = error;
    return r;
  }
  ApproximationErrors errors_of(const RowSource& approximation, double p = 2) const {
    return approximation_errors(*matrix_, approximation, weights_, p);
  }
  static std::vector<double> falling_weights() {
    std::vector<double> weights(kRows);
    for (Index i = 0; i < kRows; ++i) weights[i] = 1.0 / static_cast<double>(i + 10);
    return weights;
  }

  Matrix<float> a_ = test::low_rank_plus_entry_outliers({.rows = kRows, .cols = kCols, .seed = 1}, 8, 0.1, 0.01, 10);
  std::shared_ptr<const RowSource> matrix_ = std::make_shared<DenseRows>(a_.view());
  std::vector<double> weights_ = falling_weights();
};

constexpr Index kBytesOfOneRank = (kRows + kCols) * 4;

TEST_F(EncodeMatrix, TakesTheLargestRankWithinTheBytes) {
  EXPECT_EQ(*encode_matrix(within_bytes(10 * kBytesOfOneRank)).rank, 10);
  EXPECT_EQ(*encode_matrix(within_bytes(10 * kBytesOfOneRank - 1)).rank, 9);
  for (const Method method : {Method::svd, Method::lp}) {
    const Encoding encoding = encode_matrix(within_bytes(10 * kBytesOfOneRank, method));
    EXPECT_EQ(encoding.matrix->bytes(), 10 * kBytesOfOneRank);
  }
}

TEST_F(EncodeMatrix, HalfPrecisionFactorsHaveTwiceTheRank) {
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

TEST_F(EncodeMatrix, TheWeightedSvdBeatsThePlainOneOnTheWeightedError) {
  const double weighted =
      errors_of(*encode_matrix(within_bytes(10 * kBytesOfOneRank)).matrix).weighted_relative_error();
  auto r = within_bytes(10 * kBytesOfOneRank);
  r.row_weights = {};
  EXPECT_LT(weighted, errors_of(*encode_matrix(r).matrix).weighted_relative_error());
}

// Where a few directions hold nearly all, factors beat every other way, and svd and lp are weighed.
TEST_F(EncodeMatrix, AutomaticKeepsTheLowerLpError) {
  a_ = test::low_rank_plus_entry_outliers({.rows = kRows, .cols = kCols, .seed = 1}, 8, 0.002, 0, 0);
  matrix_ = std::make_shared<DenseRows>(a_.view());
  auto r = within_bytes(8 * kBytesOfOneRank);
  r.norm_exponent = 1.2;
  const auto error_of = [&](Method method) {
    r.method = method;
    return errors_of(*encode_matrix(r).matrix, r.norm_exponent).relative_lp_error();
  };
  const double svd = error_of(Method::svd), lp = error_of(Method::lp);
  EXPECT_NE(svd, lp);  // else the next line claims nothing
  EXPECT_EQ(error_of(Method::automatic), std::min(svd, lp));
}

TEST_F(EncodeMatrix, ReportsTheSvdErrorBesideItsOwn) {
  for (const Index rank : {8, 22}) {  // by the directions of the SVD, and by the fewer others
    auto r = within_bytes(rank * kBytesOfOneRank, Method::lp);
    r.norm_exponent = 1.2;
    const double claimed = encode_matrix(r).lp_error_svd.value();
    r.method = Method::svd;
    const double measured = errors_of(*encode_matrix(r).matrix, 1.2).relative_lp_error();
    EXPECT_NEAR(claimed, measured, 1e-6 * measured) << rank;
  }
}

TEST_F(EncodeMatrix, AutomaticTakesDenseWhereTheFormatAloneIsSmallEnough) {
  auto r = within_bytes(kRows * kCols * 2, Method::automatic);
  r.factor_format = NumberFormat::f16;
  const Encoding encoding = encode_matrix(r);
  EXPECT_EQ(encoding.method, Method::dense);
  EXPECT_FALSE(encoding.rank.has_value());
  EXPECT_LE(errors_of(*encoding.matrix).weighted_relative_error(), 0x1p-11);
  r.max_bytes = kRows * kCols * 2 - 1;
  EXPECT_NE(encode_matrix(r).method, Method::dense);
}

TEST_F(EncodeMatrix, DenseHalvesSaveNothingOnAMatrixOfHalves) {
  auto r = within_bytes(kRows * kCols * 2, Method::automatic);
  r.factor_format = NumberFormat::f16;
  r.source_bytes = kRows * kCols * 2;
  EXPECT_NE(encode_matrix(r).method, Method::dense);
}

TEST_F(EncodeMatrix, FactorsThatAreNotSmallerThanHalvesAreRefused) {
  auto r = within_bytes(40 * kBytesOfOneRank / 2);  // more than full rank
  r.factor_format = NumberFormat::f16;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(r); }),
                  "rank 30 takes 25800 bytes, but the dense matrix takes 24000");
}

TEST_F(EncodeMatrix, TheSmallestSizeIsNamedWhenTheBudgetIsTooSmall) {
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

TEST_F(EncodeMatrix, AnErrorThatNeedsMoreThanTheDenseMatrixIsRefused) {
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(within_error(1e-5)); }),
                  "but the dense matrix takes 48000");
}

TEST_F(EncodeMatrix, ExactlyOneBudgetIsNeeded) {
  EXPECT_THROW((void)encode_matrix(request()), InvalidArgument);
  auto both = within_error(0.5);
  both.max_bytes = 10 * kBytesOfOneRank;
  EXPECT_THROW((void)encode_matrix(both), InvalidArgument);
}

TEST_F(EncodeMatrix, AZeroMatrixIsEncodedWithoutError) {
  const Matrix<float> zero(kRows, kCols);
  auto r = within_bytes(10 * kBytesOfOneRank);
  r.matrix = std::make_shared<DenseRows>(zero.view());
  const Encoding encoding = encode_matrix(r);
  EXPECT_EQ(encoding.predicted_error, 0);
  const auto decoded = read_all(*encoding.matrix);
  EXPECT_EQ(test::frobenius_norm(decoded.view()), 0);
}

TEST_F(EncodeMatrix, SameBitsForAnyNumberOfThreads) {
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

// At equal bytes automatic is never worse than what users would take instead.
TEST_F(EncodeMatrix, AutomaticIsNeverWorseThanPlainFormats) {
  for (const Method plain : {Method::int4, Method::int8, Method::dense}) {
    const Encoding other = encode_matrix(within_bytes(kRows * kCols * 4 - 1, plain));
    const Encoding best = encode_matrix(within_bytes(other.matrix->bytes(), Method::automatic));
    EXPECT_LE(best.matrix->bytes(), other.matrix->bytes());
    EXPECT_LE(errors_of(*best.matrix).weighted_relative_error(),
              1.02 * errors_of(*other.matrix).weighted_relative_error());
  }
}

// Every method: what it promises for a number of bytes is what it leaves, within a tenth.
TEST_F(EncodeMatrix, CandidatesPredictTheErrorWithinTenPercent) {
  for (const Method method : {Method::svd, Method::subspaces, Method::codes, Method::coded_svd, Method::archetypes,
                              Method::int8, Method::int4, Method::dense}) {
    const auto offers = candidates(request(method));
    ASSERT_FALSE(offers.empty()) << to_string(method);
    for (std::size_t i = 0; i < offers.size(); i += offers.size() / 4 + 1) {
      const Encoding encoding = encode_matrix(within_bytes(offers[i].point.bytes, method));
      EXPECT_LE(encoding.matrix->bytes(), offers[i].point.bytes) << to_string(method);
      const double achieved = errors_of(*encoding.matrix).weighted_relative_error();
      EXPECT_LE(achieved, 1.1 * std::sqrt(offers[i].point.error)) << to_string(method) << " " << offers[i].point.bytes;
      // Subspaces are refined at exactly this budget and may do better; dense is rounded when it is stored.
      if (method != Method::subspaces && method != Method::dense) {
        EXPECT_GE(achieved, 0.9 * std::sqrt(offers[i].point.error))
            << to_string(method) << " " << offers[i].point.bytes;
      }
    }
  }
}

TEST_F(EncodeMatrix, CodesMeetAnError) {
  for (const Method method : {Method::codes, Method::coded_svd, Method::archetypes}) {
    const Encoding encoding = encode_matrix(within_error(0.1, method));
    EXPECT_LE(errors_of(*encoding.matrix).weighted_relative_error(), 0.1) << to_string(method);
    EXPECT_GT(errors_of(*encoding.matrix).weighted_relative_error(), 0.08) << to_string(method);  // no bytes wasted
  }
}

// Where variance decays, coordinates along the principal directions are worth their bytes; where it does not, not.
TEST(EncodeBetweenTheCodes, CodedSvdWinsOnATallMatrixThatDecaysAndLosesOnAFlatOne) {
  const auto error_of = [](const Matrix<float>& a, Method method) {
    const auto rows = std::make_shared<DenseRows>(a.view());
    const Encoding encoding = encode_matrix({.matrix = rows,
                                             .row_weights = {},
                                             .source_bytes = 4 * a.rows() * a.cols(),
                                             .max_bytes = a.rows() * a.cols() / 4,
                                             .max_error = std::nullopt,
                                             .method = method,
                                             .num_subspaces = std::nullopt,
                                             .num_archetypes = std::nullopt});
    return approximation_errors(*rows, *encoding.matrix, {}, 2).relative_error();
  };
  const auto decaying = test::student_t_with_decay({.rows = 4000, .cols = 64, .seed = 1}, 5, 0.94);
  EXPECT_LT(error_of(decaying, Method::coded_svd), 0.7 * error_of(decaying, Method::codes));
  const auto flat = test::gaussian_matrix({.rows = 4000, .cols = 64, .seed = 1});
  EXPECT_GT(error_of(flat, Method::coded_svd), error_of(flat, Method::codes));
}

// A table whose rows mix four of twelve points each, or Gaussian rows.
class EncodeArchetypes : public testing::Test {
 protected:
  static constexpr Index kMany = 4096, kWide = 64, kCount = 12;

  static Matrix<float> mixtures() {
    const auto points = test::gaussian_matrix({kCount, kWide, 1}), noise = test::gaussian_matrix({kMany, kWide, 2});
    RandomStream random(3, RandomPurpose::test_data);
    Matrix<float> a(kMany, kWide);
    for (Index i = 0; i < kMany; ++i) {
      for (int m = 0; m < 4; ++m) {
        const auto point = points.row(static_cast<Index>(random.uniform() * kCount));
        const auto weight = static_cast<float>(random.uniform());
        for (Index j = 0; j < kWide; ++j) a(i, j) += weight * point[j];
      }
      for (Index j = 0; j < kWide; ++j) a(i, j) += 0.01F * noise(i, j);
    }
    return a;
  }
  static EncodeRequest request(const Matrix<float>& a, Method method) {
    EncodeRequest r;
    r.matrix = std::make_shared<DenseRows>(a.view());
    r.source_bytes = 4 * kMany * kWide;
    r.method = method;
    r.num_archetypes = kCount;
    return r;
  }
};

TEST_F(EncodeArchetypes, TakesTheNumbersAskedForAndStaysWithinTheBytes) {
  const Matrix<float> a = mixtures();
  auto r = request(a, Method::archetypes);
  r.archetypes_per_row = 6;
  for (const Index bytes : {80'000, 100'000, 200'000}) {
    r.max_bytes = bytes;
    const Encoding encoding = encode_matrix(r);
    EXPECT_LE(encoding.matrix->bytes(), bytes);
    EXPECT_GE(encoding.matrix->bytes(), bytes == 80'000 ? 14 * kMany + 2 * kCount * kWide : bytes - 2 * kWide - 8);
    EXPECT_EQ(encoding.matrix->spec().at("archetypes"), kCount);
    EXPECT_EQ(encoding.matrix->spec().at("per_row"), 6);
  }
  r.max_bytes = 14 * kMany + 2 * kCount * kWide - 1;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(r); }),
                  "archetypes take at least 58880 bytes, the budget leaves 58879");
}

TEST_F(EncodeArchetypes, ThePredictionIsWithinATenthOfTheError) {
  for (const Matrix<float>& a : {mixtures(), test::gaussian_matrix({kMany, kWide, 4})}) {
    auto r = request(a, Method::archetypes);
    const auto offers = candidates(r);
    ASSERT_GT(offers.size(), 10u);
    for (const std::size_t i : {std::size_t{0}, offers.size() / 3}) {
      r.max_bytes = offers[i].point.bytes;
      const Encoding encoding = encode_matrix(r);
      const double error = approximation_errors(*r.matrix, *encoding.matrix, {}, 2).relative_error();
      EXPECT_NEAR(std::sqrt(offers[i].point.error) / error, 1, 0.1) << i;
      EXPECT_NEAR(encoding.predicted_error / error, 1, 0.1) << i;
    }
  }
}

TEST_F(EncodeArchetypes, AutomaticTakesThemForMixturesAndLooksForNoneInGaussianRows) {
  const Matrix<float> mixed = mixtures(), gaussian = test::gaussian_matrix({kMany, kWide, 4});
  auto r = request(mixed, Method::automatic);
  r.max_bytes = 11 * kMany + 2 * kCount * kWide;
  EXPECT_EQ(encode_matrix(r).method, Method::archetypes);
  const auto offers = candidates(request(gaussian, Method::automatic));
  EXPECT_EQ(std::ranges::count(offers, Method::archetypes, &Candidate::method), 0);
}

// A matrix that automatic plans from a sample of its rows, beside what the methods themselves say.
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

TEST_F(SampledPlan, ErrorsAreNearTheMethodsOwn) {
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
      // Beyond the ranks that the sample has, a power law is guessed.
      const double tolerance = method != Method::svd ? 0.03 : *offer.rank <= kWide / 2 ? 0.15 : 0.25;
      EXPECT_NEAR(std::sqrt(offer.point.error / truth.point.error), 1, tolerance) << to_string(method) << compared;
    }
    EXPECT_EQ(compared, exact.size());
  }
}

TEST_F(SampledPlan, LeavesTheMatrixToTheMethodThatIsChosen) {
  request_.max_bytes = request_.source_bytes / 10;
  const Encoding encoding = encode_matrix(request_);
  EXPECT_LE(encoding.matrix->bytes(), *request_.max_bytes);
  const double error = approximation_errors(*request_.matrix, *encoding.matrix, weights_, 2).weighted_relative_error();
  EXPECT_NEAR(encoding.predicted_error, error, 0.1 * error);
}

}  // namespace
}  // namespace loewner
