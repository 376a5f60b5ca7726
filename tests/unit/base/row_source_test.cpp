// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/row_source.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

TEST(RowBlocks, CoverEveryRowOnce) {
  const auto a = test::gaussian_matrix({.rows = 5000, .cols = 300, .seed = 1});
  std::vector<int> visits(5000);
  for_each_row_block(DenseRows(a.view()), [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      ++visits[first + i];
      EXPECT_EQ(rows.row(i).data(), a.row(first + i).data());
    }
  });
  EXPECT_EQ(visits, std::vector<int>(5000, 1));
}

TEST(RowBlocks, SumHasTheSameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 20000, .cols = 64, .seed = 2});
  const auto sum = [&](int count) {
    const test::ThreadCount threads(count);
    return sum_over_row_blocks(DenseRows(a.view()), [](Index, MatrixView<const float> rows) {
      double s = 0;
      for (Index i = 0; i < rows.rows(); ++i) {
        for (const float x : rows.row(i)) s += x;
      }
      return s;
    });
  };
  EXPECT_EQ(sum(1), sum(2));
  EXPECT_EQ(sum(1), sum(8));
}

TEST(RequireFinite, NamesRowAndColumnOfTheFirstBadEntry) {
  auto a = test::gaussian_matrix({.rows = 100, .cols = 8, .seed = 3});
  EXPECT_NO_THROW(require_finite(DenseRows(a.view()), "a"));
  a(41, 6) = std::numeric_limits<float>::quiet_NaN();
  a(70, 1) = std::numeric_limits<float>::infinity();
  try {
    require_finite(DenseRows(a.view()), "the table");
    FAIL() << "a NaN was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(error.what(), "the table has a non-finite value at row 41, column 6");
  }
}

}  // namespace
}  // namespace loewner
