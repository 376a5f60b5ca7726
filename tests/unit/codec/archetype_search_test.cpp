// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/archetype_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/codec/archetypes.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::archetype_search_test {
namespace {

constexpr Index kRows = 3000, kCols = 20, kCount = 10, kPerRow = 3;

// Rows that are scaled mixtures of three of ten Gaussian points, plus noise.
Matrix<float> mixtures() {
  const auto points = test::gaussian_matrix({kCount, kCols, 1}), noise = test::gaussian_matrix({kRows, kCols, 2});
  RandomStream random(3, RandomPurpose::test_data);
  Matrix<float> rows(kRows, kCols);
  for (Index i = 0; i < kRows; ++i) {
    const double scale = 0.2 + 5 * random.uniform();
    for (Index m = 0; m < kPerRow; ++m) {
      const auto point = points.row(static_cast<Index>(random.uniform() * kCount));
      const auto weight = static_cast<float>(scale * random.uniform());
      for (Index j = 0; j < kCols; ++j) rows(i, j) += weight * point[j];
    }
    for (Index j = 0; j < kCols; ++j) rows(i, j) += 0.02F * noise(i, j);
  }
  return rows;
}

double error_with(const RowSource& a, const Matrix<float>& archetypes, std::span<const double> weights = {}) {
  return approximation_errors(a, *encode_archetypes(a, archetypes.view(), kPerRow), weights, 2)
      .weighted_relative_error();
}

// Negative control: random rows instead of archetypes.
TEST(ArchetypeSearch, FindsTheArchetypesOfMixtures) {
  const Matrix<float> a = mixtures();
  const DenseRows rows(a.view());
  const double found = error_with(rows, find_archetypes(rows, {.count = kCount, .per_row = kPerRow}));
  Matrix<float> drawn(kCount, kCols);
  for (Index k = 0; k < kCount; ++k) std::ranges::copy(a.row(k * 277), drawn.row(k).begin());
  EXPECT_LT(found, 0.15);
  EXPECT_LT(found, 0.5 * error_with(rows, drawn));
}

// Two kinds of rows, but archetypes for one kind only: the row weights decide which.
TEST(ArchetypeSearch, DependsOnTheRowWeights) {
  Matrix<float> a = mixtures();
  const auto other = test::gaussian_matrix({kRows, kCols, 7});
  std::vector<double> first(kRows, 1e-6), second(kRows, 1.0);
  for (Index i = 0; i < kRows; i += 2) {
    std::ranges::copy(other.row(i), a.row(i).begin());
    first[i] = 1.0;
    second[i] = 1e-6;
  }
  const DenseRows rows(a.view());
  const auto found_for = [&](const std::vector<double>& weights) {
    return find_archetypes(rows, {.row_weights = weights, .count = kCount, .per_row = kPerRow});
  };
  const auto for_first = found_for(first), for_second = found_for(second);
  EXPECT_LT(error_with(rows, for_first, first), error_with(rows, for_second, first));
  EXPECT_LT(error_with(rows, for_second, second), 0.5 * error_with(rows, for_first, second));
}

TEST(ArchetypeSearch, AllowsMoreArchetypesThanDimensions) {
  const Matrix<float> a = mixtures();
  const DenseRows rows(a.view());
  const auto many = find_archetypes(rows, {.count = 100, .per_row = kPerRow});
  EXPECT_EQ(many.rows(), 100);
  for (Index k = 0; k < 100; ++k) {
    double length = 0;
    for (const float x : many.row(k)) length += static_cast<double>(x) * static_cast<double>(x);
    EXPECT_NEAR(length, 1, 1e-5) << k;
  }
}

TEST(ArchetypeSearch, ReturnsZerosForAZeroMatrix) {
  const Matrix<float> zeros(20, 4);
  const auto found = find_archetypes(DenseRows(zeros.view()), {.count = 3});
  EXPECT_EQ(test::frobenius_norm(found.view()), 0);
}

TEST(ArchetypeSearch, GivesTheSameBitsForAnyNumberOfThreads) {
  const Matrix<float> a = mixtures();
  const auto found = [&](int threads) {
    const test::ThreadCount scope(threads);
    const auto v = find_archetypes(DenseRows(a.view()), {.count = 30, .per_row = kPerRow});
    return std::vector<float>(v.data(), v.data() + 30 * kCols);
  };
  const auto one = found(1);
  EXPECT_EQ(found(2), one);
  EXPECT_EQ(found(8), one);
}

TEST(ArchetypeSearch, RejectsBadArguments) {
  Matrix<float> a = mixtures();
  const DenseRows rows(a.view());
  const auto refusal = [&](Index count, Index per_row) {
    return test::message_of<InvalidArgument>(
        [&] { (void)find_archetypes(rows, {.count = count, .per_row = per_row}); });
  };
  EXPECT_CONTAINS(refusal(0, 4), "must be in [1, 3000] and per_row at least 1, got 0 and 4");
  EXPECT_CONTAINS(refusal(3001, 4), "got 3001 and 4");
  EXPECT_CONTAINS(refusal(5, 0), "got 5 and 0");
  a(11, 3) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(refusal(5, 4), "row 11, column 3");
}

}  // namespace
}  // namespace loewner::archetype_search_test
