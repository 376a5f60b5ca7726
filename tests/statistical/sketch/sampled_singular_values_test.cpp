// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sampled_singular_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "loewner/linalg/row_energies.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "support/matrices.hpp"

namespace loewner {
namespace {

constexpr Index kRows = 3000, kCols = 800, kSampled = 512;
constexpr std::uint64_t kSeeds = 5;

struct Spectrum {
  const char* name;
  double (*variance)(double i);  // i = 1, 2, ...
};

const Spectrum kSpectra[] = {
    {"1/i", [](double i) { return 1 / i; }},
    {"flat", [](double) { return 1.0; }},
    {"30 spikes", [](double i) { return i <= 30 ? 100.0 : 1.0; }},
    {"(1 + i/60)^-1.6", [](double i) { return std::pow(1 + i / 60, -1.6); }},
};

// Gaussian rows of decreasing length, so that the probabilities differ.
Matrix<float> matrix_of(const Spectrum& spectrum) {
  Matrix<float> a = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 1});
  for (Index i = 0; i < kRows; ++i) {
    const double length = 1 / std::sqrt(1 + static_cast<double>(i) / 300);
    for (Index j = 0; j < kCols; ++j) {
      a(i, j) *= static_cast<float>(length * std::sqrt(spectrum.variance(static_cast<double>(j + 1))));
    }
  }
  return a;
}

struct Tails {
  std::vector<double> truth;                   // relative residuals of the matrix
  std::vector<std::vector<double>> estimates;  // of the samples
  std::vector<std::vector<double>> raw;        // of the samples' own singular values
};

Tails tails_of(const Spectrum& spectrum) {
  const Matrix<float> a = matrix_of(spectrum);
  const DenseRows rows(a.view());
  const auto energies = row_energies(rows);
  const double energy = std::accumulate(energies.begin(), energies.end(), 0.0);
  Tails tails{.truth = relative_residuals(singular_values(rows)), .estimates = {}, .raw = {}};
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const EnergySample sample = sample_rows_by_energy(rows, {}, energies, kSampled, seed);
    tails.estimates.push_back(relative_residuals(sampled_singular_values(sample, energy, kCols)));
    tails.raw.push_back(relative_residuals(singular_values(DenseRows(sample.rows.view()), sample.weights)));
  }
  return tails;
}

double worst_ratio(const std::vector<std::vector<double>>& estimates, const std::vector<double>& truth, Index rank) {
  double worst = 0;
  for (const auto& estimate : estimates) worst = std::max(worst, std::abs(estimate[rank] / truth[rank] - 1));
  return worst;
}

TEST(SampledSingularValues, TailsAreNearTheTruthUnlikeThoseOfTheSample) {
  for (const Spectrum& spectrum : kSpectra) {
    const Tails tails = tails_of(spectrum);
    EXPECT_LT(worst_ratio(tails.estimates, tails.truth, kSampled / 8), 0.08) << spectrum.name;
    EXPECT_LT(worst_ratio(tails.estimates, tails.truth, kSampled / 4), 0.1) << spectrum.name;
    EXPECT_LT(worst_ratio(tails.estimates, tails.truth, kCols / 2), 0.15) << spectrum.name;
    EXPECT_GT(worst_ratio(tails.raw, tails.truth, kCols / 2), 0.3) << spectrum.name;
  }
}

TEST(SampledSingularValues, OfACompleteSampleEqualThoseOfTheMatrix) {
  const Matrix<float> a = test::student_t_with_decay({.rows = 60, .cols = 20, .seed = 2}, 5, 0.8);
  const DenseRows rows(a.view());
  const auto energies = row_energies(rows);
  const double energy = std::accumulate(energies.begin(), energies.end(), 0.0);
  const auto found = sampled_singular_values(sample_rows_by_energy(rows, {}, energies, 60, 0), energy, 20);
  const auto truth = singular_values(rows);
  ASSERT_EQ(found.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(found[i], truth[i], 1e-6 * truth[0]);
}

TEST(SampledSingularValues, OfFewRowsAndOfAZeroMatrixAreFinite) {
  const Matrix<float> zero(50, 8);
  const auto none = row_energies(DenseRows(zero.view()));
  EXPECT_EQ(sampled_singular_values(sample_rows_by_energy(DenseRows(zero.view()), {}, none, 10, 0), 0, 8),
            std::vector<double>(8, 0.0));
  const Matrix<float> rank_one = test::matrix_with_spectrum({.rows = 50, .cols = 8, .seed = 3}, {2.0});
  const auto energies = row_energies(DenseRows(rank_one.view()));
  for (const Index count : {1, 3, 4, 20}) {
    const auto sample = sample_rows_by_energy(DenseRows(rank_one.view()), {}, energies, count, 0);
    const auto values = sampled_singular_values(sample, 4, 8);
    EXPECT_NEAR(values[0], 2, 1e-3) << count;
    for (const double value : values) EXPECT_TRUE(std::isfinite(value));
  }
}

}  // namespace
}  // namespace loewner
