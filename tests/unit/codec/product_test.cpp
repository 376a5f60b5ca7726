// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/structures.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner::product_test {
namespace {

constexpr Index kRows = 200, kCols = 40, kRank = 24;

std::unique_ptr<EncodedMatrix> coded(Index rows, Index cols, std::uint64_t seed) {
  const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = seed});
  return encode_codes(DenseRows(a.view()), {.max_bytes = rows * cols / 2 + 4 * rows});
}

// Two encoded factors and their product.
struct Factors {
  std::unique_ptr<EncodedMatrix> left = coded(kRows, kRank, 1), right = coded(kRank, kCols, 2);
  Matrix<float> decoded_left = read_all(*left), decoded_right = read_all(*right);
  Matrix<float> expected = test::product(decoded_left.view(), decoded_right.view());
};

TEST(Product, DecodesToTheProductOfItsFactors) {
  Factors f;
  const Product product(std::move(f.left), std::move(f.right));
  const Matrix<float> decoded = read_all(product);
  EXPECT_LE(test::frobenius_distance(decoded.view(), f.expected.view()), test::rounding_tolerance(f.expected.view()));
  EXPECT_EQ(product.rank(), kRank);
}

TEST(Product, RoundTripsAndDecodesSelectedRows) {
  Factors f;
  const Product product(std::move(f.left), std::move(f.right));
  const auto again = test::read_back(product);
  std::vector<Index> rows;
  for (Index i = 0; i < 150; ++i) rows.push_back(i * 7 % kRows);
  Matrix<float> picked(150, kCols), expected(150, kCols);
  again->decode_rows(rows, picked.view());
  for (Index i = 0; i < 150; ++i) std::ranges::copy(f.expected.row(rows[i]), expected.row(i).begin());
  EXPECT_LE(test::frobenius_distance(picked.view(), expected.view()), test::rounding_tolerance(expected.view()));
}

TEST(Product, GivesTheSameBitsForAnyNumberOfThreads) {
  Factors f;
  const Product product(std::move(f.left), std::move(f.right));
  std::vector<Index> rows(kRows);
  for (Index i = 0; i < kRows; ++i) rows[i] = i;
  const auto decoded = [&](int threads) {
    const test::ThreadCount scope(threads);
    Matrix<float> out(kRows, kCols);
    product.decode_rows(rows, out.view());
    return std::vector<float>(out.data(), out.data() + kRows * kCols);
  };
  const auto one = decoded(1);
  EXPECT_EQ(decoded(2), one);
  EXPECT_EQ(decoded(8), one);
}

TEST(Product, RejectsFactorsThatDoNotFit) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([] { Product(coded(9, 8, 1), coded(9, 8, 2)); }), "got 8 and 9");
}

TEST(Product, RejectsBadSpecifications) {
  Factors f;
  const Product product(std::move(f.left), std::move(f.right));
  const auto refusal = [&](const std::string& pointer, const Json& value) {
    Json spec = product.spec();
    spec[Json::json_pointer(pointer)] = value;
    return test::message_of<IoError>([&] { (void)test::read_back(product, spec); });
  };
  EXPECT_CONTAINS(refusal("/rank", 23), "rows x rank and rank x cols");
  EXPECT_CONTAINS(refusal("/left/structure", "product"),
                  "the structure of 'left' must be codes or joined_codes or entropy_codes or integers, got 'product'");
  EXPECT_CONTAINS(refusal("/right", 3), "structure");
  EXPECT_CONTAINS(refusal("/left/scale_exponent", 999), "scale_exponent");
}

}  // namespace
}  // namespace loewner::product_test
