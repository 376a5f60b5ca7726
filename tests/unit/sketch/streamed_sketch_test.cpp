// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/streamed_sketch.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::streamed_sketch_test {
namespace {

constexpr Index kRows = 700, kCols = 20;

class StreamedRows : public testing::Test {
 protected:
  Matrix<float> a_ = test::sparse_gaussian(kRows, kCols, 0.5, 1);
  SparseSignEmbedding embedding_{40, kRows, 8, 7};
  Matrix<double> whole_ = embedding_.apply(a_.view());

  void add(StreamedSketch& sketch, Index first, Index count) const {
    sketch.add_rows(first, a_.view().row_block(first, count));
  }
};

TEST_F(StreamedRows, BlocksInOrderGiveTheBitsOfTheWhole) {
  StreamedSketch sketch(embedding_, kCols);
  add(sketch, 0, 1);
  add(sketch, 1, 0);
  add(sketch, 1, 499);
  add(sketch, 500, 200);
  EXPECT_TRUE(test::same_bits(sketch.result(), whole_));
}

TEST_F(StreamedRows, SketchesOfDisjointRowsAddUp) {
  StreamedSketch first(embedding_, kCols), second(embedding_, kCols);
  add(first, 300, 400);
  add(second, 0, 300);
  first.merge(second);
  EXPECT_LE(test::largest_difference(first.result(), whole_), 1e-12);
}

TEST_F(StreamedRows, IntegersAddUpExactlyInAnyOrder) {
  for (Index i = 0; i < kRows * kCols; ++i) a_.data()[i] = std::round(8 * a_.data()[i]);
  StreamedSketch first(embedding_, kCols), second(embedding_, kCols);
  add(first, 300, 400);
  const auto csr = test::to_csr<float>(a_);
  second.add_rows(0, csr.view().row_block(0, 300));
  second.merge(first);
  EXPECT_TRUE(test::same_bits(second.result(), embedding_.apply(a_.view())));
}

TEST_F(StreamedRows, OtherEmbeddingsAreNotMerged) {
  StreamedSketch sketch(embedding_, kCols);
  const auto refusal = [&](Index rows, Index nonzeros, std::uint64_t seed, Index cols) {
    const StreamedSketch other(SparseSignEmbedding(rows, kRows, nonzeros, seed), cols);
    return test::message_of<InvalidArgument>([&] { sketch.merge(other); });
  };
  EXPECT_CONTAINS(refusal(40, 8, 8, kCols), "seed 8");
  EXPECT_CONTAINS(refusal(41, 8, 7, kCols), "41 x 700");
  EXPECT_CONTAINS(refusal(40, 4, 7, kCols), "4 nonzeros");
  EXPECT_CONTAINS(refusal(40, 8, 7, 3), "3 columns");
}

TEST_F(StreamedRows, ARefusedBlockAddsNothing) {
  StreamedSketch sketch(embedding_, kCols);
  add(sketch, 0, kRows);
  Matrix<double> bad(2, kCols);
  bad(0, 0) = 1;
  bad(1, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sketch.add_rows(5, bad.view()); }), "row 1, column 3");
  bad(1, 3) = 0;
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sketch.add_rows(kRows - 1, bad.view()); }), "from row 699");
  EXPECT_THROW(sketch.add_rows(-1, bad.view()), InvalidArgument);
  EXPECT_THROW(sketch.add_rows(0, bad.view().col_block(0, 3)), InvalidArgument);
  EXPECT_TRUE(test::same_bits(sketch.result(), whole_));
}

}  // namespace
}  // namespace loewner::streamed_sketch_test
