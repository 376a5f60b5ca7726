// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "loewner/linalg/matrix_operator.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/operators.hpp"
#include "support/tolerance.hpp"

namespace loewner::block_krylov_arguments_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(BlockKrylov, RejectsOptionsOutsideTheirRange) {
  const test::DiagonalOperator a(20, 10, {3, 2, 1});
  const auto message = [&](const BlockKrylovOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)block_krylov(a, options); });
  };
  EXPECT_CONTAINS(message({.rank = 0}), "rank must be in [1, 10] for a 20 x 10 matrix, got 0");
  EXPECT_CONTAINS(message({.rank = 11}), "got 11");
  EXPECT_CONTAINS(message({.rank = 1, .norm_exponent = 0.5}), "norm_exponent");
  EXPECT_CONTAINS(message({.rank = 1, .norm_exponent = std::nan("")}), "norm_exponent");
  EXPECT_CONTAINS(message({.rank = 1, .eps = 0}), "eps");
  EXPECT_CONTAINS(message({.rank = 1, .vector_tolerance = -1}), "vector_tolerance");
  EXPECT_CONTAINS(message({.rank = 1, .block = -1}), "negative");
  EXPECT_CONTAINS(message({.rank = 9, .block = 2, .steps = 3}), "steps must be at least 4");
  EXPECT_CONTAINS(message({.rank = 9, .max_products = 20}), "max_products must be at least");
  Matrix<double> vectors(3, 10), spoilt(3, 10), narrow(3, 9);
  spoilt(2, 7) = kInfinity;
  EXPECT_CONTAINS(message({.rank = 2, .start = narrow.view()}), "start must have `block` rows, at most 10, of 10");
  EXPECT_CONTAINS(message({.rank = 2, .block = 4, .start = vectors.view()}), "start must have `block` rows");
  EXPECT_CONTAINS(message({.rank = 2, .start = spoilt.view()}), "start has a non-finite value at row 2, column 7");
}

TEST(BlockKrylov, NamesTheNonFiniteEntryOrTheRowOfTheProduct) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 10, .seed = 10});
  a(3, 4) = std::numeric_limits<float>::quiet_NaN();
  const auto message = [](const LinearOperator& matrix) {
    return test::message_of<InvalidArgument>([&] { (void)block_krylov(matrix, {.rank = 2}); });
  };
  const std::string named = "block_krylov: the matrix has a non-finite value at row 3, column 4";
  EXPECT_EQ(message(MatrixOperator(a.view())), named);
  const std::vector<std::int64_t> offsets{0, 0, 0, 0, 1};
  const std::vector<std::int32_t> columns{4};
  const std::vector<double> values{kInfinity};
  EXPECT_EQ(message(MatrixOperator(CsrView<double>::checked(10, offsets, columns, values))), named);
  EXPECT_EQ(message(test::DiagonalOperator(10, 10, {1, kInfinity})),
            "block_krylov: row 1 of a product with the matrix is not finite");
}

TEST(BlockKrylov, IsRightWhereOnlySquaresOverflow) {
  Matrix<double> a(4, 3);
  a(0, 0) = 1e200;
  const KrylovSvd svd = block_krylov(MatrixOperator(MatrixView<const double>(a.view())), {.rank = 1});
  EXPECT_NEAR(svd.singular_values[0] / 1e200, 1, 1e-12);
}

}  // namespace
}  // namespace loewner::block_krylov_arguments_test
