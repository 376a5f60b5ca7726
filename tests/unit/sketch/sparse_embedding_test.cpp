// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sparse_embedding.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "loewner/linalg/matrix_operator.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::sparse_embedding_test {
namespace {

// Sums of a few hundred products of normal numbers in another order.
constexpr double kTolerance = 1e-12;

Matrix<double> dense(const SparseSignEmbedding& s) {
  Matrix<double> result(s.rows(), s.cols());
  std::vector<double> column(static_cast<std::size_t>(s.rows()));
  for (Index j = 0; j < s.cols(); ++j) {
    s.apply_column(j, column);
    for (Index i = 0; i < s.rows(); ++i) result(i, j) = column[i];
  }
  return result;
}

TEST(Embedding, EveryColumnHasOneEntryInEachBlockAndLengthOne) {
  for (const auto& [rows, nonzeros] : {std::pair<Index, Index>{1, 1}, {5, 2}, {24, 8}, {100, 7}, {9, 9}}) {
    const CscMatrix s = SparseSignEmbedding(rows, 300, nonzeros, 1).to_csc();
    ASSERT_EQ(s.cols(), 300);
    for (Index j = 0; j < s.cols(); ++j) {
      ASSERT_EQ(s.col_offsets[j + 1] - s.col_offsets[j], nonzeros);
      double length = 0;
      for (Index b = 0; b < nonzeros; ++b) {
        const Index k = s.col_offsets[j] + b, row = s.row_indices[k];
        EXPECT_GE(row, b * rows / nonzeros);
        EXPECT_LT(row, (b + 1) * rows / nonzeros);
        length += s.values[k] * s.values[k];
      }
      EXPECT_NEAR(length, 1, 1e-15 * static_cast<double>(nonzeros));
    }
  }
}

TEST(Embedding, ColumnsAreThoseOfTheSparseMatrix) {
  const SparseSignEmbedding s(20, 30, 4, 9);
  const CscMatrix csc = s.to_csc();
  const auto matrix = dense(s);
  double sum = 0;
  for (Index j = 0; j < 30; ++j) {
    for (std::int64_t k = csc.col_offsets[j]; k < csc.col_offsets[j + 1]; ++k) {
      EXPECT_EQ(matrix(csc.row_indices[k], j), csc.values[k]);
    }
  }
  for (Index i = 0; i < 20 * 30; ++i) sum += std::abs(matrix.data()[i]);
  EXPECT_NEAR(sum, 30 * 4 * s.scale(), kTolerance);
}

TEST(Embedding, AColumnDoesNotDependOnHowManyThereAre) {
  const auto few = dense(SparseSignEmbedding(16, 10, 4, 3)), many = dense(SparseSignEmbedding(16, 50, 4, 3));
  for (Index i = 0; i < 16; ++i) {
    for (Index j = 0; j < 10; ++j) EXPECT_EQ(few(i, j), many(i, j));
  }
}

TEST(Embedding, SeedsGiveDifferentEmbeddings) {
  EXPECT_FALSE(test::same_bits(dense(SparseSignEmbedding(16, 10, 4, 1)), dense(SparseSignEmbedding(16, 10, 4, 2))));
  EXPECT_FALSE(test::same_bits(dense(SparseSignEmbedding(16, 10, 4, 1)),
                               dense(SparseSignEmbedding(16, 10, 4, (std::uint64_t{1} << 32) + 1))));
}

// chi^2 of the positions in all blocks: 8 x (25 - 1) degrees of freedom, sd sqrt(2 x 192) = 19.6. A deviation of five sd
// has probability below 1e-5, and the seed is fixed.
TEST(Embedding, PlacesAreUniform) {
  constexpr Index kRows = 200, kNonzeros = 8, kColumns = 20000;
  const CscMatrix s = SparseSignEmbedding(kRows, kColumns, kNonzeros, 5).to_csc();
  std::vector<double> counts(kRows);
  for (const auto row : s.row_indices) ++counts[row];
  const double expected = static_cast<double>(kColumns * kNonzeros) / kRows;
  double chi2 = 0;
  for (const double count : counts) chi2 += (count - expected) * (count - expected) / expected;
  EXPECT_NEAR(chi2, 192, 5 * 19.6);
}

// Signs of the same block in neighboring columns, and of neighboring blocks in a column, agree half of the time, to
// five standard deviations.
TEST(Embedding, SignsAreBalancedAndPairwiseIndependent) {
  constexpr Index kNonzeros = 8, kColumns = 20000;
  const CscMatrix s = SparseSignEmbedding(64, kColumns, kNonzeros, 6).to_csc();
  double sum = 0, between_columns = 0, between_blocks = 0;
  for (std::size_t k = 0; k < s.values.size(); ++k) {
    const auto sign = [&](std::size_t at) { return s.values[at % s.values.size()] > 0 ? 1.0 : -1.0; };
    sum += sign(k);
    between_columns += sign(k) * sign(k + kNonzeros);
    between_blocks += sign(k) * sign(k + 1);
  }
  const double limit = 5 * std::sqrt(static_cast<double>(kNonzeros * kColumns));
  EXPECT_LE(std::abs(sum), limit);
  EXPECT_LE(std::abs(between_columns), limit);
  EXPECT_LE(std::abs(between_blocks), limit);
}

// Widths with every strip of the kernel and several tiles; the last case has several row blocks.
class EmbeddedShape : public testing::TestWithParam<std::pair<Index, Index>> {};

TEST_P(EmbeddedShape, ProductsAreThoseOfTheDenseMatrix) {
  const auto [n, d] = GetParam();
  const auto a = test::sparse_gaussian(n, d, 0.5, 1);
  const SparseSignEmbedding left(24, n, 8, 2), right(24, d, 4, 3);
  const auto wide = test::widened(a), at = test::transposed(wide);
  const auto csr = test::to_csr<float>(a);
  const auto csr64 = test::to_csr<double>(a);
  const auto sa = test::product64(dense(left), wide);
  const auto ast = test::transposed(test::product64(dense(right), at));
  const double tolerance = kTolerance * std::sqrt(static_cast<double>(n + d));
  for (const RowMatrix& form :
       {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view()), RowMatrix(csr64.view())}) {
    EXPECT_LE(test::largest_difference(left.apply(form), sa), tolerance);
    EXPECT_LE(test::largest_difference(right.apply_right(form), ast), tolerance);
  }
  const MatrixOperator op{RowMatrix(a.view())};
  EXPECT_LE(test::largest_difference(left.apply(op), sa), tolerance);
  EXPECT_LE(test::largest_difference(right.apply_right(op), ast), tolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EmbeddedShape,
                         testing::Values(std::pair<Index, Index>{1, 1}, std::pair<Index, Index>{50, 3},
                                         std::pair<Index, Index>{33, 61}, std::pair<Index, Index>{7, 129},
                                         std::pair<Index, Index>{5000, 60}));

TEST(Embedding, SparseRowsGiveTheBitsOfDenseRows) {
  const auto a = test::sparse_gaussian(3000, 40, 0.2, 1);
  const auto csr = test::to_csr<float>(a);
  const SparseSignEmbedding s(64, 3000, 8, 2);
  EXPECT_TRUE(test::same_bits(s.apply(RowMatrix(csr.view())), s.apply(a.view())));
}

TEST(Embedding, GivesTheSameBitsForAllThreadsAndInstructionSets) {
  const auto a = test::sparse_gaussian(5000, 61, 0.5, 1);
  const auto csr = test::to_csr<float>(a);
  const SparseSignEmbedding left(64, 5000, 8, 2), right(64, 61, 8, 2);
  for (const RowMatrix& form : {RowMatrix(a.view()), RowMatrix(csr.view())}) {
    EXPECT_TRUE(test::same_bits_everywhere([&] { return left.apply(form); }));
    EXPECT_TRUE(test::same_bits_everywhere([&] { return right.apply_right(form); }));
  }
}

// So many rows of the sketch that whole rows are added instead of tiles of columns.
TEST(Embedding, TallSketchesAreThoseOfTheDenseMatrix) {
  constexpr Index kTall = 5000, kN = 700;
  const auto a = test::sparse_gaussian(kN, 37, 0.5, 1);
  const auto wide = test::widened(a);
  const DenseRows source(a.view());
  for (const Index nonzeros : {1, 4}) {
    const SparseSignEmbedding s(kTall, kN, nonzeros, 2);
    const auto expected = test::product64(dense(s), wide);
    const auto sum = s.apply(RowMatrix(a.view()));
    EXPECT_LE(test::largest_difference(sum, expected), kTolerance);
    EXPECT_TRUE(test::same_bits(sum, s.apply(RowMatrix(wide.view()))));
    EXPECT_TRUE(test::same_bits_everywhere([&] { return s.apply(RowMatrix(a.view())); }));
    EXPECT_LE(test::largest_difference(test::widened(s.apply_single(source)), expected), 1e-5);
    EXPECT_TRUE(test::same_bits_everywhere([&] { return test::widened(s.apply_single(source)); }));
  }
}

TEST(Embedding, IsLinear) {
  const auto a = test::gaussian_matrix64(400, 10, 1), b = test::gaussian_matrix64(400, 10, 2);
  Matrix<double> sum(400, 10);
  for (Index i = 0; i < 4000; ++i) sum.data()[i] = 2 * a.data()[i] - b.data()[i];
  const SparseSignEmbedding s(32, 400, 4, 3);
  auto expected = s.apply(RowMatrix(a.view()));
  const auto sb = s.apply(RowMatrix(b.view()));
  for (Index i = 0; i < 320; ++i) expected.data()[i] = 2 * expected.data()[i] - sb.data()[i];
  EXPECT_LE(test::largest_difference(s.apply(RowMatrix(sum.view())), expected), 10 * kTolerance);
}

TEST(Embedding, OneEntryPerColumnIsSingularOnCoordinateAxes) {
  const auto u = test::coherent_basis(400, 64);
  int singular = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    singular += test::singular_values(SparseSignEmbedding(128, 400, 1, seed).apply(RowMatrix(u.view()))).back() < 1e-12;
    EXPECT_GT(test::singular_values(SparseSignEmbedding(128, 400, 8, seed).apply(RowMatrix(u.view()))).back(), 0.1);
  }
  EXPECT_EQ(singular, 10);
}

TEST(Embedding, AcceptsMatricesWithoutRowsOrColumns) {
  const Matrix<double> no_rows(0, 4), no_columns(4, 0);
  const SparseSignEmbedding none(8, 0, 4, 1), four(8, 4, 4, 1);
  EXPECT_EQ(test::frobenius_norm64(none.apply(RowMatrix(no_rows.view()))), 0);
  EXPECT_EQ(four.apply(RowMatrix(no_columns.view())).cols(), 0);
  EXPECT_EQ(four.apply_right(RowMatrix(no_rows.view())).rows(), 0);
}

TEST(Embedding, NonFiniteEntriesAreNamed) {
  Matrix<float> a(50, 4);
  a(41, 3) = std::numeric_limits<float>::quiet_NaN();
  const DenseRows source(a.view());
  const SparseSignEmbedding left(8, 50, 4, 1), right(8, 4, 4, 1);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { left.apply(a.view()); }), "row 41, column 3");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { left.apply_single(source); }), "row 41, column 3");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { right.apply_right(a.view()); }), "row 41, column 3");
  const MatrixOperator op(a.view());
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { left.apply(op); }), "non-finite");
}

TEST(Embedding, SumsThatOverflowAreRefused) {
  Matrix<double> a(50, 1);
  for (Index i = 0; i < 50; ++i) a(i, 0) = std::numeric_limits<double>::max();
  EXPECT_CONTAINS(
      test::message_of<InvalidArgument>([&] { SparseSignEmbedding(1, 50, 1, 1).apply(RowMatrix(a.view())); }),
      "overflow");
}

TEST(Embedding, ShapesThatDoNotFitAreNamed) {
  const Matrix<double> a(3, 4);
  const SparseSignEmbedding s(8, 5, 4, 1);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { s.apply(RowMatrix(a.view())); }), "5 rows, got 3");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { s.apply_right(RowMatrix(a.view())); }), "5 columns, got 4");
  EXPECT_THROW(SparseSignEmbedding(8, 5, 0, 1), InvalidArgument);
  EXPECT_THROW(SparseSignEmbedding(8, 5, 9, 1), InvalidArgument);
  EXPECT_THROW(SparseSignEmbedding(8, -1, 4, 1), InvalidArgument);
  std::vector<double> column(8);
  EXPECT_THROW(s.apply_column(5, column), InvalidArgument);
  column.pop_back();
  EXPECT_THROW(s.apply_column(0, column), InvalidArgument);
}

TEST(Embedding, DefaultsFollowTheDimension) {
  EXPECT_EQ(default_nonzeros(200, 100), 8);
  EXPECT_EQ(default_nonzeros(400, 100), 4);
  EXPECT_EQ(default_nonzeros(3, 3), 3);
  EXPECT_EQ(embedding_for_distortion(100, 0.5).rows, 600);
  EXPECT_EQ(embedding_for_distortion(100, 0.25).nonzeros, 16);
  EXPECT_THROW(embedding_for_distortion(0, 0.5), InvalidArgument);
  EXPECT_THROW(embedding_for_distortion(10, 1), InvalidArgument);
  EXPECT_THROW(embedding_for_distortion(10, 0.5, 0), InvalidArgument);
  EXPECT_THROW(embedding_for_distortion(1 << 30, 0.01), InvalidArgument);
}

}  // namespace
}  // namespace loewner::sparse_embedding_test
