// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/projective_clustering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "loewner/base/random.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/robust_subspace.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

ProjectiveClustering fit(const Matrix<float>& a, const ProjectiveClusteringOptions& options) {
  return projective_clustering(DenseRows(a.view()), options);
}

// sum_i u_i min(dist(a_i, S_c(i))^q, t), formed row by row in float64.
double objective_of(const Matrix<float>& a, const ProjectiveClustering& found,
                    const ProjectiveClusteringOptions& options) {
  std::vector<std::vector<double>> distances;
  for (const auto& basis : found.bases) distances.push_back(distances_to_subspace(DenseRows(a.view()), basis.view()));
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    const double r = distances[found.cluster_of_row[i]][i];
    const double weight = options.row_weights.empty() ? 1.0 : options.row_weights[i];
    sum += weight * std::min(options.exponent == 1 ? r : r * r, options.truncation);
  }
  return sum;
}

// Rows of k random subspaces of dimension j in turn, with noise. With outliers, every tenth row is long and has a
// random direction.
struct Planted {
  Matrix<float> a;
  std::vector<Matrix<double>> bases;

  Planted(Index rows, Index cols, Index k, Index j, double noise, bool outliers) : a(rows, cols) {
    for (Index l = 0; l < k; ++l) {
      const auto directions = test::gaussian_matrix({.rows = j, .cols = cols, .seed = 100 + std::uint64_t(l)});
      bases.push_back(truncated_svd(DenseRows(directions.view()), {.rank = j}).vt);
    }
    const auto coordinates = test::gaussian_matrix({.rows = rows, .cols = j, .seed = 98});
    const auto rest = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 99});
    for (Index i = 0; i < rows; ++i) {
      const bool outlier = outliers && i % 10 == 9;
      for (Index c = 0; c < cols; ++c) {
        double sum = (outlier ? 3 : noise) * static_cast<double>(rest(i, c));
        for (Index m = 0; m < j && !outlier; ++m) sum += static_cast<double>(coordinates(i, m)) * bases[i % k](m, c);
        a(i, c) = static_cast<float>(sum);
      }
    }
  }

  // The largest distance of a planted subspace from the closest found one.
  double worst_miss(const ProjectiveClustering& found) const {
    double worst = 0;
    for (const auto& basis : bases) {
      double closest = std::numeric_limits<double>::infinity();
      for (const auto& other : found.bases) {
        closest = std::min(closest, test::subspace_distance(basis.view(), other.view()));
      }
      worst = std::max(worst, closest);
    }
    return worst;
  }
};

// A plain implementation to compare with: each restart starts from a random balanced partition and does ten rounds of
// truncated SVDs and reassignments.
double plain_alternation_objective(const Matrix<float>& a, Index k, Index j, int restarts) {
  double best = std::numeric_limits<double>::infinity();
  for (int restart = 0; restart < restarts; ++restart) {
    RandomStream random(7, RandomPurpose::test_data, static_cast<std::uint64_t>(restart));
    std::vector<Index> label(a.rows());
    for (Index i = 0; i < a.rows(); ++i) label[i] = i % k;
    for (Index i = a.rows() - 1; i > 0; --i) {
      std::swap(label[i], label[static_cast<Index>(random.below(static_cast<std::uint64_t>(i) + 1))]);
    }
    for (int step = 0; step < 10; ++step) {
      std::vector<double> closest(a.rows(), std::numeric_limits<double>::infinity());
      std::vector<Index> next(a.rows());
      for (Index l = 0; l < k; ++l) {
        std::vector<double> inside(a.rows());
        for (Index i = 0; i < a.rows(); ++i) inside[i] = label[i] == l ? 1 : 0;
        const auto svd = truncated_svd(DenseRows(a.view()), {.rank = j, .row_weights = inside});
        const auto distances = distances_to_subspace(DenseRows(a.view()), svd.vt.view());
        for (Index i = 0; i < a.rows(); ++i) {
          if (distances[i] < closest[i]) closest[i] = distances[i], next[i] = l;
        }
      }
      double objective = 0;
      for (const double r : closest) objective += r * r;
      best = std::min(best, objective);
      label = next;
    }
  }
  return best;
}

TEST(ProjectiveClustering, OneClusterIsTheTruncatedSvd) {
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 20, .seed = 1}, test::exponential_decay(20, 0.8));
  const auto found = fit(a, {.num_clusters = 1, .dimension = 6});
  const auto svd = truncated_svd(DenseRows(a.view()), {.rank = 6});
  EXPECT_LE(test::subspace_distance(found.bases[0].view(), svd.vt.view()), 1e-6);
  EXPECT_TRUE(std::ranges::all_of(found.cluster_of_row, [](int label) { return label == 0; }));
}

TEST(ProjectiveClustering, WeightsEqualRepeatedRows) {
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 8, .seed = 2});
  Matrix<float> repeated(90, 8);
  std::vector<double> weights(60, 1.0);
  for (Index i = 0; i < 60; ++i) std::ranges::copy(a.row(i), repeated.row(i).begin());
  for (Index i = 0; i < 30; ++i) {
    weights[i] = 2;
    std::ranges::copy(a.row(i), repeated.row(60 + i).begin());
  }
  const auto weighted = fit(a, {.num_clusters = 1, .dimension = 3, .row_weights = weights});
  const auto plain = fit(repeated, {.num_clusters = 1, .dimension = 3});
  EXPECT_LE(test::subspace_distance(weighted.bases[0].view(), plain.bases[0].view()), 1e-6);
}

TEST(ProjectiveClustering, FindsPlantedSubspaces) {
  const Planted planted(900, 15, 3, 3, 1e-3, false);
  const auto found = fit(planted.a, {.num_clusters = 3, .dimension = 3});
  EXPECT_LE(planted.worst_miss(found), 1e-2);
  for (const auto& basis : found.bases) EXPECT_LE(test::orthonormality_error(basis.view()), 1e-12);
}

TEST(ProjectiveClustering, RobustLossesFindPlantedSubspacesAmongTenPercentOutliers) {
  const Planted planted(900, 15, 3, 3, 1e-3, true);
  const auto linear = fit(planted.a, {.num_clusters = 3, .dimension = 3, .exponent = 1, .num_restarts = 12});
  EXPECT_LE(planted.worst_miss(linear), 1e-2);
  const auto truncated = fit(planted.a, {.num_clusters = 3, .dimension = 3, .truncation = 1.0, .num_restarts = 12});
  EXPECT_LE(planted.worst_miss(truncated), 1e-2);
}

TEST(ProjectiveClustering, SquaredLossMissesPlantedSubspacesAmongOutliers) {  // negative control
  const Planted planted(900, 15, 3, 3, 1e-3, true);
  EXPECT_GE(planted.worst_miss(fit(planted.a, {.num_clusters = 3, .dimension = 3, .num_restarts = 12})), 0.1);
}

TEST(ProjectiveClustering, IsNotWorseThanPlainAlternationWithAsManyRestarts) {
  for (const double noise : {0.05, 0.1}) {
    const Planted planted(600, 20, 4, 5, noise, true);
    const auto found = fit(planted.a, {.num_clusters = 4, .dimension = 5, .num_restarts = 10, .tolerance = 1e-6});
    EXPECT_LE(found.report.final_objective, plain_alternation_objective(planted.a, 4, 5, 10) * (1 + 1e-6));
  }
}

TEST(ProjectiveClustering, ObjectiveNeverIncreasesAndIsNeverAboveThatOfOneSubspace) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 400, .cols = 20, .seed = 3}, 8, 0.1, 0.05, 8);
  for (const double exponent : {1.0, 2.0}) {
    for (const double truncation : {2.0, std::numeric_limits<double>::infinity()}) {
      double previous = std::numeric_limits<double>::infinity();
      for (int steps = 1; steps <= 8; ++steps) {
        const auto found = fit(a, {.num_clusters = 3,
                                   .dimension = 4,
                                   .exponent = exponent,
                                   .truncation = truncation,
                                   .max_iterations = steps});
        EXPECT_LE(found.report.final_objective, previous);
        EXPECT_LE(found.report.final_objective, found.report.initial_objective);
        previous = found.report.final_objective;
      }
    }
  }
}

TEST(ProjectiveClustering, ReportsTheObjectiveOfTheResult) {
  const auto a = test::student_t_with_decay({.rows = 500, .cols = 16, .seed = 4}, 3, 0.8);
  std::vector<double> weights(500);
  for (Index i = 0; i < 500; ++i) weights[i] = 1 / (1.0 + static_cast<double>(i));
  for (const Index dimension : {3, 12}) {  // distances by coordinates inside and outside the subspace
    for (const double exponent : {1.0, 2.0}) {
      const ProjectiveClusteringOptions options{
          .num_clusters = 3, .dimension = dimension, .exponent = exponent, .row_weights = weights};
      const auto found = fit(a, options);
      EXPECT_NEAR(found.report.final_objective, objective_of(a, found, options), 2e-3 * found.report.final_objective);
    }
  }
}

TEST(ProjectiveClustering, EveryRowIsInTheClusterOfItsClosestSubspace) {
  const auto a = test::gaussian_matrix({.rows = 300, .cols = 10, .seed = 5});
  const auto found = fit(a, {.num_clusters = 4, .dimension = 3});
  std::vector<std::vector<double>> distances;
  for (const auto& basis : found.bases) distances.push_back(distances_to_subspace(DenseRows(a.view()), basis.view()));
  for (Index i = 0; i < 300; ++i) {
    for (const auto& other : distances) EXPECT_LE(distances[found.cluster_of_row[i]][i], other[i] + 1e-4);
  }
}

TEST(ProjectiveClustering, ResultDoesNotDependOnTheNumberOfThreads) {
  const auto a = test::student_t_with_decay({.rows = 9000, .cols = 40, .seed = 6}, 3, 0.9);
  const ProjectiveClusteringOptions options{
      .num_clusters = 3, .dimension = 10, .exponent = 1, .num_restarts = 3, .max_iterations = 3, .seed = 5};
  const auto with_threads = [&](int threads) {
    const test::ThreadCount scope(threads);
    return fit(a, options);
  };
  const auto one = with_threads(1);
  for (const int threads : {2, 8}) {
    const auto many = with_threads(threads);
    EXPECT_EQ(many.cluster_of_row, one.cluster_of_row) << threads << " threads";
    for (std::size_t l = 0; l < one.bases.size(); ++l) {
      EXPECT_TRUE(std::equal(one.bases[l].data(), one.bases[l].data() + 400, many.bases[l].data()));
    }
  }
}

TEST(ProjectiveClustering, AcceptsMoreClustersThanTheRowsCanFill) {
  const auto a = test::gaussian_matrix({.rows = 7, .cols = 6, .seed = 7});
  const auto found = fit(a, {.num_clusters = 5, .dimension = 3});
  EXPECT_EQ(found.bases.size(), 5U);
  EXPECT_LE(found.report.final_objective, 1e-9);
}

TEST(ProjectiveClustering, DegenerateInputGivesFiniteOrthonormalBases) {
  const Matrix<float> zeros(20, 6);
  Matrix<float> equal(20, 6), two(2, 5), column(30, 1),
      huge = test::gaussian_matrix({.rows = 60, .cols = 6, .seed = 8});
  std::fill_n(equal.data(), 120, 2.5F);
  two(0, 0) = 1, two(1, 3) = -4;
  for (Index i = 0; i < 30; ++i) column(i, 0) = static_cast<float>(i) - 10;
  for (float& x : huge.row(7)) x *= 1e12F;
  Matrix<float> duplicated(60, 6);
  for (Index i = 0; i < 60; ++i) std::ranges::copy(huge.row(i % 3), duplicated.row(i).begin());
  for (const Matrix<float>* a : {&zeros, &std::as_const(equal), &std::as_const(two), &std::as_const(column),
                                 &std::as_const(huge), &std::as_const(duplicated)}) {
    for (const double exponent : {1.0, 2.0}) {
      for (const double truncation : {1e-3, std::numeric_limits<double>::infinity()}) {
        for (const Index dimension : {Index{0}, Index{1}, a->cols()}) {
          const auto found =
              fit(*a, {.num_clusters = 3, .dimension = dimension, .exponent = exponent, .truncation = truncation});
          ASSERT_EQ(found.bases.size(), 3U);
          EXPECT_TRUE(std::isfinite(found.report.final_objective));
          for (const auto& basis : found.bases) EXPECT_LE(test::orthonormality_error(basis.view()), 1e-12);
        }
      }
    }
  }
}

TEST(ProjectiveClustering, FitsEqualRowsExactly) {
  Matrix<float> equal(20, 6);
  std::fill_n(equal.data(), 120, 2.5F);
  EXPECT_LE(fit(equal, {.num_clusters = 2, .dimension = 1}).report.final_objective, 1e-9);
}

TEST(ProjectiveClustering, OneHugeRowKeepsTheObjectiveFinite) {
  auto a = Planted(300, 12, 2, 2, 1e-3, false).a;
  for (float& x : a.row(7)) x *= 1e10F;
  const ProjectiveClusteringOptions options{.num_clusters = 2, .dimension = 2};
  const auto found = fit(a, options);
  EXPECT_TRUE(std::isfinite(found.report.final_objective));
  EXPECT_LE(found.report.final_objective, found.report.initial_objective);
}

TEST(ProjectiveClustering, RejectsInvalidArguments) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 5, .seed = 9});
  const auto refusal = [&](const ProjectiveClusteringOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)fit(a, options); });
  };
  EXPECT_CONTAINS(refusal({.num_clusters = 0}), "num_clusters must be in [1, 256], got 0");
  EXPECT_CONTAINS(refusal({.num_clusters = 257}), "got 257");
  EXPECT_CONTAINS(refusal({.dimension = 6}), "dimension must be in [0, 5], got 6");
  EXPECT_CONTAINS(refusal({.exponent = 3}), "exponent must be 1 or 2");
  EXPECT_CONTAINS(refusal({.truncation = 0}), "truncation must be > 0, got 0");
  EXPECT_CONTAINS(refusal({.num_restarts = 0}), "num_restarts must be in [1, 1000], got 0");
  const std::vector<double> weights(19, 1.0);
  EXPECT_CONTAINS(refusal({.row_weights = weights}), "row_weights must have one value per row (20), got 19");
  a(3, 2) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(refusal({}), "non-finite value at row 3, column 2");
  EXPECT_THROW((void)fit(Matrix<float>(0, 5), {.dimension = 1}), InvalidArgument);
}

}  // namespace
}  // namespace loewner
