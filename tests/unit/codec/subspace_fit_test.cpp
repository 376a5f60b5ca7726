// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/subspace_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner::subspace_fit_test {
namespace {

constexpr Index kRows = 900, kCols = 32;

struct Table {
  Matrix<float> a = test::student_t_with_decay({.rows = kRows, .cols = kCols, .seed = 1}, 3, 0.93);
  std::vector<double> weights = std::vector<double>(kRows);
  std::shared_ptr<const RowSource> rows = std::make_shared<DenseRows>(std::as_const(a).view());

  Table() {
    for (Index i = 0; i < kRows; ++i) weights[i] = 1 / std::sqrt(10.0 + static_cast<double>(i));
  }
  double squared_error(const RowSource& approximation) const {
    return approximation_errors(*rows, approximation, weights, 2).weighted_squared_error;
  }
};

TEST(SubspaceFit, PredictsTheErrorOfItsEncodingAtAnySize) {
  const Table table;
  const SubspaceFit fit(table.rows, {.row_weights = table.weights});
  for (const double keep : {0.1, 0.3, 0.5, 0.8}) {
    const auto budget = static_cast<Index>(keep * 4 * kRows * kCols);
    const auto encoded = fit.encode(budget, NumberFormat::f32, false);
    EXPECT_LE(encoded.matrix->bytes(), budget);
    EXPECT_DOUBLE_EQ(encoded.squared_error, fit.squared_error(budget, NumberFormat::f32));
    EXPECT_NEAR(encoded.squared_error, table.squared_error(*encoded.matrix), 1e-5 * fit.squared_norm());
  }
}

TEST(SubspaceFit, RefinementDoesNotRaiseTheError) {
  const Table table;
  const SubspaceFit fit(table.rows, {.row_weights = table.weights, .num_subspaces = 4});
  const Index budget = 2 * kRows * kCols;
  EXPECT_LE(fit.encode(budget, NumberFormat::f32, true).squared_error,
            fit.encode(budget, NumberFormat::f32, false).squared_error);
}

TEST(SubspaceFit, ErrorDecreasesWithTheSizeAndIsLowerForHalves) {
  const Table table;
  const SubspaceFit fit(table.rows, {.row_weights = table.weights, .num_subspaces = 3});
  double previous = std::numeric_limits<double>::infinity();
  for (Index budget = 2000; budget <= 4 * kRows * kCols; budget += 5000) {
    const double error = fit.squared_error(budget, NumberFormat::f32);
    EXPECT_LE(error, previous);
    EXPECT_LE(fit.squared_error(budget, NumberFormat::bf16), error);
    previous = error;
  }
  EXPECT_EQ(fit.squared_error(kRows - 1, NumberFormat::f32), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(fit.squared_error(kRows, NumberFormat::f32), fit.squared_norm());
}

TEST(SubspaceFit, FindsTheSizeForAnError) {
  const Table table;
  const SubspaceFit fit(table.rows, {.row_weights = table.weights, .num_subspaces = 3});
  const double wanted = 0.05 * fit.squared_norm();
  const auto bytes = fit.bytes_within(wanted, NumberFormat::f32);
  ASSERT_TRUE(bytes);
  EXPECT_LE(fit.squared_error(*bytes, NumberFormat::f32), wanted);
  EXPECT_GT(fit.squared_error(*bytes - 4, NumberFormat::f32), wanted);
  EXPECT_FALSE(fit.bytes_within(-1, NumberFormat::f32));
}

TEST(EncodeSubspaces, BeatsTheTruncatedSvdOfTheSameBytesOnWeightedRows) {
  const Table table;
  const Index budget = 2 * kRows * kCols;
  const auto encoded = encode_subspaces(table.rows, {.row_weights = table.weights, .max_bytes = budget});
  EXPECT_LE(encoded.matrix->bytes(), budget);
  const Index rank = budget / (4 * (kRows + kCols));
  const auto svd = truncated_svd(*table.rows, {.rank = rank, .row_weights = table.weights});
  double tail = 0;
  for (std::size_t i = static_cast<std::size_t>(rank); i < svd.singular_values.size(); ++i) {
    tail += svd.singular_values[i] * svd.singular_values[i];
  }
  EXPECT_LE(encoded.squared_error, 0.8 * tail);
  EXPECT_NEAR(encoded.squared_error, table.squared_error(*encoded.matrix), 1e-4 * encoded.squared_error);
}

TEST(EncodeSubspaces, MeetsTheMaximalError) {
  const Table table;
  const auto encoded = encode_subspaces(table.rows, {.row_weights = table.weights, .max_error = 0.3});
  const auto errors = approximation_errors(*table.rows, *encoded.matrix, table.weights, 2);
  EXPECT_LE(errors.weighted_relative_error(), 0.3 * (1 + 1e-5));
  EXPECT_GE(errors.weighted_relative_error(), 0.28);
}

TEST(EncodeSubspaces, NamesTheSmallestSizeIfTheBudgetIsTooSmall) {
  const Table table;
  const auto refusal = [&](Index max_bytes) {
    return test::message_of<BudgetError>([&] { (void)encode_subspaces(table.rows, {.max_bytes = max_bytes}); });
  };
  EXPECT_CONTAINS(refusal(100), "the budget leaves 100 bytes");
  EXPECT_CONTAINS(refusal(kRows + 3), "labels and one dimension need");
}

TEST(EncodeSubspaces, EncodesTinyAndDegenerateTables) {
  Matrix<float> two(2, 5), equal(20, 6);
  two(0, 0) = 1, two(1, 3) = -4;
  std::fill_n(equal.data(), 120, 2.5F);
  for (const Matrix<float>* a : {&std::as_const(two), &std::as_const(equal)}) {
    const auto rows = std::make_shared<DenseRows>(a->view());
    const auto encoded = encode_subspaces(rows, {.max_bytes = 200});
    EXPECT_LE(encoded.matrix->bytes(), 200);
    EXPECT_TRUE(std::isfinite(encoded.squared_error));
  }
  const Matrix<float> zeros(20, 6);
  const auto of_zeros = encode_subspaces(std::make_shared<DenseRows>(zeros.view()), {.max_bytes = 300});
  EXPECT_EQ(of_zeros.squared_error, 0);
  const auto decoded = read_all(*of_zeros.matrix);
  EXPECT_EQ(test::frobenius_norm(decoded.view()), 0);
}

TEST(EncodeSubspaces, RejectsNoneOrTwoTargets) {
  const Table table;
  EXPECT_THROW((void)encode_subspaces(table.rows, {}), InvalidArgument);
  EXPECT_THROW((void)encode_subspaces(table.rows, {.max_bytes = 1000, .max_error = 0.1}), InvalidArgument);
  EXPECT_THROW((void)encode_subspaces(table.rows, {.max_error = -0.1}), InvalidArgument);
}

}  // namespace
}  // namespace loewner::subspace_fit_test
