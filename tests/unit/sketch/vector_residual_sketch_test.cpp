// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/vector_residual_sketch.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::vector_residual_sketch_test {
namespace {

double truth(std::vector<double> x, Index k, double p) {
  std::ranges::sort(x, [](double a, double b) { return std::abs(a) > std::abs(b); });
  double sum = 0;
  for (std::size_t i = static_cast<std::size_t>(k); i < x.size(); ++i) sum += std::pow(std::abs(x[i]), p);
  return std::pow(sum, 1 / p);
}

VectorResidualSketch sketch_of(const std::vector<double>& x, const VectorResidualOptions& options) {
  VectorResidualSketch sketch(static_cast<Index>(x.size()), options);
  for (std::size_t i = 0; i < x.size(); ++i) sketch.update(static_cast<Index>(i), x[i]);
  return sketch;
}

std::vector<double> zipf(std::size_t n) {
  std::vector<double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i * 7919 % n] = (i % 3 == 0 ? -1.0 : 1.0) / static_cast<double>(i + 1);
  return x;
}

std::vector<double> spikes(std::size_t n) {
  std::vector<double> x(n, 1.0);
  for (std::size_t i = 0; i < 10; ++i) x[i * 97] = -50 - static_cast<double>(i);
  return x;
}

TEST(VectorResiduals, AreClose) {
  constexpr std::size_t kSize = 2000;
  for (const double p : {3.0, 4.0}) {
    for (const auto& x : {zipf(kSize), spikes(kSize), std::vector<double>(kSize, 2.0)}) {
      const auto sketch = sketch_of(x, {.max_terms = 10, .norm_exponent = p, .seed = 1});
      for (const Index k : {0, 3, 10}) {
        const double ratio = sketch.estimate(k) / truth(x, k, p);
        EXPECT_GT(ratio, 1 / 1.5) << p << " " << k;
        EXPECT_LT(ratio, 1.5) << p << " " << k;
      }
    }
  }
}

// Without subtraction of the large entries the estimate would be the norm of all of x.
TEST(VectorResiduals, FallWhenSpikesAreTakenOut) {
  const auto sketch = sketch_of(spikes(2000), {.max_terms = 10, .seed = 1});
  EXPECT_GT(sketch.estimate(0), 10 * sketch.estimate(10));
}

TEST(VectorResiduals, OfChangesThatCancelVanish) {
  auto x = zipf(500);
  for (double& value : x) value = std::round(1000 * value);
  auto sketch = sketch_of(x, {.max_terms = 5});
  for (std::size_t i = 3; i < x.size(); ++i) sketch.update(static_cast<Index>(i), -x[i]);
  // three entries remain, up to rounding of the scaled sums
  EXPECT_LE(sketch.estimate(5), 1e-9);
  EXPECT_GT(sketch.estimate(0), 1);
}

TEST(VectorResiduals, SketchesOfPartsAddUp) {
  const auto x = zipf(800);
  std::vector<double> even(800), odd(800);
  for (std::size_t i = 0; i < 800; ++i) (i % 2 == 0 ? even : odd)[i] = x[i];
  const VectorResidualOptions options{.max_terms = 4, .seed = 9};
  auto merged = sketch_of(even, options);
  merged.merge(sketch_of(odd, options));
  const auto whole = sketch_of(x, options);
  EXPECT_NEAR(merged.estimate(4), whole.estimate(4), 1e-12);
}

TEST(VectorResiduals, OfFewerEntriesThanTermsAreZero) {
  EXPECT_EQ(sketch_of({3, 4}, {.max_terms = 5}).estimate(2), 0);
  EXPECT_EQ(VectorResidualSketch(0, {}).estimate(0), 0);
  EXPECT_EQ(VectorResidualSketch(7, {}).estimate(1), 0);
}

TEST(VectorResiduals, GiveTheSameBitsForAllThreads) {
  const auto sketch = sketch_of(zipf(5000), {.max_terms = 5});
  EXPECT_TRUE(test::same_bits_everywhere([&] {
    Matrix<double> estimate(1, 1);
    estimate(0, 0) = sketch.estimate(5);
    return estimate;
  }));
}

TEST(VectorResiduals, BadOptionsAndPlacesAreNamed) {
  const auto refusal = [](Index size, const VectorResidualOptions& options) {
    return test::message_of<InvalidArgument>([&] { VectorResidualSketch(size, options); });
  };
  EXPECT_CONTAINS(refusal(-1, {}), "size must be in [0, 2^40]");
  EXPECT_CONTAINS(refusal(5, {.max_terms = 0}), "max_terms >= 1");
  EXPECT_CONTAINS(refusal(5, {.norm_exponent = 2}), "norm_exponent finite and > 2");
  EXPECT_CONTAINS(refusal(Index{1} << 40, {.norm_exponent = 100}), "buckets");
  VectorResidualSketch sketch(5, {});
  EXPECT_THROW(sketch.update(5, 1), InvalidArgument);
  EXPECT_THROW(sketch.update(-1, 1), InvalidArgument);
  EXPECT_THROW(sketch.update(0, std::nan("")), InvalidArgument);
  EXPECT_THROW(sketch.estimate(2), InvalidArgument);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sketch.merge(VectorResidualSketch(5, {.seed = 2})); }),
                  "seed 2");
}

}  // namespace
}  // namespace loewner::vector_residual_sketch_test
