// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "loewner/sketch/residual_curve.hpp"
#include "support/sketching.hpp"

namespace loewner {
namespace {

constexpr Index kSize = 500, kRank = 20;
constexpr int kSeeds = 200, kControlSeeds = 40;

struct Spectrum {
  const char* name;
  double (*value)(double i);  // i = 1, 2, ...
};

const Spectrum kSpectra[] = {
    {"i^-6", [](double i) { return std::pow(i, -6); }},
    {"i^-2", [](double i) { return std::pow(i, -2); }},
    {"i^-1", [](double i) { return 1 / i; }},
    {"i^-1/2", [](double i) { return 1 / std::sqrt(i); }},
    {"spikes", [](double i) { return i <= kRank ? 100.0 : 1.0; }},
    {"exp(-i/40)", [](double i) { return std::exp(-i / 40); }},
};

// Estimate over truth for the largest rank, of a diagonal matrix: sparse embeddings have it hardest there.
double ratio(const Spectrum& spectrum, ResidualOptions options) {
  test::OwnedCsr<double> a{.cols = kSize};
  double tail = 0;
  for (Index i = 0; i < kSize; ++i) {
    a.columns.push_back(static_cast<std::int32_t>(i));
    a.values.push_back(spectrum.value(static_cast<double>(i + 1)));
    a.offsets.push_back(i + 1);
    if (i >= kRank) tail = std::hypot(tail, a.values.back());
  }
  options.max_rank = kRank;
  return estimate_residuals(RowMatrix(a.view()), options).residual.back() / tail;
}

int good_seeds(const Spectrum& spectrum, ResidualOptions options, std::uint64_t seeds) {
  int good = 0;
  for (options.seed = 0; options.seed < seeds; ++options.seed) {
    good += std::abs(ratio(spectrum, options) - 1) <= 0.15;
  }
  return good;
}

// At the default m = 5 k with probability 0.95 over the seeds.
TEST(Residuals, AreWithinFifteenPercent) {
  for (const Spectrum& spectrum : kSpectra) {
    EXPECT_GE(good_seeds(spectrum, {}, kSeeds), test::least_successes(kSeeds, 0.95)) << spectrum.name;
  }
}

TEST(Residuals, AreNotWithoutTheCorrectionNorWithOneEntryPerColumn) {
  for (const Spectrum& spectrum : kSpectra) {
    EXPECT_LT(good_seeds(spectrum, {.correct_bias = false}, kControlSeeds), kControlSeeds / 10) << spectrum.name;
  }
  EXPECT_LT(good_seeds(kSpectra[0], {.nonzeros = 1}, kControlSeeds), kControlSeeds / 2);
}

}  // namespace
}  // namespace loewner
