// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/integers.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"

namespace loewner::integers_test {
namespace {

class IntegersOf : public testing::TestWithParam<int> {
 protected:
  Integers encode(const Matrix<float>& a) const {
    return Integers(std::make_shared<DenseRows>(a.view()), integers_shape(DenseRows(a.view()), GetParam()));
  }
};

TEST_P(IntegersOf, ErrorsAreAtMostHalfAStep) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 130, .seed = 1});
  const auto b = read_all(encode(a));
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) EXPECT_NEAR(a(i, j), b(i, j), GetParam() == 8 ? 0.02 : 0.25);
  }
}

TEST_P(IntegersOf, RoundTrips) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 67, .seed = 1});
  const Integers encoded = encode(a);
  const auto again = test::read_back(encoded);
  const auto x = read_all(encoded), y = read_all(*again);
  EXPECT_TRUE(std::ranges::equal(std::span(x.data(), 20 * 67), std::span(y.data(), 20 * 67)));
  EXPECT_EQ(encoded.bytes(), integers_shape(DenseRows(a.view()), GetParam()).bytes());
}

TEST_P(IntegersOf, EncodesEqualAndHugeEntries) {
  Matrix<float> a(2, 5);
  for (Index j = 0; j < 5; ++j) {
    a(0, j) = 3;
    a(1, j) = j == 0 ? 1e35F : -1e35F;
  }
  const auto b = read_all(encode(a));
  EXPECT_NEAR(b(1, 0) / 1e35, 1, 0.01);
  EXPECT_NEAR(b(1, 1) / -1e35, 1, 0.01);
  const Matrix<float> zero(3, 4);
  const auto decoded = read_all(encode(zero));
  EXPECT_EQ(test::frobenius_norm(decoded.view()), 0);
}

INSTANTIATE_TEST_SUITE_P(Bits, IntegersOf, testing::Values(4, 8));

}  // namespace
}  // namespace loewner::integers_test
