// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sketched_svd.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"
#include "support/tolerance.hpp"

namespace loewner::sketched_svd_test {
namespace {

constexpr Index kCols = 96, kRank = 6;

// Gaussian rows whose columns shrink as i^-exponent.
Matrix<float> decaying(Index rows, double exponent, std::uint64_t seed) {
  auto a = test::gaussian_matrix({.rows = rows, .cols = kCols, .seed = seed});
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < kCols; ++j) a(i, j) *= std::pow(static_cast<float>(j + 1), static_cast<float>(-exponent));
  }
  return a;
}

// ||A - A V V^T||_F / ||A - A_k||_F - 1
double true_excess(const Matrix<float>& a, const KrylovSvd& svd) {
  const Matrix<double> wide = detail::widened(a.view()), v = test::transposed(svd.vt);
  const double kept = test::frobenius_norm64(test::product64(wide, v)), all = test::frobenius_norm64(wide);
  const auto sigma = test::singular_values(wide);
  const double best =
      std::inner_product(sigma.begin() + svd.vt.rows(), sigma.end(), sigma.begin() + svd.vt.rows(), 0.0);
  return std::sqrt((all * all - kept * kept) / best) - 1;
}

KrylovSvd sketched(const Matrix<float>& a, const SketchedSvdOptions& options) {
  return sketched_svd(a.view(), options);
}

bool same_bits(const KrylovSvd& a, const KrylovSvd& b) {
  return test::same_bits(a.u, b.u) && test::same_bits(a.vt, b.vt) && a.singular_values == b.singular_values;
}

// Counts the reads of each row.
class CountingRows final : public RowSource {
 public:
  explicit CountingRows(const Matrix<float>& a) : a_(a.view()) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    read_ += count;
    return a_.read_rows(first, count, buffer);
  }
  double reads() const { return static_cast<double>(read_) / static_cast<double>(rows()); }

 private:
  DenseRows a_;
  mutable std::atomic<Index> read_ = 0;
};

TEST(SketchedSvd, TwoReadsOfATallMatrixAreEnough) {
  const auto a = decaying(4000, 0.5, 1);
  const CountingRows rows(a);
  const auto svd = sketched_svd(RowMatrix(rows), {.rank = kRank, .eps = 0.05});
  EXPECT_EQ(rows.reads(), 2);
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_LE(true_excess(a, svd), 0.05);
  EXPECT_EQ(svd.products, kRank);
  EXPECT_LE(test::orthonormality_error(svd.vt.view()), 1e-12);
  const auto ut = test::transposed(svd.u);
  EXPECT_LE(test::orthonormality_error(ut.view()), 1e-12);
}

TEST(SketchedSvd, ItsFactorsAreTheProjectionOfTheRows) {
  const auto a = decaying(4000, 0.5, 2);
  const auto svd = sketched(a, {.rank = kRank, .eps = 0.02});
  auto left = svd.u.clone();
  for (Index i = 0; i < left.rows(); ++i) {
    for (Index j = 0; j < kRank; ++j) left(i, j) *= svd.singular_values[j];
  }
  const auto projected = test::product64(detail::widened(a.view()), test::transposed(svd.vt));
  EXPECT_LE(test::largest_difference(left, projected), test::rounding_tolerance(a.view()));
  const double all = test::frobenius_norm64(detail::widened(a.view())), kept = test::frobenius_norm64(projected);
  EXPECT_NEAR(svd.residual_norm, std::sqrt(all * all - kept * kept), 1e-5 * all);
}

// Over spectra and seeds: the estimate is at least the true excess, and at most a few times it plus the random part.
TEST(SketchedSvd, TheEstimateBoundsTheTruth) {
  for (const double exponent : {0.0, 0.3, 0.5, 1.0}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const auto a = decaying(3000, exponent, seed);
      const auto svd = sketched(a, {.rank = kRank, .eps = 1, .rows = 300, .seed = seed});
      const double truth = true_excess(a, svd);
      EXPECT_GE(svd.excess_estimate, truth) << exponent << " " << seed;
      EXPECT_LE(svd.excess_estimate, 4 * truth + 0.08) << exponent << " " << seed;
    }
  }
}

TEST(SketchedSvd, DetectsSketchesWithTooFewRows) {
  const auto a = decaying(3000, 0.3, 3);
  const auto coarse = sketched(a, {.rank = kRank, .eps = 1, .rows = 40});  // the control
  EXPECT_GT(true_excess(a, coarse), 0.03);
  EXPECT_GT(coarse.excess_estimate, 0.03);
  const auto fine = sketched(a, {.rank = kRank, .eps = 0.01, .rows = 40});
  EXPECT_LE(true_excess(a, fine), 0.01);
  EXPECT_GT(fine.products, coarse.products);
}

// Two rows with one direction each that fall on the same row of the sketch look like one direction.
TEST(SketchedSvd, RowsThatFallTogetherAreFoundAllTheSame) {
  constexpr Index kRows = 4000, kSketch = 1000;
  const SparseSignEmbedding embedding(kSketch, kRows, 1, 0);
  std::vector<Index> first(kSketch, -1);
  Index one = -1, other = -1;
  for (Index j = 0; j < kRows && other < 0; ++j) {
    std::int32_t place = 0;
    double value = 0;
    embedding.column_entries(j, {&place, 1}, {&value, 1});
    if (first[place] >= 0) one = first[place], other = j;
    first[place] = j;
  }
  auto a = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 4});
  std::ranges::fill(a.row(one), 0.0F);
  std::ranges::fill(a.row(other), 0.0F);
  a(one, 0) = a(other, 1) = 600;
  const auto coarse = sketched(a, {.rank = 2, .eps = 1, .rows = kSketch});  // the control
  EXPECT_GT(coarse.excess_estimate, 0.1);
  EXPECT_LE(true_excess(a, sketched(a, {.rank = 2, .eps = 0.05, .rows = kSketch})), 0.05);
}

TEST(SketchedSvd, FixedStepsGiveTheSameWithoutAnErrorEstimate) {
  const auto a = decaying(4000, 0.3, 10);
  const CountingRows rows(a);
  const auto with_steps = [&](Index steps) {
    return sketched_svd(RowMatrix(rows), {.rank = kRank, .eps = 1e-4, .rows = 500, .steps = steps});
  };
  const auto few = with_steps(2), many = with_steps(12);
  EXPECT_EQ(rows.reads(), 4);
  EXPECT_TRUE(std::isinf(many.excess_estimate));
  const double settled = true_excess(a, sketched(a, {.rank = kRank, .eps = 1, .rows = 500}));
  EXPECT_NEAR(true_excess(a, many), settled, 0.1 * settled);
  EXPECT_GT(true_excess(a, few), 2 * settled);  // the control
  EXPECT_EQ(many.products, kRank);
}

TEST(SketchedSvd, UsesBlockKrylovWhereASketchSavesLittle) {
  const auto a = decaying(1000, 0.5, 6);
  EXPECT_TRUE(same_bits(sketched(a, {.rank = kRank}), block_krylov(a.view(), {.rank = kRank})));
  const auto wide = detail::widened(a.view());
  EXPECT_TRUE(same_bits(sketched_svd(RowMatrix(wide.view()), {.rank = kRank, .eps = 0.5}),
                        block_krylov(RowMatrix(wide.view()), {.rank = kRank, .eps = 0.5})));
}

TEST(SketchedSvd, Float32IsNotUsedForSmallResiduals) {
  const auto spectrum = test::exponential_decay(kRank, 0.5);
  const auto a = test::matrix_with_spectrum({.rows = 2000, .cols = kCols, .seed = 7}, spectrum);
  const auto svd = sketched(a, {.rank = kRank, .eps = 0.1});
  EXPECT_LE(svd.residual_norm, test::rounding_tolerance(a.view()));
  for (Index i = 0; i < kRank; ++i) EXPECT_NEAR(svd.singular_values[i], spectrum[i], 1e-6);
  const auto known = sketched(a, {.rank = kRank, .eps = 0.1, .steps = 4});
  EXPECT_LE(known.residual_norm, test::rounding_tolerance(a.view()));
  const auto ut = test::transposed(known.u);
  EXPECT_LE(test::orthonormality_error(ut.view()), 1e-12);
}

TEST(SketchedSvd, SameSeedGivesTheSameBitsForAnyNumberOfThreads) {
  const auto a = decaying(9000, 0.5, 8);
  const auto svd_with = [&](int threads, std::uint64_t seed) {
    const test::ThreadCount scope(threads);
    return sketched(a, {.rank = kRank, .eps = 0.02, .seed = seed});
  };
  const auto one = svd_with(1, 1);
  for (const int threads : {1, 2, 8}) EXPECT_TRUE(same_bits(one, svd_with(threads, 1))) << threads << " threads";
  EXPECT_FALSE(same_bits(one, svd_with(1, 2)));
}

TEST(SketchedSvd, BadInputIsNamed) {
  auto a = decaying(4000, 0.5, 9);
  const auto message = [&](const SketchedSvdOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)sketched(a, options); });
  };
  EXPECT_CONTAINS(message({.rank = 0}), "rank must be in [1, 96]");
  EXPECT_CONTAINS(message({.rank = 97}), "got 97");
  EXPECT_CONTAINS(message({.rank = 3, .eps = 0}), "eps must be positive");
  EXPECT_CONTAINS(message({.rank = 3, .rows = 5}), "rows must be in [6, 4000] (or 0), got 5");
  EXPECT_CONTAINS(message({.rank = 3, .rows = 4001}), "got 4001");
  EXPECT_CONTAINS(message({.rank = 3, .steps = -1}), "steps must not be negative, got -1");
  EXPECT_CONTAINS(message({.rank = 40, .eps = 0.5, .steps = 1}), "steps must be at least 2 for blocks of 16, got 1");
  a(3210, 5) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message({.rank = 3, .eps = 0.1}), "sketched_svd: the matrix has a non-finite value at row 3210, column 5");
}

}  // namespace
}  // namespace loewner::sketched_svd_test
