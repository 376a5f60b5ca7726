// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/less_embedding.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "loewner/sketch/leverage_scores.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::less_embedding_test {
namespace {

// Orthonormal columns; half of them are nonzero in the first rows only.
Matrix<double> half_coherent_basis(Index n, Index d) {
  Matrix<double> a = test::gaussian_matrix64(n, d, 3);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < d / 2; ++j) a(i, j) = i < d / 2 ? a(i, j) : 0;
  }
  return test::orthonormal_columns(std::move(a));
}

std::vector<double> scores_of(const Matrix<double>& u) {
  return leverage_scores(RowMatrix(u.view())).scores;
}

TEST(Less, EntriesHaveTheirProbabilityAndSize) {
  const std::vector<double> scores{0.5, 0.25, 0.25, 0};
  const LessEmbedding s(scores, {.rows = 20000, .row_nonzeros = 2, .uniform_share = 0, .seed = 1});
  const CscMatrix& csc = s.to_csc();
  ASSERT_EQ(csc.cols(), 4);
  const double expected[] = {1, 0.5, 0.5, 0};
  for (Index j = 0; j < 4; ++j) {
    const auto count = static_cast<double>(csc.col_offsets[j + 1] - csc.col_offsets[j]);
    // five standard deviations of a binomial count
    EXPECT_NEAR(count, 20000 * expected[j], 5 * std::sqrt(20000 * expected[j] * (1 - expected[j]))) << j;
    for (auto k = csc.col_offsets[j]; k < csc.col_offsets[j + 1]; ++k) {
      EXPECT_NEAR(csc.values[k] * csc.values[k], 1 / (20000 * expected[j]), 1e-18) << j;
      EXPECT_TRUE(k == csc.col_offsets[j] || csc.row_indices[k] > csc.row_indices[k - 1]);
    }
  }
  EXPECT_LE(std::abs(std::accumulate(csc.values.begin(), csc.values.end(), 0.0)),
            5 * std::sqrt(3.0));  // variances of the three columns' sums: 1 each
}

TEST(Less, ProductsAreThoseOfTheSparseMatrix) {
  const auto a = test::sparse_gaussian(500, 12, 0.5, 1);
  const auto wide = test::widened(a);
  const auto csr = test::to_csr<float>(a);
  const LessEmbedding s(std::vector<double>(500, 0.1), {.rows = 48, .seed = 2});
  Matrix<double> dense(48, 500);
  for (Index j = 0; j < 500; ++j) {
    for (auto k = s.to_csc().col_offsets[j]; k < s.to_csc().col_offsets[j + 1]; ++k) {
      dense(s.to_csc().row_indices[k], j) = s.to_csc().values[k];
    }
  }
  const auto expected = test::product64(dense, wide);
  for (const RowMatrix& form : {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view())}) {
    EXPECT_LE(test::largest_difference(s.apply(form), expected), 1e-12);
    EXPECT_TRUE(test::same_bits_everywhere([&] { return s.apply(form); }));
  }
}

TEST(Less, ReachesTheGaussianEdgeWhereUniformFails) {
  constexpr Index kRows = 2000, kCols = 40;
  const auto u = half_coherent_basis(kRows, kCols);
  const auto scores = scores_of(u);
  int good = 0, uniform_good = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto is_good = [&](const std::vector<double>& weights) {
      const auto sigma = test::singular_values(
          LessEmbedding(weights, {.rows = 4 * kCols, .row_nonzeros = 16, .seed = seed}).apply(RowMatrix(u.view())));
      return sigma.front() < 1.6 && sigma.back() > 0.4;  // edges 0.5 and 1.5 of a Gaussian matrix, 0.1 away
    };
    good += is_good(scores);
    uniform_good += is_good(std::vector<double>(kRows, 1.0));
  }
  EXPECT_EQ(good, 10);
  EXPECT_EQ(uniform_good, 0);
}

TEST(Less, BadScoresOptionsAndShapesAreNamed) {
  const auto refusal = [](std::vector<double> scores, LessOptions options) {
    return test::message_of<InvalidArgument>([&] { LessEmbedding(scores, options); });
  };
  EXPECT_CONTAINS(refusal({1, -1}, {.rows = 4}), "got -1.000000 for row 1");
  EXPECT_CONTAINS(refusal({1, std::numeric_limits<double>::quiet_NaN()}, {.rows = 4}), "for row 1");
  EXPECT_CONTAINS(refusal({0, 0}, {.rows = 4}), "at least one");
  EXPECT_CONTAINS(refusal({}, {.rows = 4}), "at least one");
  EXPECT_CONTAINS(refusal({1}, {}), "rows must be in [1, 2^31)");
  EXPECT_CONTAINS(refusal({1}, {.rows = 4, .row_nonzeros = 0}), "row_nonzeros positive");
  const Matrix<double> a(3, 2);
  const LessEmbedding s(std::vector<double>{1, 1}, {.rows = 4});
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { s.apply(RowMatrix(a.view())); }), "2 rows, got 3");
}

TEST(Less, NonFiniteRowsThatAreUsedAreNamed) {
  Matrix<double> a(2, 2);
  a(1, 0) = std::numeric_limits<double>::infinity();
  const LessEmbedding s(std::vector<double>{1, 1}, {.rows = 4});
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { s.apply(RowMatrix(a.view())); }), "row 1, column 0");
}

}  // namespace
}  // namespace loewner::less_embedding_test
