// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/dense.hpp"

#include <gtest/gtest.h>

#include <array>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/model/json.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/tolerance.hpp"

namespace loewner::dense_test {
namespace {

constexpr Index kRows = 50, kCols = 13;

class DenseIn : public testing::TestWithParam<NumberFormat> {
 protected:
  Matrix<float> a_ = test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 1});
  Dense dense_{std::make_shared<DenseRows>(a_.view()), GetParam()};

  ArrayLookup arrays() const {
    return [array = dense_.to_tensors().at(0)](std::string_view name) {
      EXPECT_EQ(name, "weight");
      return array;
    };
  }
};

TEST_P(DenseIn, RoundTrips) {
  const auto read = encoded_matrix_from_tensors(dense_.spec(), arrays());
  EXPECT_EQ(read->spec(), dense_.spec());
  EXPECT_EQ(read->bytes(), kRows * kCols * bytes_per_number(GetParam()));
  const auto stored = read_all(*stored_rows(dense_.to_tensors().at(0))), decoded = read_all(*read);
  EXPECT_TRUE(std::equal(stored.data(), stored.data() + kRows * kCols, decoded.data()));
}

TEST_P(DenseIn, DecodesSelectedRows) {
  const std::array<Index, 3> indices = {49, 0, 49};
  Matrix<float> rows(3, kCols);
  dense_.decode_rows(indices, rows.view());
  for (Index i = 0; i < 3; ++i) EXPECT_TRUE(std::ranges::equal(rows.row(i), a_.row(indices[i])));
}

TEST_P(DenseIn, AppliesItsRows) {
  const auto x = test::gaussian_matrix({.rows = 4, .cols = kCols, .seed = 2});
  Matrix<float> y(4, kRows), transposed(kCols, kRows);
  dense_.apply(x.view(), y.view());
  for (Index i = 0; i < kRows; ++i) {
    for (Index j = 0; j < kCols; ++j) transposed(j, i) = a_(i, j);
  }
  const auto expected = test::product(x.view(), transposed.view());
  EXPECT_LE(test::frobenius_distance(y.view(), expected.view()), test::rounding_tolerance(expected.view()));
}

TEST_P(DenseIn, RejectsAnArrayThatDoesNotFit) {
  Json spec = dense_.spec();
  spec["rows"] = kRows + 1;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)encoded_matrix_from_tensors(spec, arrays()); }),
                  "array 'weight' must be 51 x 13, got 50 x 13");
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, DenseIn,
                         testing::Values(NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace loewner::dense_test
