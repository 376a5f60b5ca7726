// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/latent_simplex.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

// Rows in a simplex of k random vertices: the share `pure` are copies of vertices, the others are random convex
// combinations; all have noise.
struct Simplex {
  Matrix<double> vertices, rows;

  Simplex(Index n, Index d, Index k, double pure, double noise, std::uint64_t seed = 1) : vertices(k, d), rows(n, d) {
    const auto corners = test::gaussian_matrix({k, d, seed}), error = test::gaussian_matrix({n, d, seed + 1});
    RandomStream random(seed, RandomPurpose::test_data);
    for (Index j = 0; j < k; ++j) std::ranges::copy(corners.row(j), vertices.row(j).begin());
    for (Index i = 0; i < n; ++i) {
      std::vector<double> weights(static_cast<std::size_t>(k), 0.0);
      const bool is_pure = static_cast<double>(i / k) < pure * static_cast<double>(n) / static_cast<double>(k);
      if (is_pure) weights[i % k] = 1;
      for (double& w : weights) w += is_pure ? 0 : -std::log(1 - random.uniform());
      const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
      for (Index c = 0; c < d; ++c) {
        rows(i, c) = noise * static_cast<double>(error(i, c));
        for (Index j = 0; j < k; ++j) rows(i, c) += weights[j] / sum * vertices(j, c);
      }
    }
  }

  // The largest distance of a vertex from the nearest found one, relative to the root mean square length of the
  // vertices; infinity if one found vertex is nearest to two.
  double error(const Matrix<double>& found) const {
    double worst = 0, squared_length = 0;
    std::vector<Index> taken;
    for (Index j = 0; j < vertices.rows(); ++j) {
      double nearest = std::numeric_limits<double>::infinity();
      Index at = -1;
      for (Index t = 0; t < found.rows(); ++t) {
        double distance = 0;
        for (Index c = 0; c < vertices.cols(); ++c) {
          const double difference = found(t, c) - vertices(j, c);
          distance += difference * difference;
        }
        if (distance < nearest) {
          nearest = distance;
          at = t;
        }
      }
      if (std::ranges::find(taken, at) != taken.end()) return std::numeric_limits<double>::infinity();
      taken.push_back(at);
      worst = std::max(worst, nearest);
      for (const double x : vertices.row(j)) squared_length += x * x;
    }
    return std::sqrt(worst * static_cast<double>(vertices.rows()) / squared_length);
  }
};

LatentSimplex found_in(const Simplex& simplex, Index k, LatentSimplexOptions options = {}) {
  return latent_simplex(RowMatrix(simplex.rows.view()), k, options);
}

TEST(LatentSimplex, FindsVerticesToRoundingFromExactCopies) {
  const Simplex simplex(2000, 40, 6, 0.3, 0);
  EXPECT_LT(simplex.error(found_in(simplex, 6, {.share = 0.02}).vertices), 1e-10);
}

TEST(LatentSimplex, FindsVerticesWithoutPowerSteps) {
  const Simplex simplex(2000, 40, 6, 0.3, 0);
  EXPECT_LT(simplex.error(found_in(simplex, 6, {.share = 0.02, .power_steps = 0}).vertices), 1e-10);
}

TEST(LatentSimplex, ErrorDecreasesWithTheNoiseAndTheNumberOfAveragedRows) {
  const auto error = [](Index n, double noise) {
    std::vector<double> errors;
    for (const std::uint64_t seed : {1, 5, 9}) {
      const Simplex simplex(n, 60, 5, 0.4, noise, seed);
      errors.push_back(simplex.error(found_in(simplex, 5, {.share = 0.075, .seed = seed}).vertices));
    }
    std::ranges::sort(errors);
    return errors[1];
  };
  const double base = error(2000, 0.2);
  EXPECT_NEAR(error(2000, 0.1) / base, 0.5, 0.2);
  EXPECT_NEAR(error(8000, 0.2) / base, 0.5, 0.2);
  EXPECT_LT(base, 0.1);
}

// Negative control: in symmetric data, the rows of largest absolute value come from two opposite vertices.
TEST(LatentSimplex, FindsASimplexAroundTheOrigin) {
  Simplex simplex(3000, 30, 4, 0.3, 0.01);
  for (Index j = 0; j < 30; ++j) {  // two pairs of opposite vertices
    simplex.vertices(2, j) = -simplex.vertices(0, j) + 0.3 * simplex.vertices(2, j);
    simplex.vertices(3, j) = -simplex.vertices(1, j) + 0.3 * simplex.vertices(3, j);
  }
  const auto noise = test::gaussian_matrix({3000, 30, 8});
  for (Index i = 0; i < 3000; ++i) {
    for (Index j = 0; j < 30; ++j) {
      simplex.rows(i, j) =
          simplex.vertices(i % 4, j) * (i % 3 == 0 ? 1.0 : 0.4) + 0.01 * static_cast<double>(noise(i, j));
    }
  }
  const auto found = found_in(simplex, 4, {.share = 0.05});
  EXPECT_LT(simplex.error(found.vertices), 0.05);
  // Along the direction of the first vertex the rows of the largest absolute coordinate come from both ends.
  std::vector<double> along(3000, 0.0);
  for (Index i = 0; i < 3000; ++i) {
    for (Index j = 0; j < 30; ++j) along[i] += simplex.rows(i, j) * simplex.vertices(0, j);
  }
  std::ranges::sort(along, [](double x, double y) { return std::abs(x) > std::abs(y); });
  const auto from_one_end = std::count_if(along.begin(), along.begin() + 300, [](double x) { return x > 0; });
  EXPECT_GT(from_one_end, 30);
  EXPECT_LT(from_one_end, 270);
}

TEST(LatentSimplex, FindsASimplexAwayFromTheOrigin) {
  Simplex simplex(2000, 20, 4, 0.3, 0.01);
  for (Index i = 0; i < 2000; ++i) simplex.rows(i, 3) += 50;
  for (Index j = 0; j < 4; ++j) simplex.vertices(j, 3) += 50;
  EXPECT_LT(simplex.error(found_in(simplex, 4, {.share = 0.03}).vertices), 0.01);
}

TEST(LatentSimplex, FindsTheSameVerticesFromReorderedAndReflectedRows) {
  const Simplex simplex(1500, 12, 4, 0.3, 0.02);
  Matrix<double> reversed(1500, 12);
  for (Index i = 0; i < 1500; ++i) std::ranges::copy(simplex.rows.row(i), reversed.row(1499 - i).begin());
  const auto found = latent_simplex(RowMatrix(reversed.view()), 4, {.share = 0.03});
  EXPECT_LT(simplex.error(found.vertices), 0.02);
  // a reflection of the coordinates
  Matrix<double> turned(1500, 12);
  for (Index i = 0; i < 1500; ++i) {
    for (Index j = 0; j < 12; ++j) turned(i, 11 - j) = -simplex.rows(i, j);
  }
  const auto other = latent_simplex(RowMatrix(turned.view()), 4, {.share = 0.03});
  Matrix<double> back(4, 12);
  for (Index t = 0; t < 4; ++t) {
    for (Index j = 0; j < 12; ++j) back(t, j) = -other.vertices(t, 11 - j);
  }
  EXPECT_LT(simplex.error(back), 0.02);
}

TEST(LatentSimplex, SparseAndDenseRowsGiveTheSameMembers) {
  const Simplex simplex(800, 15, 3, 0.3, 0.05);
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  for (Index i = 0; i < 800; ++i) {
    for (Index j = 0; j < 15; ++j) {
      columns.push_back(static_cast<std::int32_t>(j));
      values.push_back(simplex.rows(i, j));
    }
    offsets.push_back(static_cast<std::int64_t>(columns.size()));
  }
  const auto sparse =
      latent_simplex(RowMatrix(CsrView<double>::checked(15, offsets, columns, values)), 3, {.share = 0.03});
  EXPECT_EQ(sparse.members, found_in(simplex, 3, {.share = 0.03}).members);
}

TEST(LatentSimplex, AcceptsEveryKUpToTheDimension) {
  const Simplex simplex(300, 5, 5, 0.5, 0.01);
  for (const Index k : {1, 2, 5}) EXPECT_EQ(found_in(simplex, k).vertices.rows(), k);
  EXPECT_LT(simplex.error(found_in(simplex, 5, {.share = 0.04}).vertices), 0.05);
}

TEST(LatentSimplex, ReturnsFewerVerticesIfTheRowsSpanFewerDimensions) {
  Simplex simplex(500, 10, 4, 0.3, 0);
  for (Index i = 0; i < 500; ++i) {  // the last vertex is the first once more
    for (Index j = 0; j < 10; ++j) simplex.rows(i, j) = simplex.vertices(i % 3, j);
  }
  const auto found = found_in(simplex, 6);
  EXPECT_EQ(found.vertices.rows(), 3);
  EXPECT_EQ(found.members.size(), 3u);
  const Matrix<double> zeros(20, 4);
  EXPECT_EQ(latent_simplex(RowMatrix(zeros.view()), 2, {}).vertices.rows(), 0);
}

// More vertices are requested than the data have: the separations show which are real.
TEST(LatentSimplex, SeparationsShowExcessVertices) {
  const Simplex simplex(3000, 40, 4, 0.4, 0.01);
  const auto exact = found_in(simplex, 4, {.share = 0.05}), more = found_in(simplex, 7, {.share = 0.05});
  ASSERT_EQ(exact.separations.size(), 4u);
  for (const double separation : exact.separations) EXPECT_GT(separation, 0.3);
  ASSERT_EQ(more.separations.size(), 7u);  // the noise spans all dimensions
  EXPECT_EQ(std::ranges::count_if(more.separations, [](double x) { return x > 0.05; }), 4);
}

TEST(LatentSimplex, SeparationsAreDistancesFromTheSpanOfPreviousVertices) {
  Matrix<double> rows(60, 3);
  for (Index i = 0; i < 60; ++i) {
    if (i % 3 == 0) rows(i, 0) = 4;
    if (i % 3 == 1) rows(i, 1) = 2;
    for (Index j = 0; j < 3 && i % 3 == 2; ++j) rows(i, j) = 1;
  }
  auto separations = latent_simplex(RowMatrix(rows.view()), 3, {.share = 0.2}).separations;
  std::ranges::sort(separations, std::greater());
  // 4 e1, then 2 e2, then the component of (1, 1, 1) orthogonal to both.
  ASSERT_EQ(separations.size(), 3u);
  EXPECT_EQ(separations[0], 1);
  EXPECT_NEAR(separations[1], 0.5, 1e-12);
  EXPECT_NEAR(separations[2], 0.25, 1e-12);
}

// Negative control: the mean of the rows of largest absolute coordinate is near neither vertex.
TEST(LatentSimplex, FindsTwoOppositeVertices) {
  constexpr Index kPoints = 2000, kDimensions = 10;
  Matrix<double> rows(kPoints, kDimensions);
  const auto noise = test::gaussian_matrix({kPoints, kDimensions, 4});
  RandomStream random(5, RandomPurpose::test_data);
  for (Index i = 0; i < kPoints; ++i) {
    const double along = i < kPoints / 2 ? (i % 2 == 0 ? 1 : -1) : 2 * random.uniform() - 1;
    rows(i, 0) = 3 * along;
    rows(i, 1) = 1;  // keeps the segment away from 0, so that its ends are independent
    for (Index j = 0; j < kDimensions; ++j) rows(i, j) += 0.01 * static_cast<double>(noise(i, j));
  }
  const auto found = latent_simplex(RowMatrix(rows.view()), 2, {.share = 0.1});
  ASSERT_EQ(found.vertices.rows(), 2);
  EXPECT_NEAR(std::max(found.vertices(0, 0), found.vertices(1, 0)), 3, 0.05);
  EXPECT_NEAR(std::min(found.vertices(0, 0), found.vertices(1, 0)), -3, 0.05);
  std::vector<Index> order(kPoints);
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::sort(order, [&](Index x, Index y) { return std::abs(rows(x, 0)) > std::abs(rows(y, 0)); });
  double mixed = 0;
  for (Index i = 0; i < kPoints / 10; ++i) mixed += rows(order[i], 0) / (kPoints / 10);
  EXPECT_LT(std::abs(mixed), 1);
}

// Rows of rank 3 in float32: rounding adds no fourth vertex.
TEST(LatentSimplex, RoundingToFloat32AddsNoVertex) {
  const Simplex simplex(1500, 30, 3, 0.3, 0);
  Matrix<float> rounded(1500, 30);
  for (Index i = 0; i < 1500; ++i) {
    std::ranges::transform(simplex.rows.row(i), rounded.row(i).begin(), [](double x) { return static_cast<float>(x); });
  }
  const auto found = latent_simplex(RowMatrix(rounded.view()), 5, {.share = 0.03});
  const auto there = std::ranges::count_if(found.separations, [](double x) { return x > 1e-4; });
  EXPECT_EQ(there, 3);
  EXPECT_LT(simplex.error(latent_simplex(RowMatrix(rounded.view()), 3, {.share = 0.03}).vertices), 1e-6);
}

TEST(LatentSimplex, TheMedianIsRobustToOutliers) {
  Simplex simplex(2000, 30, 3, 0.4, 0.01);
  for (Index i = 0; i < 2000; i += 7) simplex.rows(i, (i / 7) % 30) += 2;
  const LatentSimplexOptions mean{.share = 0.05}, median{.share = 0.05, .aggregate = VertexAggregate::median};
  EXPECT_LT(simplex.error(found_in(simplex, 3, median).vertices), simplex.error(found_in(simplex, 3, mean).vertices));
}

TEST(LatentSimplex, AcceptsEntriesOfAnyMagnitude) {
  for (const double scale : {1e-12, 1e12}) {
    Simplex simplex(600, 8, 3, 0.3, 0);
    for (Index i = 0; i < 600; ++i) {
      for (double& x : simplex.rows.row(i)) x *= scale;
    }
    for (Index j = 0; j < 3; ++j) {
      for (double& x : simplex.vertices.row(j)) x *= scale;
    }
    EXPECT_LT(simplex.error(found_in(simplex, 3, {.share = 0.03}).vertices), 1e-9);
  }
}

TEST(LatentSimplex, ResultDoesNotDependOnTheNumberOfThreads) {
  const Simplex simplex(3000, 20, 5, 0.3, 0.1);
  const auto vertices = [&](int threads) {
    const test::ThreadCount count(threads);
    const auto found = found_in(simplex, 5);
    return std::vector<double>(found.vertices.data(), found.vertices.data() + 5 * 20);
  };
  const auto one = vertices(1);
  EXPECT_EQ(vertices(2), one);
  EXPECT_EQ(vertices(8), one);
}

TEST(LatentSimplex, RejectsInvalidArguments) {
  Simplex simplex(50, 6, 3, 0.5, 0);
  const auto refusal = [&](Index k, const LatentSimplexOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)found_in(simplex, k, options); });
  };
  EXPECT_CONTAINS(refusal(0, {}), "k must be in [1, 6] for a 50 x 6 matrix, got 0");
  EXPECT_CONTAINS(refusal(7, {}), "got 7");
  EXPECT_CONTAINS(refusal(2, {.share = 1.5}), "share must be in [0, 1]");
  EXPECT_CONTAINS(refusal(2, {.tries = 0}), "tries must be in [1, 65536], got 0");
  simplex.rows(7, 2) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(refusal(2, {}), "row 7, column 2");
}

}  // namespace
}  // namespace loewner
