// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "loewner/sketch/sparse_embedding.hpp"
#include "support/sketching.hpp"

namespace loewner {
namespace {

constexpr Index kRows = 640, kCols = 64;
constexpr int kSeeds = 50;

struct Family {
  const char* name;
  Matrix<double> (*basis)(Index n, Index d);
};

const Family kFamilies[] = {{"coherent", test::coherent_basis},
                            {"copies", test::copies_basis},
                            {"Haar", test::haar_basis},
                            {"power law", test::power_law_basis}};

// The number of seeds with all singular values of S U in [low, high].
int good_seeds(const Matrix<double>& u, EmbeddingShape shape, double low, double high) {
  int good = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const SparseSignEmbedding s(shape.rows, u.rows(), shape.nonzeros, seed);
    const auto sigma = test::singular_values(s.apply(RowMatrix(u.view())));
    good += low <= sigma.back() && sigma.front() <= high;
  }
  return good;
}

// Within 0.1 of the edges 1 +- sqrt(d/m) of a Gaussian matrix with probability 0.95 over the seeds: of 50, fewer than
// least_successes(50, 0.95) = 38 have probability below 1e-6 if that is so.
TEST(Embedding, StaysNearTheGaussianEdges) {
  for (const EmbeddingShape shape : {EmbeddingShape{2 * kCols, 8}, EmbeddingShape{4 * kCols, 4}}) {
    const double edge = std::sqrt(static_cast<double>(kCols) / static_cast<double>(shape.rows));
    for (const Family& family : kFamilies) {
      const auto u = family.basis(kRows, kCols);
      EXPECT_GE(good_seeds(u, shape, 1 - edge - 0.1, 1 + edge + 0.1), test::least_successes(kSeeds, 0.95))
          << family.name << ", m = " << shape.rows;
    }
  }
}

TEST(Embedding, OneEntryPerColumnMissesTheEdges) {
  const auto u = test::coherent_basis(kRows, kCols);
  EXPECT_LT(good_seeds(u, {4 * kCols, 1}, 0.4, 1.6), test::least_successes(kSeeds, 0.95));
}

// 99 % of the seeds meet the distortion of the shape, at the least dimension of the claim.
TEST(Embedding, KeepsTheOptimalDimensionClaim) {
  constexpr Index kDimension = 32;
  for (const double distortion : {0.75, 0.5, 0.25, 0.125}) {
    const EmbeddingShape shape = embedding_for_distortion(kDimension, distortion);
    for (const Family& family : {kFamilies[0], kFamilies[2]}) {
      const auto u = family.basis(10 * kDimension, kDimension);
      EXPECT_GE(good_seeds(u, shape, 1 - distortion, 1 + distortion), test::least_successes(kSeeds, 0.99))
          << family.name << ", " << distortion;
    }
    if (distortion < 0.2) continue;  // s = 1 is enough where m is well above d^2
    const auto u = test::coherent_basis(10 * kDimension, kDimension);
    EXPECT_LT(good_seeds(u, {shape.rows, 1}, 1 - distortion, 1 + distortion), test::least_successes(kSeeds, 0.99));
  }
}

}  // namespace
}  // namespace loewner
