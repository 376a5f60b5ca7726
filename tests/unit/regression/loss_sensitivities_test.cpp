// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/loss_sensitivities.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "loewner/norms/loss.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "support/regression_data.hpp"

namespace loewner::loss_sensitivities_test {
namespace {

// The largest share of each row over random x and over the dual directions of single rows, at many lengths.
std::vector<double> largest_shares(const Matrix<double>& a, const Loss& loss, int trials) {
  const auto basis = test::orthonormal_columns(a.clone());
  std::vector<double> largest(a.rows(), 0.0);
  RandomStream random(1, RandomPurpose::test_data, 5);
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> x(a.cols()), values(a.rows());
    const Index target = static_cast<Index>(random.below(static_cast<std::uint64_t>(a.rows())));
    for (Index k = 0; k < a.cols(); ++k) x[k] = trial % 2 == 0 ? basis(target, k) : random.normal();
    double size = 0, sum = 0;
    for (Index i = 0; i < a.rows(); ++i) {
      values[i] = std::inner_product(x.begin(), x.end(), basis.row(i).begin(), 0.0);
      size = std::max(size, std::abs(values[i]));
    }
    const double scale = std::pow(10.0, 6 * random.uniform() - 2) / size;
    for (double& value : values) sum += value = loss.value(std::abs(scale * value));
    for (Index i = 0; i < a.rows(); ++i) largest[i] = std::max(largest[i], values[i] / sum);
  }
  return largest;
}

Matrix<double> big_rows(Index n) {
  auto a = test::gaussian_matrix64(n, 3, 2);
  for (Index i = 0; i < 20; ++i) {
    for (double& x : a.row(i * 7)) x *= 50;
  }
  return a;
}

TEST(LossSensitivities, AreAboveTheSharesOfHuberLosses) {
  const auto a = big_rows(200);
  const auto bounds = loss_sensitivities(RowMatrix(a.view()), 2);
  const auto shares = largest_shares(a, Loss::huber(1), 6000);
  for (Index i = 0; i < 200; ++i) EXPECT_LE(shares[i], bounds[i]) << i;
}

TEST(LossSensitivities, LeverageScoresAreBelowSomeShares) {  // the negative control
  const auto a = big_rows(200);
  const auto scores = leverage_scores(RowMatrix(a.view())).scores;
  const auto shares = largest_shares(a, Loss::huber(1), 6000);
  bool exceeded = false;
  for (Index i = 0; i < 200; ++i) exceeded = exceeded || shares[i] > 2 * scores[i];
  EXPECT_TRUE(exceeded);
}

TEST(LossSensitivities, SumToAtMostTheDimensionTimesALogarithm) {
  const auto a = test::gaussian_matrix64(3000, 4, 3);
  const auto bounds = loss_sensitivities(RowMatrix(a.view()), 2);
  const double total = std::accumulate(bounds.begin(), bounds.end(), 0.0);
  EXPECT_GE(total, 1);
  EXPECT_LE(total, 4 * 4 * std::log2(3000));
}

TEST(LossSensitivities, DependOnTheSeedAndNotOnThreads) {
  const auto a = big_rows(400);
  const auto run = [&](int threads) {
    const test::ThreadCount scope(threads);
    return loss_sensitivities(RowMatrix(a.view()), 1.5, 7);
  };
  EXPECT_EQ(run(1), run(2));
  EXPECT_EQ(run(1), run(8));
}

TEST(LossSensitivities, AreZeroForZeroRows) {
  auto a = test::gaussian_matrix64(30, 2, 4);
  std::ranges::fill(a.row(3), 0.0);
  const auto bounds = loss_sensitivities(RowMatrix(a.view()), 2);
  EXPECT_EQ(bounds[3], 0);
  EXPECT_GT(*std::ranges::min_element(bounds.begin() + 4, bounds.end()), 0);
  EXPECT_THROW((void)loss_sensitivities(RowMatrix(a.view()), 0.5), InvalidArgument);
}

}  // namespace
}  // namespace loewner::loss_sensitivities_test
