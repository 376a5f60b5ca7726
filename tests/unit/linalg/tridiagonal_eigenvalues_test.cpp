// SPDX-License-Identifier: Apache-2.0
#include "linalg/tridiagonal_eigenvalues.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "loewner/base/random.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "support/sketching.hpp"

namespace loewner::detail {
namespace {

std::vector<double> by_lapack(const std::vector<float>& diagonal, const std::vector<float>& beside) {
  const auto n = static_cast<Index>(diagonal.size());
  Matrix<double> t(n, n);
  for (Index i = 0; i < n; ++i) t(i, i) = diagonal[i];
  for (Index i = 0; i + 1 < n; ++i) t(i, i + 1) = t(i + 1, i) = beside[i];
  auto values = symmetric_eigen(std::move(t)).values;
  std::ranges::reverse(values);
  return values;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  const double norm = std::max(std::abs(expected.front()), std::abs(expected.back()));
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], 1e-6 * norm) << k;
}

std::vector<float> gaussian(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::test_data);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

TEST(TridiagonalEigenvalues, AreThoseOfASecondDifference) {
  for (const std::size_t n : {1, 2, 3, 63, 64, 65, 384}) {
    std::vector<double> expected;
    for (std::size_t k = 1; k <= n; ++k) {
      expected.push_back(2 - 2 * std::cos(std::numbers::pi * static_cast<double>(k) / static_cast<double>(n + 1)));
    }
    expect_near(tridiagonal_eigenvalues(std::vector(n, 2.0F), std::vector(n - 1, -1.0F)), expected);
  }
}

TEST(TridiagonalEigenvalues, AreThoseOfLapackForEntriesOfAnySizeAndSign) {
  for (const std::size_t n : {5, 100, 200}) {
    auto diagonal = gaussian(n, 1), beside = gaussian(n - 1, 2);
    expect_near(tridiagonal_eigenvalues(diagonal, beside), by_lapack(diagonal, beside));
    for (std::size_t i = 0; i < n; ++i) diagonal[i] *= std::pow(0.9F, static_cast<float>(i));
    for (std::size_t i = 0; i + 1 < n; ++i) beside[i] *= std::pow(0.9F, static_cast<float>(i));
    expect_near(tridiagonal_eigenvalues(diagonal, beside), by_lapack(diagonal, beside));
    const double largest = by_lapack(diagonal, beside).back();
    beside[0] += 0.1F;  // the control: one changed entry is noticed
    EXPECT_GT(std::abs(tridiagonal_eigenvalues(diagonal, beside).back() - largest), 1e-3);
  }
}

TEST(TridiagonalEigenvalues, AreAccurateForZeroEntriesAndVanishingPivots) {
  EXPECT_TRUE(tridiagonal_eigenvalues({}, {}).empty());
  EXPECT_EQ(tridiagonal_eigenvalues(std::vector(9, 0.0F), std::vector(8, 0.0F)), std::vector<double>(9));
  expect_near(tridiagonal_eigenvalues(std::vector(70, 3.0F), std::vector(69, 0.0F)), std::vector(70, 3.0));
  // At 0, the first point of the bisection, every second pivot is 0.
  const std::vector<float> diagonal(40, 0.0F), beside(39, 1.0F);
  expect_near(tridiagonal_eigenvalues(diagonal, beside), by_lapack(diagonal, beside));
}

TEST(TridiagonalEigenvalues, AreTheSameBitsOnEveryInstructionSet) {
  const auto diagonal = gaussian(100, 1), beside = gaussian(99, 2);
  EXPECT_TRUE(test::same_bits_everywhere([&] {
    const auto values = tridiagonal_eigenvalues(diagonal, beside);
    Matrix<double> row(1, static_cast<Index>(values.size()));
    std::ranges::copy(values, row.data());
    return row;
  }));
}

}  // namespace
}  // namespace loewner::detail
