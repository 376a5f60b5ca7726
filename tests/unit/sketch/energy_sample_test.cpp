// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/energy_sample.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "loewner/base/error.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::energy_sample_test {
namespace {

constexpr Index kRows = 300, kCols = 6, kCount = 40;

class SampledRows : public testing::Test {
 protected:
  SampledRows() {
    for (Index i = 0; i < kRows; ++i) {
      weights_.push_back(1.0 / static_cast<double>(i + 1));
      for (float& x : a_.row(i)) x *= static_cast<float>(1 + i % 7);
    }
    for (float& x : a_.row(kZeroRow)) x = 0;
    energies_ = row_energies(DenseRows(a_.view()), weights_);
    energy_ = std::accumulate(energies_.begin(), energies_.end(), 0.0);
  }
  EnergySample sample(Index count, std::uint64_t seed) const {
    return sample_rows_by_energy(DenseRows(a_.view()), weights_, energies_, count, seed);
  }
  // Distance of the mean Gram matrix of many samples from the true one, relative.
  double distance_of_mean_gram(bool weighted) const {
    constexpr int kSeeds = 400;
    Matrix<double> mean(kCols, kCols);
    for (int seed = 0; seed < kSeeds; ++seed) {
      const EnergySample drawn = sample(kCount, static_cast<std::uint64_t>(seed));
      const auto g = gram(DenseRows(drawn.rows.view()), weighted ? drawn.weights : std::vector<double>{});
      for (Index i = 0; i < kCols; ++i) {
        for (Index j = 0; j < kCols; ++j) mean(i, j) += g(i, j) / kSeeds;
      }
    }
    const auto truth = gram(DenseRows(a_.view()), weights_);
    double distance = 0, norm = 0;
    for (Index i = 0; i < kCols; ++i) {
      for (Index j = 0; j < kCols; ++j) {
        distance += std::pow(mean(i, j) - truth(i, j), 2);
        norm += std::pow(truth(i, j), 2);
      }
    }
    return std::sqrt(distance / norm);
  }

  static constexpr Index kZeroRow = 11;
  Matrix<float> a_ = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 1});
  std::vector<double> weights_, energies_;
  double energy_ = 0;
};

TEST_F(SampledRows, EnergiesAreWeightedSquaredNorms) {
  double norm = 0;
  for (const float x : a_.row(5)) norm += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(energies_[5], weights_[5] * norm, 1e-12 * norm);
  EXPECT_EQ(energies_[kZeroRow], 0);
  EXPECT_CONTAINS(
      test::message_of<InvalidArgument>([&] { row_energies(DenseRows(a_.view()), std::vector<double>(kRows, -1.0)); }),
      "row 0");
}

TEST_F(SampledRows, KeepTheEnergyWhateverTheSeed) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    const EnergySample drawn = sample(kCount, seed);
    EXPECT_EQ(drawn.rows.rows(), kCount);
    EXPECT_GT(drawn.missing, 0);
    const auto kept = row_energies(DenseRows(drawn.rows.view()), drawn.weights);
    EXPECT_NEAR(std::accumulate(kept.begin(), kept.end(), 0.0), energy_, 1e-9 * energy_);
  }
}

TEST_F(SampledRows, EstimateTheGramMatrixOnlyWithTheirWeights) {
  EXPECT_LT(distance_of_mean_gram(true), 0.03);
  EXPECT_GT(distance_of_mean_gram(false), 0.5);
}

TEST_F(SampledRows, AreAllRowsWithEnergyIfTheyFit) {
  const EnergySample drawn = sample(kRows - 1, 7);
  EXPECT_EQ(drawn.missing, 0);
  EXPECT_EQ(drawn.rows.rows(), kRows - 1);
  EXPECT_EQ(drawn.weights[kZeroRow], weights_[kZeroRow + 1]);
  EXPECT_GT(sample(kRows - 2, 7).missing, 0);
}

TEST_F(SampledRows, AlwaysHoldARowOfNearlyAllEnergy) {
  for (float& x : a_.row(200)) x *= 1e4F;
  energies_ = row_energies(DenseRows(a_.view()), weights_);
  for (const std::uint64_t seed : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const EnergySample drawn = sample(3, seed);
    bool held = false;
    for (Index i = 0; i < drawn.rows.rows(); ++i)
      held |= drawn.rows(i, 0) == a_(200, 0) && drawn.weights[i] == weights_[200];
    EXPECT_TRUE(held) << seed;
  }
}

TEST_F(SampledRows, OfAZeroMatrixAreNone) {
  const Matrix<float> zero(4, 3);
  const auto energies = row_energies(DenseRows(zero.view()));
  const EnergySample drawn = sample_rows_by_energy(DenseRows(zero.view()), {}, energies, 2, 0);
  EXPECT_EQ(drawn.missing, 0);
  EXPECT_EQ(drawn.rows.rows(), 0);
}

TEST_F(SampledRows, AreTheSameForAnyNumberOfThreads) {
  std::vector<EnergySample> drawn;
  for (const int threads : {1, 2, 8}) {
    const test::ThreadCount count(threads);
    energies_ = row_energies(DenseRows(a_.view()), weights_);
    drawn.push_back(sample(kCount, 3));
  }
  for (const auto& other : {std::cref(drawn[1]), std::cref(drawn[2])}) {
    EXPECT_EQ(other.get().weights, drawn[0].weights);
    EXPECT_EQ(test::frobenius_distance(other.get().rows.view(), drawn[0].rows.view()), 0);
  }
}

TEST_F(SampledRows, AreAtLeastOne) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sample(0, 0); }), "count must be at least 1, got 0");
}

}  // namespace
}  // namespace loewner::energy_sample_test
