// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/budgeted_clustering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

BudgetedClustering fit(const Matrix<float>& a, const BudgetedClusteringOptions& options) {
  return budgeted_clustering(DenseRows(a.view()), options);
}

std::vector<double> zipf(Index rows) {
  std::vector<double> weights(rows);
  for (Index i = 0; i < rows; ++i) weights[i] = 1 / (10.0 + static_cast<double>(i));
  return weights;
}

TEST(BudgetedClustering, ReturnsTheSpectrumOfEveryCluster) {
  const auto a = test::student_t_with_decay({.rows = 700, .cols = 20, .seed = 1}, 3, 0.85);
  const auto weights = zipf(700);
  const auto found = fit(a, {.num_clusters = 4, .max_numbers = 6000, .row_weights = weights});
  for (std::size_t l = 0; l < found.clusters.size(); ++l) {
    std::vector<double> inside = weights;
    Index rows = 0;
    for (Index i = 0; i < 700; ++i) {
      if (found.cluster_of_row[i] == l) {
        ++rows;
      } else {
        inside[i] = 0;
      }
    }
    const auto expected = symmetric_eigen(gram(DenseRows(a.view()), inside)).values;
    EXPECT_EQ(found.clusters[l].rows, rows);
    for (Index i = 0; i < 20; ++i) EXPECT_NEAR(found.clusters[l].eigenvalues[i], expected[i], 1e-9 * expected[0]);
  }
}

TEST(BudgetedClustering, UnequalDimensionsBeatEqualOnesOnWeightedRows) {
  const auto a = test::matrix_with_spectrum({.rows = 2000, .cols = 30, .seed = 2}, test::exponential_decay(30, 0.95));
  const auto weights = zipf(2000);
  const Index budget = 30000;
  const auto free = fit(a, {.num_clusters = 3, .max_numbers = budget, .row_weights = weights});
  const auto equal = projective_clustering(
      DenseRows(a.view()), {.num_clusters = 3, .dimension = budget / (2000 + 3 * 30), .row_weights = weights});
  EXPECT_LE(free.report.final_objective, 0.7 * equal.report.final_objective);
}

TEST(BudgetedClustering, SquaredErrorDecreasesWithStepsAndIsNeverAboveThatOfOneSubspace) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 900, .cols = 24, .seed = 3}, 8, 0.2, 0.05, 8);
  double previous = std::numeric_limits<double>::infinity();
  for (int steps = 1; steps <= 8; ++steps) {
    const auto found = fit(a, {.num_clusters = 4, .max_numbers = 9000, .max_iterations = steps, .tolerance = 0});
    EXPECT_LE(found.report.final_objective, previous);
    EXPECT_LE(found.report.final_objective, found.report.initial_objective);
    previous = found.report.final_objective;
  }
}

TEST(BudgetedClustering, ChosenNumberOfClustersDoesNotGrowWithoutGain) {
  const auto a = test::matrix_with_spectrum({.rows = 800, .cols = 20, .seed = 4}, test::exponential_decay(8, 0.9));
  const auto found = fit(a, {.num_clusters = std::nullopt, .max_numbers = 8 * (800 + 20)});
  EXPECT_LE(found.report.final_objective, found.report.initial_objective);
  EXPECT_LE(found.clusters.size(), 2U);  // one subspace of dimension 8 has all rows
  const auto noise = test::gaussian_matrix({.rows = 3000, .cols = 16, .seed = 4});
  EXPECT_GE(fit(noise, {.num_clusters = std::nullopt, .max_numbers = 24000}).clusters.size(), 4U);
}

TEST(BudgetedClustering, ContinuesFromGivenLabels) {
  const auto a = test::student_t_with_decay({.rows = 600, .cols = 20, .seed = 5}, 3, 0.85);
  const auto first = fit(a, {.num_clusters = 3, .max_numbers = 5000, .max_iterations = 3});
  const auto second = fit(a, {.num_clusters = std::nullopt,
                              .max_numbers = 5000,
                              .max_iterations = 10,
                              .tolerance = 0,
                              .start = first.cluster_of_row});
  EXPECT_LE(second.report.final_objective, first.report.final_objective * (1 + 1e-9));
  EXPECT_LE(second.clusters.size(), 3U);
}

TEST(BudgetedClustering, ResultDoesNotDependOnTheNumberOfThreads) {
  const auto a = test::student_t_with_decay({.rows = 9000, .cols = 40, .seed = 6}, 3, 0.9);
  const auto with_threads = [&](int threads) {
    const test::ThreadCount scope(threads);
    return fit(a, {.num_clusters = 4, .max_numbers = 150000, .max_iterations = 4});
  };
  const auto one = with_threads(1);
  for (const int threads : {2, 8}) {
    const auto many = with_threads(threads);
    EXPECT_EQ(many.cluster_of_row, one.cluster_of_row);
    EXPECT_EQ(many.report.final_objective, one.report.final_objective);
  }
}

TEST(BudgetedClustering, AcceptsDegenerateInput) {
  const Matrix<float> zeros(20, 6);
  Matrix<float> equal(20, 6), two(2, 5), column(30, 1);
  auto huge = test::gaussian_matrix({.rows = 60, .cols = 6, .seed = 7});
  std::fill_n(equal.data(), 120, 2.5F);
  two(0, 0) = 1, two(1, 3) = -4;
  for (Index i = 0; i < 30; ++i) column(i, 0) = static_cast<float>(i) - 10;
  for (float& x : huge.row(7)) x *= 1e12F;
  for (const Matrix<float>* a :
       {&zeros, static_cast<const Matrix<float>*>(&equal), static_cast<const Matrix<float>*>(&two),
        static_cast<const Matrix<float>*>(&column), static_cast<const Matrix<float>*>(&huge)}) {
    for (const Index budget : {Index{0}, Index{10}, a->rows() * a->cols()}) {
      for (const std::optional<Index> k : {std::optional<Index>(5), std::optional<Index>()}) {
        const auto found = fit(*a, {.num_clusters = k, .max_numbers = budget});
        EXPECT_TRUE(std::isfinite(found.report.final_objective));
        for (const auto& cluster : found.clusters) EXPECT_GT(cluster.rows, 0);
      }
    }
  }
}

TEST(BudgetedClustering, RejectsInvalidArguments) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 5, .seed = 8});
  const auto refusal = [&](const BudgetedClusteringOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)fit(a, options); });
  };
  EXPECT_CONTAINS(refusal({.num_clusters = 0}), "num_clusters must be in [1, 256], got 0");
  EXPECT_CONTAINS(refusal({.num_clusters = 2, .max_numbers = -1}), "max_numbers must be >= 0, got -1");
  const ClusterLabels labels(19);
  EXPECT_CONTAINS(refusal({.num_clusters = 2, .start = labels}), "one label per row, 20, got 19");
  a(3, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(refusal({.num_clusters = 2}), "non-finite value at row 3, column 2");
}

}  // namespace
}  // namespace loewner
