// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

HeavyKeyOptions above(double eps, double power = 2) {
  HeavyKeyOptions options;
  options.eps = eps;
  options.power = power;
  return options;
}

HeavyKeyOptions largest(Index count) {
  HeavyKeyOptions options;
  options.max_keys = count;
  return options;
}

// Gaussian keys, some of which are many times longer.
Matrix<float> uneven_keys(Index n, Index d, std::uint64_t seed = 1) {
  auto keys = test::gaussian_matrix({n, d, seed});
  for (Index i = 0; i < n; i += 37) {
    for (float& x : keys.row(i)) x *= static_cast<float>(3 + i % 11);
  }
  return keys;
}

// By brute force: the weights of all keys for one query.
std::vector<double> weights_of(MatrixView<const float> keys, const std::vector<double>& query, double power) {
  std::vector<double> weights(static_cast<std::size_t>(keys.rows()));
  for (Index j = 0; j < keys.rows(); ++j) {
    double product = 0;
    for (Index c = 0; c < keys.cols(); ++c) product += static_cast<double>(keys(j, c)) * query[c];
    weights[j] = std::pow(std::abs(product), power);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& w : weights) w /= sum;
  return weights;
}

// A query that gives key j a large weight: gradient ascent on the logarithm of the weight, started at the key.
std::vector<double> adversarial_query(MatrixView<const float> keys, Index j, double power) {
  std::vector<double> query(static_cast<std::size_t>(keys.cols()));
  for (Index c = 0; c < keys.cols(); ++c) query[c] = keys(j, c);
  double step = 1;
  double best = weights_of(keys, query, power)[j];
  for (int iteration = 0; iteration < 60; ++iteration) {
    std::vector<double> gradient(query.size(), 0.0), products(static_cast<std::size_t>(keys.rows()));
    double sum = 0;
    for (Index l = 0; l < keys.rows(); ++l) {
      for (Index c = 0; c < keys.cols(); ++c) products[l] += static_cast<double>(keys(l, c)) * query[c];
      sum += std::pow(std::abs(products[l]), power);
    }
    for (Index l = 0; l < keys.rows(); ++l) {
      const double own = l == j ? power / products[l] : 0.0;
      const double slope = own - power * std::pow(std::abs(products[l]), power - 1) * (products[l] < 0 ? -1 : 1) / sum;
      for (Index c = 0; c < keys.cols(); ++c) gradient[c] += slope * static_cast<double>(keys(l, c));
    }
    auto moved = query;
    for (std::size_t c = 0; c < query.size(); ++c) moved[c] += step * gradient[c];
    const double value = weights_of(keys, moved, power)[j];
    if (value > best) {
      best = value;
      query = std::move(moved);
      step *= 1.5;
    } else {
      step /= 3;
    }
  }
  return query;
}

std::vector<std::vector<double>> queries_for(MatrixView<const float> keys, double power) {
  std::vector<std::vector<double>> queries;
  for (Index j = 0; j < keys.rows(); j += 5) queries.push_back(adversarial_query(keys, j, power));
  RandomStream random(9, RandomPurpose::test_data);
  for (int i = 0; i < 200; ++i) {
    queries.emplace_back(static_cast<std::size_t>(keys.cols()));
    for (double& x : queries.back()) x = random.normal();
  }
  return queries;
}

Index num_missed(MatrixView<const float> keys, const HeavyKeys& heavy, double eps, double power) {
  const std::set<Index> kept(heavy.indices.begin(), heavy.indices.end());
  Index missed = 0;
  for (const auto& query : queries_for(keys, power)) {
    const auto weights = weights_of(keys, query, power);
    for (Index j = 0; j < keys.rows(); ++j) missed += weights[j] >= eps && !kept.contains(j) ? 1 : 0;
  }
  return missed;
}

class HeavyKeysFor : public testing::TestWithParam<double> {};

TEST_P(HeavyKeysFor, MissesNoWeightOfEps) {
  const double power = GetParam(), eps = 0.05;
  const auto keys = uneven_keys(300, power > 2 ? 6 : 10);
  EXPECT_EQ(num_missed(keys.view(), select_heavy_keys(keys.view(), above(eps, power)), eps, power), 0);
}

TEST_P(HeavyKeysFor, KeepsAllWeightsAboveTheCertifiedEps) {
  const double power = GetParam();
  const auto keys = uneven_keys(300, power > 2 ? 6 : 10);
  auto options = largest(30);
  options.power = power;
  const auto heavy = select_heavy_keys(keys.view(), options);
  ASSERT_EQ(heavy.indices.size(), 30u);
  EXPECT_EQ(num_missed(keys.view(), heavy, heavy.certified_eps * (1 + 1e-9), power), 0);
}

INSTANTIATE_TEST_SUITE_P(Powers, HeavyKeysFor, testing::Values(1.0, 1.5, 2.0, 3.0, 4.0));

// Negative control of both tests above: a threshold of 2 eps misses weights of eps.
TEST(HeavyKeys, TwiceTheThresholdMissesKeys) {
  const auto keys = uneven_keys(300, 10);
  EXPECT_GT(num_missed(keys.view(), select_heavy_keys(keys.view(), above(0.1)), 0.05, 2), 0);
}

TEST(HeavyKeys, ScoreIsAttainedByAnAdversarialQuery) {
  const auto keys = uneven_keys(120, 8);
  const auto heavy = select_heavy_keys(keys.view(), above(0.5));
  for (Index j = 0; j < keys.rows(); j += 7) {
    const double weight = weights_of(keys.view(), adversarial_query(keys.view(), j, 2), 2)[j];
    EXPECT_LE(weight, heavy.scores[j] * (1 + 1e-9));
    EXPECT_GT(weight, 0.999 * heavy.scores[j]);
  }
}

TEST(HeavyKeys, ScoresOfSymmetricPowersBoundAdversarialQueries) {
  const auto keys = uneven_keys(150, 6);
  const auto heavy = select_heavy_keys(keys.view(), above(0.5, 4));
  for (Index j = 0; j < keys.rows(); j += 7) {
    EXPECT_LE(weights_of(keys.view(), adversarial_query(keys.view(), j, 4), 4)[j], heavy.scores[j] * (1 + 1e-9));
  }
}

TEST(HeavyKeys, ScoresForPowerTwoAreTheLeverageScores) {
  const auto keys = uneven_keys(500, 20);
  const auto heavy = select_heavy_keys(keys.view(), above(0.5));
  const DenseRows rows(keys.view());
  const auto leverage = leverage_scores(RowMatrix(rows));
  for (Index j = 0; j < keys.rows(); ++j) EXPECT_NEAR(heavy.scores[j], leverage.scores[j], 1e-10);
  EXPECT_EQ(heavy.rank, 20);
  EXPECT_NEAR(std::accumulate(heavy.scores.begin(), heavy.scores.end(), 0.0), 20, 1e-9);
}

TEST(HeavyKeys, KeepsAtMostRankOverEpsKeys) {
  for (const double eps : {0.02, 0.05, 0.2}) {
    const auto keys = uneven_keys(2000, 16);
    EXPECT_LE(static_cast<double>(select_heavy_keys(keys.view(), above(eps)).indices.size()), 16 / eps);
  }
}

TEST(HeavyKeys, ScoresDoNotDependOnBasisAndScale) {
  const auto keys = uneven_keys(200, 12), basis = test::gaussian_matrix({12, 12, 5});
  auto moved = test::product(keys.view(), basis.view());
  for (Index i = 0; i < moved.rows(); ++i) {
    for (float& x : moved.row(i)) x *= 0x1p-40F;
  }
  const auto one = select_heavy_keys(keys.view(), above(0.1)), two = select_heavy_keys(moved.view(), above(0.1));
  for (Index j = 0; j < keys.rows(); ++j) EXPECT_NEAR(one.scores[j], two.scores[j], 1e-4);  // the product is float32
}

TEST(HeavyKeys, DuplicatingEveryKeyHalvesTheScores) {
  const auto keys = uneven_keys(100, 8);
  Matrix<float> twice(200, 8);
  for (Index i = 0; i < 200; ++i) std::ranges::copy(keys.row(i % 100), twice.row(i).begin());
  const auto one = select_heavy_keys(keys.view(), above(0.1)), two = select_heavy_keys(twice.view(), above(0.1));
  for (Index j = 0; j < 100; ++j) EXPECT_NEAR(two.scores[j], one.scores[j] / 2, 1e-12);
}

TEST(HeavyKeys, SmallColumnsCountTowardsTheRank) {
  auto keys = uneven_keys(100, 3);
  for (Index i = 0; i < 100; ++i) {
    keys(i, 1) *= 1e4F;
    keys(i, 2) *= 1e-8F;
  }
  const auto heavy = select_heavy_keys(keys.view(), above(0.1));
  EXPECT_EQ(heavy.rank, 3);
  EXPECT_NEAR(std::accumulate(heavy.scores.begin(), heavy.scores.end(), 0.0), 3, 1e-9);
}

// Scaling a column is a change of basis, which leaves the scores for every power.
TEST_P(HeavyKeysFor, ScoresDoNotDependOnColumnScales) {
  const auto keys = uneven_keys(100, 3);
  auto scaled = keys.clone();
  for (Index i = 0; i < 100; ++i) {
    scaled(i, 1) *= 0x1p20F;
    scaled(i, 2) *= 0x1p-30F;
  }
  const auto one = select_heavy_keys(keys.view(), above(0.1, GetParam()));
  const auto two = select_heavy_keys(scaled.view(), above(0.1, GetParam()));
  EXPECT_EQ(two.rank, one.rank);
  for (Index j = 0; j < 100; ++j) EXPECT_NEAR(two.scores[j], one.scores[j], 1e-12);
}

TEST_P(HeavyKeysFor, TheOnlyKeyInASmallDirectionIsHeavy) {
  Matrix<float> keys(50, 2);
  for (Index i = 0; i < 50; ++i) keys(i, 0) = 1e4F;
  keys(20, 1) = 1e-4F;  // the query (0, 1) is orthogonal to all other keys
  const auto heavy = select_heavy_keys(keys.view(), above(0.5, GetParam()));
  EXPECT_TRUE(std::ranges::binary_search(heavy.indices, Index{20}));
}

TEST_P(HeavyKeysFor, ScoresDoNotOverflowForLargeKeys) {
  const auto keys = uneven_keys(60, 3);
  auto large = keys.clone();
  for (Index i = 0; i < 60; ++i) {
    for (float& x : large.row(i)) x *= 0x1p100F;
  }
  const auto one = select_heavy_keys(keys.view(), above(0.1, 4 * GetParam()));
  const auto two = select_heavy_keys(large.view(), above(0.1, 4 * GetParam()));
  for (Index j = 0; j < 60; ++j) EXPECT_NEAR(two.scores[j], one.scores[j], 1e-12);
}

TEST(HeavyKeys, AllKeysAreHeavyIfFewerThanColumns) {
  const auto keys = test::gaussian_matrix({5, 12, 1});
  const auto heavy = select_heavy_keys(keys.view(), above(0.9));
  EXPECT_EQ(heavy.indices, (std::vector<Index>{0, 1, 2, 3, 4}));
  EXPECT_EQ(heavy.rank, 5);
}

TEST(HeavyKeys, AcceptsRepeatedAndZeroKeys) {
  Matrix<float> keys(10, 4);
  for (Index i = 0; i < 8; ++i) keys(i, 1) = 2;  // eight equal keys, two zeros
  const auto heavy = select_heavy_keys(keys.view(), above(0.1));
  EXPECT_EQ(heavy.rank, 1);
  EXPECT_NEAR(heavy.scores[0], 0.125, 1e-15);
  EXPECT_EQ(heavy.scores[9], 0);
  EXPECT_EQ(heavy.indices.size(), 8u);
  const Matrix<float> zeros(3, 4), nothing(0, 4);
  EXPECT_EQ(select_heavy_keys(zeros.view(), above(0.5)).rank, 0);
  EXPECT_TRUE(select_heavy_keys(nothing.view(), above(0.5)).indices.empty());
}

TEST(HeavyKeys, TakesEqualScoresInOrder) {
  Matrix<float> keys(6, 2);
  for (Index i = 0; i < 6; ++i) keys(i, 0) = 1;
  EXPECT_EQ(select_heavy_keys(keys.view(), largest(2)).indices, (std::vector<Index>{0, 1}));
}

TEST(HeavyKeys, ProtectedKeysAreKeptAndDoNotEnterTheCertificate) {
  const auto keys = uneven_keys(100, 4);
  auto options = largest(10);
  options.protect_first = 3;
  options.protect_last = 5;
  const auto heavy = select_heavy_keys(keys.view(), options);
  for (const Index j : {0, 1, 2, 95, 96, 97, 98, 99}) {
    EXPECT_TRUE(std::ranges::binary_search(heavy.indices, j));
  }
  double largest_left = 0;
  for (Index j = 0; j < 100; ++j) {
    if (!std::ranges::binary_search(heavy.indices, j)) largest_left = std::max(largest_left, heavy.scores[j]);
  }
  EXPECT_EQ(heavy.certified_eps, largest_left);
}

TEST(HeavyKeys, ARidgeLowersEveryScore) {
  const auto keys = uneven_keys(60, 5);
  auto options = above(0.1);
  options.ridge = 10;
  const auto plain = select_heavy_keys(keys.view(), above(0.1)), ridged = select_heavy_keys(keys.view(), options);
  for (Index j = 0; j < 60; ++j) EXPECT_LT(ridged.scores[j], plain.scores[j]);
}

TEST(HeavyKeys, PartsSelectTheSameKeysAsTheWhole) {
  for (const double power : {2.0, 4.0}) {
    const auto keys = uneven_keys(400, 7);
    const auto whole = select_heavy_keys(keys.view(), above(0.05, power));
    Matrix<double> gram = heavy_key_gram(keys.view().row_block(0, 150), power);
    const Matrix<double> second = heavy_key_gram(keys.view().row_block(150, 250), power);
    for (Index i = 0; i < gram.rows() * gram.cols(); ++i) gram.data()[i] += second.data()[i];
    std::vector<Index> found;
    for (const auto& [first, count] : {std::pair<Index, Index>{0, 150}, {150, 250}}) {
      const auto part = select_heavy_keys_in(keys.view().row_block(first, count), gram, above(0.05, power));
      for (const Index j : part.indices) found.push_back(first + j);
    }
    EXPECT_EQ(found, whole.indices);
  }
}

TEST(HeavyKeys, ResultDoesNotDependOnTheNumberOfThreads) {
  const auto keys = uneven_keys(3000, 24);
  const auto scores = [&](int threads) {
    const test::ThreadCount count(threads);
    return select_heavy_keys(keys.view(), above(0.1)).scores;
  };
  const auto one = scores(1);
  EXPECT_EQ(scores(2), one);
  EXPECT_EQ(scores(8), one);
}

TEST(HeavyKeys, RejectsInvalidArguments) {
  auto keys = uneven_keys(10, 3);
  const auto refusal = [&](const HeavyKeyOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)select_heavy_keys(keys.view(), options); });
  };
  auto both = above(0.1);
  both.max_keys = 3;
  auto ridged = above(0.1, 3);
  ridged.ridge = 1;
  EXPECT_CONTAINS(refusal({}), "exactly one of eps and max_keys must be given, got neither");
  EXPECT_CONTAINS(refusal(both), "exactly one of eps and max_keys must be given, got both");
  EXPECT_CONTAINS(refusal(above(0)), "eps must be in (0, 1], got 0");
  EXPECT_CONTAINS(refusal(above(0.1, 0.5)), "power must be finite and >= 1, got 0.5");
  EXPECT_CONTAINS(refusal(ridged), "ridge must be 0 unless power is even");
  keys(4, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(refusal(above(0.1)), "row 4, column 2");
}

}  // namespace
}  // namespace loewner
