// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/row_matrix.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner {
namespace {

Matrix<double> rows_of(const RowMatrix& a, Index first, Index count) {
  Matrix<double> wide(count, a.cols());
  read_rows_wide(a, first, wide.view());
  return wide;
}

// A RowMatrix keeps the address of a RowSource: a temporary would leave it dangling.
static_assert(std::is_constructible_v<RowMatrix, const OwnedRows&>);
static_assert(!std::is_constructible_v<RowMatrix, OwnedRows>);
static_assert(!std::is_constructible_v<RowMatrix, DenseRows>);
static_assert(!std::is_convertible_v<const OwnedRows&, RowMatrix>);

TEST(RowMatrix, AllFormsHaveTheSameRows) {
  const auto a = test::sparse_gaussian(20, 7, 0.4, 1);
  const auto wide = test::widened(a);
  const auto csr = test::to_csr<float>(a);
  const auto csr64 = test::to_csr<double>(a);
  const DenseRows source(a.view());
  for (const RowMatrix& form : {RowMatrix(source), RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view()),
                                RowMatrix(csr64.view())}) {
    ASSERT_EQ(form.rows(), 20);
    ASSERT_EQ(form.cols(), 7);
    EXPECT_TRUE(test::same_bits(rows_of(form, 0, 20), wide));
    EXPECT_EQ(rows_of(form, 5, 3)(1, 2), wide(6, 2));
  }
}

TEST(RowMatrix, EntriesOfTheSamePlaceAddUp) {
  const test::OwnedCsr<double> csr{.cols = 2, .offsets = {0, 3}, .columns = {1, 0, 1}, .values = {1, 5, 2}};
  EXPECT_EQ(rows_of(csr.view(), 0, 1)(0, 1), 3);
}

TEST(RowMatrix, NonFiniteValuesAreNamed) {
  Matrix<double> a(40, 3);
  a(33, 2) = std::numeric_limits<double>::infinity();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { require_finite(RowMatrix(a.view()), "the table"); }),
                  "the table has a non-finite value at row 33, column 2");
  const auto csr = test::to_csr<float>(a);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { require_finite(RowMatrix(csr.view()), "it"); }),
                  "row 33, column 2");
  a(33, 2) = 0;
  EXPECT_NO_THROW(require_finite(RowMatrix(a.view()), "the table"));
}

}  // namespace
}  // namespace loewner
