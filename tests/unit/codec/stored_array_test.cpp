// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/stored_array.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "loewner/base/error.hpp"
#include "support/checkpoints.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner::stored_array_test {
namespace {

constexpr Index kRows = 37, kCols = 11;

std::shared_ptr<const RowSource> rows_of(const Matrix<float>& a) {
  return std::make_shared<DenseRows>(a.view());
}

Matrix<float> through(const Matrix<float>& a, DType dtype) {
  return read_all(*stored_rows(stored_as("a", rows_of(a), dtype)));
}

class StoredArrayOfType : public testing::TestWithParam<DType> {};

TEST_P(StoredArrayOfType, RoundTripsAfterOneRounding) {
  const auto a = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 1});
  const auto once = through(a, GetParam()), twice = through(once, GetParam());
  EXPECT_TRUE(std::equal(once.data(), once.data() + kRows * kCols, twice.data()));
}

TEST_P(StoredArrayOfType, IsWithinHalfAUnitInTheLastPlace) {
  const auto a = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 2});
  const auto b = through(a, GetParam());
  // 11 and 8 bits of precision. The smallest of 407 normal numbers is far above 2^-14, where halves
  // lose bits.
  const double half_unit = GetParam() == DType::f16 ? 0x1p-11 : GetParam() == DType::bf16 ? 0x1p-8 : 0;
  for (Index i = 0; i < kRows * kCols; ++i)
    EXPECT_LE(std::abs(a.data()[i] - b.data()[i]), half_unit * std::abs(a.data()[i]));
}

TEST_P(StoredArrayOfType, ReadsTheSameRowsInAnyBlocks) {
  const auto a = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 3});
  const auto all = through(a, GetParam());
  const auto rows = stored_rows(stored_as("a", rows_of(a), GetParam()));
  Matrix<float> buffer;
  for (const Index count : {1, 5, 20}) {
    const auto block = rows->read_rows(17, count, buffer);
    for (Index i = 0; i < count; ++i) EXPECT_TRUE(std::ranges::equal(block.row(i), all.row(17 + i)));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFloatingPointType, StoredArrayOfType,
                         testing::Values(DType::f64, DType::f32, DType::f16, DType::bf16),
                         [](const auto& type) { return std::string(to_string(type.param)); });

TEST(StoredArray, WritesOnlyFloatingPointTypes) {
  const Matrix<float> a(2, 2);
  const auto message = test::message_of<InvalidArgument>([&] { (void)stored_as("left", rows_of(a), DType::i8); });
  EXPECT_CONTAINS(message, "array 'left': a floating-point type is needed, got I8");
}

TEST(StoredArray, ReadsOnlyFloatingPointTypes) {
  const StoredArray indices{.name = "ids", .dtype = DType::i64, .rows = 2, .cols = 2, .read_rows = {}};
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)stored_rows(indices); }),
                  "array 'ids' must hold floating-point numbers, got I64");
}

TEST(StoredArray, RejectsTensorsWithoutTwoDimensions) {
  const test::TemporaryFolder folder;
  const auto path = test::write_encoder(folder) / "model.safetensors";
  const auto file = SafetensorsFile::open(path);
  const auto message =
      test::message_of<IoError>([&] { (void)stored_in(file, *file->find("embeddings.LayerNorm.weight")); });
  EXPECT_CONTAINS(message, "model.safetensors: tensor 'embeddings.LayerNorm.weight': two dimensions are needed, got 1");
}

TEST(StoredArray, KeepsItsFileOpen) {
  const test::TemporaryFolder folder;
  std::shared_ptr<const RowSource> rows;
  {
    const auto file = SafetensorsFile::open(test::write_encoder(folder) / "model.safetensors");
    rows = stored_rows(stored_in(file, *file->find(test::kTable)));
  }
  const std::string bytes = test::bytes_of(test::encoder_tensors().front());
  const auto table = read_all(*rows);
  EXPECT_EQ(std::memcmp(table.data(), bytes.data(), bytes.size()), 0);
}

}  // namespace
}  // namespace loewner::stored_array_test
