// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/rotation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "loewner/base/error.hpp"
#include "support/instruction_sets.hpp"
#include "support/matrices.hpp"

namespace loewner::rotation_test {
namespace {

double squared_norm(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  return sum;
}

class RotationOf : public testing::TestWithParam<Index> {};

TEST_P(RotationOf, PreservesLengthsAndHasAnInverse) {
  const auto a = test::gaussian_matrix({.rows = 1, .cols = GetParam(), .seed = 1});
  std::vector<float> x(a.row(0).begin(), a.row(0).end());
  const Rotation rotation(GetParam(), 7);
  rotation.apply(x);
  EXPECT_NEAR(squared_norm(x), squared_norm(a.row(0)), 1e-5 * squared_norm(a.row(0)));
  rotation.apply_inverse(x, 2);
  for (Index j = 0; j < GetParam(); ++j) EXPECT_NEAR(x[j], 2 * a(0, j), 2e-5) << j;
}

// Worst case: a vector with a single nonzero entry.
TEST_P(RotationOf, SpreadsASingleEntry) {
  for (const Index at : {Index{0}, GetParam() / 2, GetParam() - 1}) {
    std::vector<float> x(static_cast<std::size_t>(GetParam()));
    x[at] = 1;
    Rotation(GetParam(), 7).apply(x);
    double largest = 0;
    for (const float value : x) largest = std::max(largest, static_cast<double>(value) * value);
    EXPECT_LT(largest * static_cast<double>(GetParam()), 25) << at;  // about 14 for 1000 Gaussian entries
  }
}

TEST_P(RotationOf, HasTheSameBitsOnEveryInstructionSet) {
  const auto a = test::gaussian_matrix({.rows = 1, .cols = GetParam(), .seed = 1});
  const Rotation rotation(GetParam(), 7);
  std::vector<float> expected;
  for (const auto isa : test::kInstructionSets) {
    const test::IsaLimit limit(isa);
    std::vector<float> x(a.row(0).begin(), a.row(0).end());
    rotation.apply(x);
    if (expected.empty()) expected = x;
    EXPECT_EQ(x, expected) << static_cast<int>(isa);
  }
}

TEST_P(RotationOf, IntoAnotherVectorGivesTheBitsOfInPlace) {
  const auto a = test::gaussian_matrix({.rows = 1, .cols = GetParam(), .seed = 1});
  const Rotation rotation(GetParam(), 7);
  std::vector<float> x(a.row(0).begin(), a.row(0).end()), rotated(x.size());
  rotation.apply(a.row(0), rotated);
  rotation.apply(x);
  EXPECT_EQ(rotated, x);
}

// Powers of two, small odd parts (384, 768, 24), large odd parts (67, 513, 1009).
INSTANTIATE_TEST_SUITE_P(Cols, RotationOf,
                         testing::Values(1, 2, 3, 8, 16, 24, 32, 64, 67, 100, 384, 512, 513, 768, 1009, 1024, 2048,
                                         4096, 8192));

TEST(Rotation, DependsOnTheSeed) {
  std::vector<float> x(64, 1), y(64, 1), z(64, 1);
  Rotation(64, 1).apply(x);
  Rotation(64, 1).apply(y);
  Rotation(64, 2).apply(z);
  EXPECT_EQ(x, y);
  EXPECT_NE(x, z);
}

TEST(Rotation, RejectsZeroColumns) {
  EXPECT_THROW(Rotation(0, 1), InvalidArgument);
}

}  // namespace
}  // namespace loewner::rotation_test
