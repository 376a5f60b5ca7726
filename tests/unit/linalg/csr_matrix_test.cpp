// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/csr_matrix.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/messages.hpp"

namespace loewner {
namespace {

struct Arrays {
  Index cols = 3;
  std::vector<std::int64_t> offsets{0, 2, 2, 3};
  std::vector<std::int32_t> columns{2, 0, 1};
  std::vector<float> values{1, 2, 3};

  CsrView<float> checked() const { return CsrView<float>::checked(cols, offsets, columns, values); }
  std::string refusal() const {
    return test::message_of<InvalidArgument>([&] { (void)checked(); });
  }
};

TEST(CsrMatrix, ShowsItsRows) {
  const Arrays arrays;
  const auto a = arrays.checked();
  EXPECT_EQ(a.rows(), 3);
  EXPECT_EQ(a.nonzeros(), 3);
  EXPECT_EQ(a.columns_of(0)[1], 0);
  EXPECT_TRUE(a.values_of(1).empty());
  EXPECT_EQ(a.row_block(1, 2).values_of(1)[0], 3);
  EXPECT_EQ(a.row_block(1, 2).nonzeros(), 1);
}

TEST(CsrMatrix, AcceptsNoRows) {
  EXPECT_EQ(CsrView<double>().nonzeros(), 0);
  EXPECT_EQ(CsrView<float>::checked(5, std::vector<std::int64_t>{0}, {}, {}).rows(), 0);
}

TEST(CsrMatrix, ColumnsOutsideAreNamed) {
  Arrays arrays;
  arrays.columns[1] = 3;
  EXPECT_CONTAINS(arrays.refusal(), "columns[1] = 3");
  arrays.columns[1] = -1;
  EXPECT_CONTAINS(arrays.refusal(), "columns[1] = -1");
}

TEST(CsrMatrix, InvalidOffsetsAreRefused) {
  Arrays falls, starts_late, ends_early, none;
  falls.offsets = {0, 2, 1, 3};
  EXPECT_CONTAINS(falls.refusal(), "row_offsets[2] = 1 follows 2");
  starts_late.offsets.front() = 1;
  EXPECT_CONTAINS(starts_late.refusal(), "start with 0");
  ends_early.offsets.back() = 2;
  EXPECT_CONTAINS(ends_early.refusal(), "end with the number of values");
  none.offsets.clear();
  EXPECT_CONTAINS(none.refusal(), "rows + 1");
}

TEST(CsrMatrix, SizesThatDoNotFitAreRefused) {
  Arrays short_values, wide;
  short_values.values.pop_back();
  EXPECT_CONTAINS(short_values.refusal(), "expected one column per value");
  wide.cols = Index{1} << 31;
  EXPECT_CONTAINS(wide.refusal(), "number of columns");
}

}  // namespace
}  // namespace loewner
