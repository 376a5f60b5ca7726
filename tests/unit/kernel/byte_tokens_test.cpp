// SPDX-License-Identifier: Apache-2.0
#include "kernel/byte_tokens.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "support/instruction_sets.hpp"

namespace loewner::detail {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

struct Rounded {
  std::vector<std::int8_t> bytes;
  ByteScale scale;
};

Rounded rounded(const std::vector<float>& x) {
  Rounded result{std::vector<std::int8_t>(x.size(), 1), {}};
  result.scale = round_to_bytes(x, result.bytes.data());
  return result;
}

std::vector<float> sines() {
  std::vector<float> x;
  for (int j = 0; j < 101; ++j) x.push_back(std::sin(static_cast<float>(j)) * 3);
  return x;
}

TEST(ByteTokens, AreTheNearestMultiplesOfTheScale) {
  const std::vector<float> x = sines();
  for (const Isa isa : test::kInstructionSets) {
    const test::IsaLimit limit(isa);
    const Rounded result = rounded(x);
    EXPECT_TRUE(result.scale.is_representable);
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      EXPECT_NEAR(result.bytes[j], x[j] / result.scale.scale, 0.5001) << j;
      sum += result.bytes[j];
    }
    EXPECT_EQ(result.scale.sum, sum);
  }
}

TEST(ByteTokens, HaveSecondBytesOfWhatTheFirstLeave) {
  const std::vector<float> x = sines();
  for (const Isa isa : test::kInstructionSets) {
    const test::IsaLimit limit(isa);
    const Rounded first = rounded(x);
    std::vector<float> rest = x;
    std::vector<std::int8_t> second(x.size());
    const std::int32_t sum = round_rest_to_bytes(rest, first.scale.scale, first.bytes.data(), second.data());
    const double unit = static_cast<double>(first.scale.scale) / static_cast<double>(kFirstByteWeight);
    std::int32_t expected = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      EXPECT_NEAR((254 * first.bytes[j] + second[j]) * unit, x[j], 0.501 * unit) << j;
      expected += second[j];
    }
    EXPECT_EQ(sum, expected);
  }
}

TEST(ByteTokens, HaveNoSecondBytesWithoutAScale) {
  std::vector<float> x = {kNan, 1, 0};
  const std::vector<std::int8_t> first(3);
  std::vector<std::int8_t> second(3, 1);
  EXPECT_EQ(round_rest_to_bytes(x, 0, first.data(), second.data()), 0);
  EXPECT_EQ(second, first);
}

TEST(ByteTokens, OfZerosAreZeros) {
  const Rounded result = rounded(std::vector<float>(9));
  EXPECT_TRUE(result.scale.is_representable);
  EXPECT_EQ(result.bytes, std::vector<std::int8_t>(9));
  EXPECT_EQ(result.scale.scale, 0);
}

TEST(ByteTokens, SayWhichVectorsTheyCannotRepresent) {
  for (const Isa isa : test::kInstructionSets) {
    const test::IsaLimit limit(isa);
    for (const float odd : {kNan, -kNan, kInfinity, -kInfinity, 3e38F, 1e-38F, 1e-45F}) {
      std::vector<float> x(20);
      x[17] = odd;
      const Rounded result = rounded(x);
      EXPECT_FALSE(result.scale.is_representable) << odd;
      EXPECT_EQ(result.bytes, std::vector<std::int8_t>(20)) << odd;
    }
    for (const float size : {1e-30F, 1e30F})
      EXPECT_EQ(rounded({-size, size, 0}).bytes, (std::vector<std::int8_t>{-127, 127, 0}));
  }
}

}  // namespace
}  // namespace loewner::detail
