// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_probe.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "loewner/linalg/composed_operators.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::residual_probe_test {
namespace {

TEST(ResidualProbe, OfAFactorizationIsWithinItsStandardErrors) {
  const auto a = test::gaussian_matrix64(200, 150, 1), u = test::gaussian_matrix64(200, 5, 2),
             v = test::gaussian_matrix64(150, 5, 3);
  Matrix<double> residual = test::product64(u, test::transposed(v));
  for (Index i = 0; i < 200 * 150; ++i) residual.data()[i] = a.data()[i] - residual.data()[i];
  const MatrixOperator a_operator{RowMatrix(a.view())};
  const double truth = test::frobenius_norm64(residual);
  const ResidualOperator difference(a_operator, u.view(), v.view());
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto probed = probe_frobenius_norm(difference, 16, seed);
    EXPECT_NEAR(probed.norm, truth, 5 * probed.standard_error) << seed;
    EXPECT_LT(probed.standard_error, 0.18 * truth) << seed;
  }
}

// 1000 seeds with 16 probes of a matrix of rank 1, the widest spread: the mean of the squares is within 5 sd of 1,
// sd = sqrt(2 / 16000).
TEST(ResidualProbe, HasUnbiasedSquares) {
  const Matrix<double> a = test::coherent_basis(1, 1);
  const MatrixOperator one{RowMatrix(a.view())};
  double mean = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    mean += std::pow(probe_frobenius_norm(one, 16, seed).norm, 2) / 1000;
  EXPECT_NEAR(mean, 1, 5 * std::sqrt(2.0 / 16000));
}

TEST(ResidualProbe, OfZeroIsZeroAndOfHugeEntriesDoesNotOverflow) {
  Matrix<double> a(30, 20);
  const MatrixOperator op{RowMatrix(a.view())};
  EXPECT_EQ(probe_frobenius_norm(op).norm, 0);
  EXPECT_EQ(probe_frobenius_norm(op).standard_error, 0);
  a(3, 4) = 1e250;
  EXPECT_NEAR(probe_frobenius_norm(op).norm / 1e250, 1, 0.6);
  EXPECT_EQ(probe_frobenius_norm(op, 1).standard_error, 0);
}

TEST(ResidualProbe, GivesTheSameBitsForAllThreads) {
  const auto a = test::gaussian_matrix64(2000, 150, 1);
  const MatrixOperator op{RowMatrix(a.view())};
  EXPECT_TRUE(test::same_bits_everywhere(
      [&] {
        Matrix<double> norm(1, 1);
        norm(0, 0) = probe_frobenius_norm(op).norm;
        return norm;
      },
      test::kFused));
}

TEST(ResidualProbe, NoProbesAndNonFiniteProductsAreRefused) {
  Matrix<double> a(3, 3);
  const MatrixOperator op{RowMatrix(a.view())};
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { probe_frobenius_norm(op, 0); }),
                  "must be in [1, 65536], got 0");
  a(1, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { probe_frobenius_norm(op); }), "non-finite");
}

}  // namespace
}  // namespace loewner::residual_probe_test
