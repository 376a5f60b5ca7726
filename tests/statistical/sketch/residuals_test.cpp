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

// Estimate over truth for the largest rank of a diagonal matrix, the hardest case for sparse embeddings.
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

TEST(Residuals, AreWithinTenPercentInTheMedian) {
  for (const Spectrum& spectrum : kSpectra) {
    std::vector<double> ratios;
    for (std::uint64_t seed = 0; seed < kControlSeeds; ++seed) ratios.push_back(ratio(spectrum, {.seed = seed}));
    std::ranges::nth_element(ratios, ratios.begin() + kControlSeeds / 2);
    EXPECT_NEAR(ratios[kControlSeeds / 2], 1, 0.1) << spectrum.name;
  }
}

// The last singular values of a flat spectrum: the hardest tail of few directions.
std::vector<double> flat_ratios(Index rank) {
  constexpr Index kCols = 40;
  const Matrix<double> a = test::orthonormal_columns(test::gaussian_matrix64(kSize, kCols, 1));
  std::vector<double> ratios;
  for (std::uint64_t seed = 0; seed < kControlSeeds; ++seed) {
    const auto curve = estimate_residuals(RowMatrix(a.view()), {.max_rank = rank, .seed = seed});
    ratios.push_back(curve.residual.back() / std::sqrt(static_cast<double>(kCols - rank)));
  }
  std::ranges::sort(ratios);
  return ratios;
}

TEST(Residuals, OfFewDirectionsAreWithinTheBoundsUpToThreeTenthsOfThem) {
  const auto ratios = flat_ratios(12);
  EXPECT_GE(ratios[kControlSeeds / 20], 0.85);
  EXPECT_NEAR(ratios[kControlSeeds / 2], 1, 0.1);
  EXPECT_LT(flat_ratios(28)[kControlSeeds / 2], 0.85);
}

TEST(Residuals, AreWorseWithoutTheCorrectionOrWithOneEntryPerColumn) {
  for (const Spectrum& spectrum : kSpectra) {
    EXPECT_LT(good_seeds(spectrum, {.correct_bias = false}, kControlSeeds), kControlSeeds / 10) << spectrum.name;
  }
  EXPECT_LT(good_seeds(kSpectra[0], {.nonzeros = 1}, kControlSeeds), kControlSeeds / 2);
}

// ---- invariance ----

constexpr Index kSmall = 160, kSmallRank = 8;
constexpr std::uint64_t kLawSeeds = 300;

enum class Frame { axes, permuted, rotated };

// U diag(spectrum) V^T where U and V are the identity, permutations or random rotations.
Matrix<double> framed(const Spectrum& spectrum, Frame frame) {
  Matrix<double> a(kSmall, kSmall);
  const auto value = [&](Index i) { return spectrum.value(static_cast<double>(i + 1)); };
  if (frame == Frame::rotated) {
    Matrix<double> u = test::orthonormal_columns(test::gaussian_matrix64(kSmall, kSmall, 5));
    const Matrix<double> v = test::orthonormal_columns(test::gaussian_matrix64(kSmall, kSmall, 6));
    for (Index i = 0; i < kSmall * kSmall; ++i) u.data()[i] *= value(i % kSmall);
    return test::product64(u, test::transposed(v));
  }
  // 7 and 11 have no divisor in common with the size.
  const auto place = [&](Index i, Index step) { return frame == Frame::axes ? i : (step * i + 3) % kSmall; };
  for (Index i = 0; i < kSmall; ++i) a(place(i, 7), place(i, 11)) = value(i);
  return a;
}

// The estimates for the largest rank over the seeds, ascending. Each frame has its own seeds.
std::vector<double> sample(const Spectrum& spectrum, Frame frame, Index nonzeros = 4) {
  const Matrix<double> a = framed(spectrum, frame);
  ResidualOptions options{.max_rank = kSmallRank, .sketch_size = 5 * kSmallRank, .nonzeros = nonzeros};
  std::vector<double> estimates(kLawSeeds);
  for (std::uint64_t i = 0; i < kLawSeeds; ++i) {
    options.seed = i + kLawSeeds * static_cast<std::uint64_t>(frame);
    estimates[i] = estimate_residuals(RowMatrix(a.view()), options).residual.back();
  }
  std::ranges::sort(estimates);
  return estimates;
}

double median(const std::vector<double>& sorted) {
  return sorted[sorted.size() / 2];
}

// The largest distance of the distribution functions of two ascending samples.
double kolmogorov_smirnov(const std::vector<double>& a, const std::vector<double>& b) {
  const auto share = [](std::size_t i, const std::vector<double>& of) {
    return static_cast<double>(i) / static_cast<double>(of.size());
  };
  double largest = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    ++(a[i] <= b[j] ? i : j);
    largest = std::max(largest, std::abs(share(i, a) - share(j, b)));
  }
  return largest;
}

// Two samples of one law are farther apart with probability 1e-6: 2 exp(-n D^2) in the limit of large n.
const double kSameLaw = std::sqrt(std::log(2e6) / static_cast<double>(kLawSeeds));

TEST(Residuals, HaveTheSameLawWhenRowsAndColumnsArePermuted) {
  for (const Spectrum& spectrum : kSpectra) {
    EXPECT_LT(kolmogorov_smirnov(sample(spectrum, Frame::axes), sample(spectrum, Frame::permuted)), kSameLaw)
        << spectrum.name;
  }
}

// Sparse embeddings depend on the axes, so the median moves by a few per cent.
TEST(Residuals, HaveNearlyTheSameMedianWhenTheMatrixIsRotated) {
  for (const Spectrum& spectrum : kSpectra) {
    const double ratio = median(sample(spectrum, Frame::rotated)) / median(sample(spectrum, Frame::axes));
    EXPECT_NEAR(ratio, 1, 0.05) << spectrum.name;
  }
}

TEST(Residuals, ChangeTheirLawUnderRotationsWithOneEntryPerColumn) {
  const auto axes = sample(kSpectra[0], Frame::axes, 1), rotated = sample(kSpectra[0], Frame::rotated, 1);
  EXPECT_GT(kolmogorov_smirnov(axes, rotated), kSameLaw);
  EXPECT_GT(median(rotated) / median(axes), 1.5);
}

}  // namespace
}  // namespace loewner
