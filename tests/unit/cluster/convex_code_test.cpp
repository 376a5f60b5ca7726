// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/convex_code.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

Matrix<double> wide_gaussian(Index rows, Index cols, std::uint64_t seed) {
  const auto narrow = test::gaussian_matrix({rows, cols, seed});
  Matrix<double> result(rows, cols);
  for (Index i = 0; i < rows; ++i) std::ranges::copy(narrow.row(i), result.row(i).begin());
  return result;
}

Matrix<double> dense(const ConvexCodes& codes, Index vertices) {
  Matrix<double> weights(static_cast<Index>(codes.row_offsets.size()) - 1, vertices);
  for (Index i = 0; i < weights.rows(); ++i) {
    for (auto k = codes.row_offsets[i]; k < codes.row_offsets[i + 1]; ++k)
      weights(i, codes.columns[k]) = codes.weights[k];
  }
  return weights;
}

double squared_distance(const Matrix<double>& vertices, std::span<const double> weights, std::span<const double> row) {
  double sum = 0;
  for (Index c = 0; c < vertices.cols(); ++c) {
    double rest = row[c];
    for (Index j = 0; j < vertices.rows(); ++j) rest -= weights[j] * vertices(j, c);
    sum += rest * rest;
  }
  return sum;
}

class ConvexCodeWith : public testing::TestWithParam<Index> {};

TEST_P(ConvexCodeWith, SatisfiesTheOptimalityConditions) {
  const Index k = GetParam();
  const auto vertices = wide_gaussian(k, 30, 1), a = wide_gaussian(200, 30, 2);
  const auto codes = convex_code(vertices.view(), RowMatrix(a.view()), {.gap = 1e-10});
  const auto weights = dense(codes, k);
  EXPECT_LE(codes.largest_gap, 1e-10);
  for (Index i = 0; i < 200; ++i) {
    EXPECT_NEAR(std::accumulate(weights.row(i).begin(), weights.row(i).end(), 0.0), 1, 1e-12);
    EXPECT_GE(std::ranges::min(weights.row(i)), 0);
    EXPECT_NEAR(codes.squared_distances[i], squared_distance(vertices, weights.row(i), a.row(i)), 1e-9);
    // The distance decreases towards no vertex.
    std::vector<double> rest(a.row(i).begin(), a.row(i).end());
    for (Index j = 0; j < k; ++j) {
      for (Index c = 0; c < 30; ++c) rest[c] -= weights(i, j) * vertices(j, c);
    }
    for (Index j = 0; j < k; ++j) {
      double slope = 0;
      for (Index c = 0; c < 30; ++c) {
        double at = a(i, c) - rest[c];
        slope += rest[c] * (vertices(j, c) - at);
      }
      EXPECT_LE(slope, 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Vertices, ConvexCodeWith, testing::Values(1, 2, 7, 30, 100));

// The products of a row's residual with all vertices.
std::vector<double> slopes_of(const Matrix<double>& vertices, std::span<const double> weights, double scale,
                              std::span<const double> row) {
  std::vector<double> rest(row.begin(), row.end()), slopes;
  for (Index j = 0; j < vertices.rows(); ++j) {
    for (Index c = 0; c < vertices.cols(); ++c) rest[c] -= scale * weights[j] * vertices(j, c);
  }
  for (Index j = 0; j < vertices.rows(); ++j) {
    slopes.push_back(std::inner_product(rest.begin(), rest.end(), vertices.row(j).begin(), 0.0));
  }
  return slopes;
}

// Optimality conditions of min ||a - M^T x|| over x >= 0. Negative control: convex codes without a scale violate them.
TEST(ConvexCode, ScaledCodesSatisfyTheConditionsOfNonNegativeLeastSquares) {
  const auto vertices = wide_gaussian(7, 30, 1), a = wide_gaussian(200, 30, 2);
  const auto worst_slope = [&](bool scaled) {
    const auto codes = convex_code(vertices.view(), RowMatrix(a.view()), {.gap = 1e-12, .scaled = scaled});
    const auto weights = dense(codes, 7);
    double worst = 0;
    for (Index i = 0; i < 200; ++i) {
      EXPECT_GE(codes.scales[i], 0);
      const auto slopes = slopes_of(vertices, weights.row(i), codes.scales[i], a.row(i));
      for (Index j = 0; j < 7; ++j) {
        if (codes.scales[i] > 0) worst = std::max({worst, slopes[j], weights(i, j) > 0 ? -slopes[j] : 0.0});
      }
    }
    return worst;
  };
  EXPECT_LT(worst_slope(true), 1e-3);
  EXPECT_GT(worst_slope(false), 1);
}

// The squared distance of a row from the cone of vertices in the plane: some pair of them spans it.
double distance_from_plane_cone(const Matrix<double>& vertices, std::span<const double> row) {
  double least = row[0] * row[0] + row[1] * row[1];
  for (Index i = 0; i < vertices.rows(); ++i) {
    const auto v = vertices.row(i);
    const double squared = v[0] * v[0] + v[1] * v[1], along = std::max(0.0, v[0] * row[0] + v[1] * row[1]);
    if (squared > 0) least = std::min(least, row[0] * row[0] + row[1] * row[1] - along * along / squared);
    for (Index j = 0; j < i; ++j) {
      const auto w = vertices.row(j);
      const double area = v[0] * w[1] - v[1] * w[0];
      const double of_v = (row[0] * w[1] - row[1] * w[0]) / area, of_w = (v[0] * row[1] - v[1] * row[0]) / area;
      if (area != 0 && of_v >= 0 && of_w >= 0) return 0;
    }
  }
  return std::max(0.0, least);
}

// Weights and scale in turn stand still elsewhere: for 514 of 6000 such rows, with a gap of 1e-15.
TEST(ConvexCode, ScaledCodesAreNearestPointsOfTheCone) {
  RandomStream random(1, RandomPurpose::test_data, 0);
  for (int trial = 0; trial < 1000; ++trial) {
    Matrix<double> vertices(3, 2), a(1, 2);
    for (Index i = 0; i < 6; ++i) vertices.data()[i] = static_cast<double>(random.below(7)) - 3;
    for (Index i = 0; i < 2; ++i) a(0, i) = static_cast<double>(random.below(7)) - 3;
    const auto codes = convex_code(vertices.view(), RowMatrix(a.view()), {.scaled = true});
    EXPECT_NEAR(codes.squared_distances[0], distance_from_plane_cone(vertices, a.row(0)), 1e-10) << trial;
    EXPECT_LE(codes.largest_gap, 1e-6);
    const double sum = std::accumulate(codes.weights.begin(), codes.weights.end(), 0.0);
    EXPECT_NEAR(sum, 1, 1e-14);
  }
}

TEST(ConvexCode, ScaledSparseCodesAreExactForMultiplesOfConvexCombinations) {
  const auto vertices = wide_gaussian(20, 30, 1);
  Matrix<double> rows(60, 30);
  for (Index i = 0; i < 60; ++i) {
    for (Index c = 0; c < 30; ++c) {
      rows(i, c) = std::pow(10.0, i % 7 - 3) * (0.7 * vertices(i % 20, c) + 0.3 * vertices((i + 3) % 20, c));
    }
  }
  const auto left = [&](bool scaled) {
    const auto codes = convex_code(vertices.view(), RowMatrix(rows.view()), {.sparsity = 2, .scaled = scaled});
    double worst = 0;
    for (Index i = 0; i < 60; ++i) {
      const double length = std::inner_product(rows.row(i).begin(), rows.row(i).end(), rows.row(i).begin(), 0.0);
      worst = std::max(worst, codes.squared_distances[i] / length);
      if (scaled) {
        EXPECT_NEAR(codes.scales[i] / std::pow(10.0, i % 7 - 3), 1, 1e-3);
      }
    }
    return worst;
  };
  EXPECT_LT(left(true), 1e-5);
  EXPECT_GT(left(false), 0.5);
}

TEST(ConvexCode, MatchesAGridSearchOverThreeVertices) {
  const auto vertices = wide_gaussian(3, 4, 1), a = wide_gaussian(20, 4, 2);
  const auto codes = convex_code(vertices.view(), RowMatrix(a.view()), {.gap = 1e-12});
  for (Index i = 0; i < 20; ++i) {
    double best = std::numeric_limits<double>::infinity();
    for (int p = 0; p <= 200; ++p) {
      for (int q = 0; p + q <= 200; ++q) {
        const std::vector<double> w = {p / 200.0, q / 200.0, (200 - p - q) / 200.0};
        best = std::min(best, squared_distance(vertices, w, a.row(i)));
      }
    }
    EXPECT_LE(codes.squared_distances[i], best + 1e-12);
    EXPECT_GE(codes.squared_distances[i], best - 0.01);
  }
}

TEST(ConvexCode, PointsInsideTheHullAreExact) {
  const auto vertices = wide_gaussian(8, 20, 1);
  Matrix<double> a(50, 20);
  RandomStream random(3, RandomPurpose::test_data);
  for (Index i = 0; i < 50; ++i) {
    std::vector<double> w(8);
    for (double& x : w) x = -std::log(1 - random.uniform());
    const double sum = std::accumulate(w.begin(), w.end(), 0.0);
    for (Index j = 0; j < 8; ++j) {
      for (Index c = 0; c < 20; ++c) a(i, c) += w[j] / sum * vertices(j, c);
    }
  }
  const auto codes = convex_code(vertices.view(), RowMatrix(a.view()), {.gap = 1e-14});
  EXPECT_LT(std::ranges::max(codes.squared_distances), 1e-12);
}

TEST(ConvexCode, SparseCodesAreTheBestOnTheirVertices) {
  const auto vertices = wide_gaussian(40, 30, 1), a = wide_gaussian(100, 30, 2);
  const auto full = convex_code(vertices.view(), RowMatrix(a.view())),
             sparse = convex_code(vertices.view(), RowMatrix(a.view()), {.sparsity = 3, .gap = 1e-10});
  const auto full_weights = dense(full, 40), weights = dense(sparse, 40);
  double cut = 0, solved = 0;
  for (Index i = 0; i < 100; ++i) {
    EXPECT_LE(sparse.row_offsets[i + 1] - sparse.row_offsets[i], 3);
    EXPECT_NEAR(std::accumulate(weights.row(i).begin(), weights.row(i).end(), 0.0), 1, 1e-12);
    EXPECT_GE(sparse.squared_distances[i], full.squared_distances[i] - 1e-9);
    // Negative control: the full code's weights, restricted to the same vertices and normalized, are worse.
    std::vector<double> scaled(40, 0.0);
    double sum = 0;
    for (auto k = sparse.row_offsets[i]; k < sparse.row_offsets[i + 1]; ++k) sum += full_weights(i, sparse.columns[k]);
    for (auto k = sparse.row_offsets[i]; k < sparse.row_offsets[i + 1]; ++k) {
      scaled[sparse.columns[k]] = full_weights(i, sparse.columns[k]) / sum;
    }
    cut += squared_distance(vertices, scaled, a.row(i));
    solved += sparse.squared_distances[i];
  }
  EXPECT_LT(solved, 0.99 * cut);
}

TEST(ConvexCode, AcceptsRepeatedAndDependentVertices) {
  Matrix<double> vertices(6, 3);
  const auto three = wide_gaussian(3, 3, 1);
  for (Index j = 0; j < 6; ++j) std::ranges::copy(three.row(j % 3), vertices.row(j).begin());
  const auto a = wide_gaussian(50, 3, 2);
  const auto twice = convex_code(vertices.view(), RowMatrix(a.view()), {.gap = 1e-10}),
             once = convex_code(three.view(), RowMatrix(a.view()), {.gap = 1e-10});
  for (Index i = 0; i < 50; ++i) EXPECT_NEAR(twice.squared_distances[i], once.squared_distances[i], 1e-8);
  const Matrix<double> zero(2, 3);
  const auto at_zero = convex_code(zero.view(), RowMatrix(a.view()));
  EXPECT_EQ(at_zero.weights.size(), 50u);
}

TEST(ConvexCode, ResultDoesNotDependOnTheNumberOfThreads) {
  const auto vertices = wide_gaussian(25, 16, 1), a = wide_gaussian(900, 16, 2);
  const auto weights = [&](int threads) {
    const test::ThreadCount count(threads);
    return convex_code(vertices.view(), RowMatrix(a.view()), {.sparsity = 4}).weights;
  };
  const auto one = weights(1);
  EXPECT_EQ(weights(2), one);
  EXPECT_EQ(weights(8), one);
}

TEST(ConvexCode, RejectsInvalidArguments) {
  const auto vertices = wide_gaussian(3, 4, 1);
  auto a = wide_gaussian(10, 4, 2);
  const Matrix<double> none(0, 4), narrow(3, 2);
  const auto refusal = [&](MatrixView<const double> m, const ConvexCodeOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)convex_code(m, RowMatrix(a.view()), options); });
  };
  EXPECT_CONTAINS(refusal(none.view(), {}), "vertices must be k x 4 with k >= 1, got 0 x 4");
  EXPECT_CONTAINS(refusal(narrow.view(), {}), "got 3 x 2");
  EXPECT_CONTAINS(refusal(vertices.view(), {.sparsity = -1}), "sparsity must be >= 0, got -1");
  a(3, 1) = std::numeric_limits<double>::infinity();
  EXPECT_CONTAINS(refusal(vertices.view(), {}), "row 3, column 1");
}

}  // namespace
}  // namespace loewner
