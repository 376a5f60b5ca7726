// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/attend_selected.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "loewner/attention/heavy_keys.hpp"
#include "loewner/base/error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

constexpr Index kKeys = 150, kQueries = 70, kCols = 6, kValues = 4;

struct Case {
  Matrix<float> queries = test::gaussian_matrix({kQueries, kCols, 1}), keys = test::gaussian_matrix({kKeys, kCols, 2}),
                values = test::gaussian_matrix({kKeys, kValues, 3});

  // The definition in float64: the denominator is over all keys for a power, over the selected ones for softmax.
  std::vector<double> expected(Index i, std::span<const Index> indices, std::optional<double> power, double scale,
                               double& mass) const {
    const auto weight = [&](Index j) {
      double product = 0;
      for (Index c = 0; c < kCols; ++c) product += static_cast<double>(queries(i, c)) * keys(j, c);
      return power ? std::pow(std::abs(product), *power) : std::exp(scale * product);
    };
    double all = 0, selected = 0;
    for (Index j = 0; j < kKeys; ++j) all += weight(j);
    std::vector<double> sum(kValues, 0.0);
    for (const Index j : indices) {
      selected += weight(j);
      for (Index c = 0; c < kValues; ++c) sum[c] += weight(j) * values(j, c);
    }
    for (double& x : sum) x /= power ? all : selected;
    mass = selected / all;
    return sum;
  }
};

class AttendSelected : public testing::TestWithParam<std::optional<double>> {};

TEST_P(AttendSelected, MatchesTheDefinition) {
  const Case c;
  std::vector<Index> indices;
  for (Index j = 0; j < kKeys; j += 3) indices.push_back(j);
  const auto found = attend_selected(c.queries.view(), c.keys.view(), c.values.view(), indices, GetParam(), 0.7);
  for (Index i = 0; i < kQueries; ++i) {
    double mass = 0;
    const auto expected = c.expected(i, indices, GetParam(), 0.7, mass);
    for (Index j = 0; j < kValues; ++j) EXPECT_NEAR(found.output(i, j), expected[j], 1e-6);
    EXPECT_NEAR(found.captured_mass[i], mass, 1e-12);
  }
}

TEST_P(AttendSelected, AllKeysCaptureTheWholeMass) {
  const Case c;
  std::vector<Index> all(kKeys);
  std::iota(all.begin(), all.end(), Index{0});
  const auto found = attend_selected(c.queries.view(), c.keys.view(), c.values.view(), all, GetParam());
  for (const double mass : found.captured_mass) EXPECT_NEAR(mass, 1, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Kinds, AttendSelected,
                         testing::Values(std::optional(2.0), std::optional(4.0), std::optional(1.0), std::optional(3.0),
                                         std::optional<double>()));

TEST(AttendSelectedPower, MissingMassIsWithinTheCertificate) {
  const Case c;
  HeavyKeyOptions options;
  options.max_keys = 40;
  const auto heavy = select_heavy_keys(c.keys.view(), options);
  const auto found = attend_selected(c.queries.view(), c.keys.view(), c.values.view(), heavy.indices, 2.0);
  const double left_out = static_cast<double>(kKeys - 40) * heavy.certified_eps;
  for (const double mass : found.captured_mass) EXPECT_GE(mass, 1 - left_out);
}

TEST(AttendSelectedPower, AQueryOrthogonalToAllKeysHasNoOutput) {
  Matrix<float> query(1, 2), keys(3, 2), values(3, 1);
  query(0, 0) = 1;
  for (Index i = 0; i < 3; ++i) keys(i, 1) = values(i, 0) = 1;
  const std::vector<Index> indices = {0, 1};
  const auto found = attend_selected(query.view(), keys.view(), values.view(), indices, 2.0);
  EXPECT_EQ(found.output(0, 0), 0);
  EXPECT_EQ(found.captured_mass[0], 0);
}

TEST(AttendSelectedSoftmax, LongQueriesDoNotOverflow) {
  Case c;
  for (Index i = 0; i < kQueries; ++i) {
    for (float& x : c.queries.row(i)) x *= 1e4F;
  }
  const std::vector<Index> indices = {0, 5, 9};
  const auto found = attend_selected(c.queries.view(), c.keys.view(), c.values.view(), indices, std::nullopt);
  for (Index i = 0; i < kQueries; ++i) {
    for (const float x : found.output.row(i)) EXPECT_TRUE(std::isfinite(x));
  }
}

TEST(AttendSelectedPower, ResultDoesNotDependOnTheNumberOfThreads) {
  const Case c;
  const std::vector<Index> indices = {1, 4, 7, 100};
  const auto mass = [&](int threads) {
    const test::ThreadCount count(threads);
    return attend_selected(c.queries.view(), c.keys.view(), c.values.view(), indices, 2.0).captured_mass;
  };
  const auto one = mass(1);
  EXPECT_EQ(mass(2), one);
  EXPECT_EQ(mass(8), one);
}

TEST(AttendSelectedPower, RejectsInvalidArguments) {
  const Case c;
  const std::vector<Index> good = {0}, far = {kKeys};
  const auto refusal = [&](MatrixView<const float> values, std::span<const Index> indices, double power) {
    return test::message_of<InvalidArgument>(
        [&] { (void)attend_selected(c.queries.view(), c.keys.view(), values, indices, power); });
  };
  EXPECT_CONTAINS(refusal(c.values.view(), far, 2), "indices must be in [0, 150), got 150");
  EXPECT_CONTAINS(refusal(c.values.view(), good, 0.5), "power must be finite and >= 1");
  EXPECT_CONTAINS(refusal(c.values.view().row_block(0, 3), good, 2),
                  "values as many rows as keys, got queries 70 x 6, keys 150 x 6, values 3 x 4");
}

}  // namespace
}  // namespace loewner
