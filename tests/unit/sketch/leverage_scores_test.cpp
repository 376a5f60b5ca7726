// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/leverage_scores.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::leverage_scores_test {
namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// By the SVD of the whole matrix: squared row norms of U.
std::vector<double> truth(const Matrix<double>& a, Index rank) {
  Matrix<double> work = a.clone(), u, vt;
  std::vector<double> sigma, scores(static_cast<std::size_t>(a.rows()));
  blas::thin_svd(work.view(), u, sigma, vt);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < rank; ++j) scores[i] += u(i, j) * u(i, j);
  }
  return scores;
}

double largest_error(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

Matrix<double> power_law_rows(Index n, Index d) {
  Matrix<double> a = test::gaussian_matrix64(n, d, 1);
  for (Index i = 0; i < n; ++i) {
    for (double& x : a.row(i)) x /= std::sqrt(static_cast<double>(i + 1));
  }
  return a;
}

TEST(LeverageScores, ExactOnesAreThoseOfTheSvd) {
  const auto a = power_law_rows(900, 20);
  const auto found = leverage_scores(RowMatrix(a.view()));
  EXPECT_EQ(found.rank, 20);
  EXPECT_LE(largest_error(found.scores, truth(a, 20)), 1e-12);
  EXPECT_NEAR(sum(found.scores), 20, 1e-10);
}

TEST(LeverageScores, ExactOnesDoNotDependOnTheSeed) {
  const auto a = power_law_rows(900, 20);
  EXPECT_LE(largest_error(leverage_scores(RowMatrix(a.view()), {.seed = 1}).scores,
                          leverage_scores(RowMatrix(a.view()), {.seed = 2}).scores),
            1e-13);
}

TEST(LeverageScores, BadConditioningCostsDigitsInProportion) {
  auto a = power_law_rows(900, 20);
  for (Index i = 0; i < 900; ++i) {
    for (Index j = 0; j < 20; ++j) a(i, j) *= std::pow(10.0, -0.4 * static_cast<double>(j));  // condition 10^7.6
  }
  const auto found = leverage_scores(RowMatrix(a.view()));
  EXPECT_EQ(found.rank, 20);
  EXPECT_LE(largest_error(found.scores, truth(a, 20)), 1e-7);
}

TEST(LeverageScores, RankDeficiencyIsFoundAndTheyAddUpToTheRank) {
  const auto a = test::product64(power_law_rows(900, 7), test::gaussian_matrix64(7, 20, 2));
  for (const auto method : {LeverageMethod::exact, LeverageMethod::sketched}) {
    EXPECT_EQ(leverage_scores(RowMatrix(a.view()), {.method = method}).rank, 7);
  }
  const auto found = leverage_scores(RowMatrix(a.view()));
  EXPECT_LE(largest_error(found.scores, truth(a, 7)), 1e-10);
  EXPECT_NEAR(sum(found.scores), 7, 1e-10);
}

TEST(LeverageScores, AcceptWideZeroAndEmptyMatrices) {
  const auto wide = test::gaussian_matrix64(5, 30, 1);
  const auto found = leverage_scores(RowMatrix(wide.view()));
  EXPECT_EQ(found.rank, 5);
  for (const double score : found.scores) EXPECT_NEAR(score, 1, 1e-12);
  for (const auto& [n, d] : {std::pair<Index, Index>{100, 3}, {0, 3}, {3, 0}}) {
    const Matrix<double> zeros(n, d);
    const auto none = leverage_scores(RowMatrix(zeros.view()));
    EXPECT_EQ(none.rank, 0);
    EXPECT_EQ(static_cast<Index>(none.scores.size()), n);
    EXPECT_EQ(sum(none.scores), 0);
  }
}

TEST(LeverageScores, DoNotDependOnTheScale) {
  const auto a = power_law_rows(300, 10);
  for (const double scale : {0x1p-300, 0x1p300}) {
    auto scaled = a.clone();
    for (Index i = 0; i < 3000; ++i) scaled.data()[i] *= scale;
    EXPECT_LE(largest_error(leverage_scores(RowMatrix(scaled.view())).scores, truth(a, 10)), 1e-12);
  }
}

// [0.44, 4] of the truth from the sketch at m = 4 d; chi^2_60 / 60 lies in [0.4, 1.9] with probability 1 - 1e-5.
TEST(LeverageScores, SketchedOnesAreWithinTheirFactor) {
  const auto a = power_law_rows(1500, 20);
  const auto exact = truth(a, 20);
  const auto found = leverage_scores(RowMatrix(a.view()), {.method = LeverageMethod::sketched, .projections = 60});
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_GE(found.scores[i], 0.4 * 0.44 * exact[i]) << i;
    EXPECT_LE(found.scores[i], 1.9 * 4 * exact[i]) << i;
    EXPECT_LE(found.scores[i], 1) << i;
  }
}

TEST(LeverageScores, AllFormsAgreeAndGiveTheSameBitsEverywhere) {
  const auto a = test::sparse_gaussian(1200, 24, 0.4, 1);
  const auto wide = test::widened(a);
  const auto csr = test::to_csr<float>(a);
  const auto expected = truth(wide, 24);
  for (const RowMatrix& form : {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view())}) {
    for (const auto method : {LeverageMethod::exact, LeverageMethod::sketched}) {
      const auto scores = [&] {
        const auto found = leverage_scores(form, {.method = method}).scores;
        Matrix<double> row(1, static_cast<Index>(found.size()));
        std::copy(found.begin(), found.end(), row.data());
        return row;
      };
      EXPECT_TRUE(test::same_bits_everywhere(scores, test::kFused));
    }
    EXPECT_LE(largest_error(leverage_scores(form).scores, expected), 1e-12);
  }
}

TEST(LeverageScores, BadOptionsAndEntriesAreNamed) {
  auto a = power_law_rows(300, 10);
  EXPECT_THROW(leverage_scores(RowMatrix(a.view()), {.sketch_rows = 9}), InvalidArgument);
  EXPECT_THROW(leverage_scores(RowMatrix(a.view()), {.projections = 0}), InvalidArgument);
  a(250, 3) = std::numeric_limits<double>::infinity();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { leverage_scores(RowMatrix(a.view())); }),
                  "row 250, column 3");
}

}  // namespace
}  // namespace loewner::leverage_scores_test
