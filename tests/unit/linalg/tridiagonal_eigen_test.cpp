// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <tuple>
#include <utility>

#include "linalg/blas.hpp"
#include "loewner/base/random.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"
#include "support/threads.hpp"

namespace loewner::blas {
namespace {

struct Tridiagonal {
  std::vector<double> diagonal, beside;
};

// max |T v - value v| over all vectors, in units of the largest value.
double residual_of(const Tridiagonal& t, const std::vector<double>& values, MatrixView<const double> vectors) {
  double worst = 0;
  const auto n = static_cast<Index>(values.size());
  for (Index k = 0; k < n; ++k) {
    for (Index i = 0; i < n; ++i) {
      double product = t.diagonal[i] * vectors(k, i);
      if (i > 0) product += t.beside[i - 1] * vectors(k, i - 1);
      if (i + 1 < n) product += t.beside[i] * vectors(k, i + 1);
      worst = std::max(worst, std::abs(product - values[k] * vectors(k, i)));
    }
  }
  return worst / std::max(std::abs(values.front()), std::abs(values.back()));
}

Tridiagonal random_one(Index n) {
  RandomStream random(5, RandomPurpose::test_data);
  Tridiagonal t;
  for (Index i = 0; i < n; ++i) t.diagonal.push_back(random.normal());
  for (Index i = 0; i + 1 < n; ++i) t.beside.push_back(random.normal());
  return t;
}

Tridiagonal wilkinson(Index n) {  // pairs of values that agree to rounding
  Tridiagonal t{{}, std::vector<double>(n - 1, 1.0)};
  for (Index i = 0; i < n; ++i) t.diagonal.push_back(std::abs(static_cast<double>(n - 1) / 2 - static_cast<double>(i)));
  return t;
}

Tridiagonal toeplitz(Index n) {
  return {std::vector<double>(n, 2.0), std::vector<double>(n - 1, -1.0)};
}

Tridiagonal diagonal_one(Index n) {
  Tridiagonal t = random_one(n);
  std::ranges::fill(t.beside, 0.0);
  return t;
}

Tridiagonal graded(Index n) {
  Tridiagonal t = random_one(n);
  for (Index i = 0; i < n; ++i) t.diagonal[i] *= std::exp2(-static_cast<double>(i) / 20);
  for (Index i = 0; i + 1 < n; ++i) t.beside[i] *= std::exp2(-static_cast<double>(i) / 20);
  return t;
}

Tridiagonal zero(Index n) {
  return {std::vector<double>(n), std::vector<double>(n - 1)};
}

// A rank-one change with two values that do not deflate.
Tridiagonal one_coupling(Index n) {
  Tridiagonal t = zero(n);
  t.beside[n / 2 - 1] = 1;
  return t;
}

struct Kind {
  const char* name;
  Tridiagonal (*make)(Index);
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class TridiagonalMatrices : public testing::TestWithParam<std::tuple<Kind, Index>> {};

TEST_P(TridiagonalMatrices, ValuesAndOrthonormalVectorsSatisfyTheEquation) {
  const auto [kind, n] = GetParam();
  const Tridiagonal t = kind.make(n);
  Tridiagonal work = t;
  Matrix<double> vectors = Matrix<double>::uninitialized(n, n);
  ASSERT_TRUE(tridiagonal_eigen(work.diagonal, work.beside, vectors.view()));
  EXPECT_TRUE(std::ranges::is_sorted(work.diagonal));
  EXPECT_LE(test::orthonormality_error(vectors.view()), 1e-13);
  if (kind.make != zero) {
    EXPECT_LE(residual_of(t, work.diagonal, vectors.view()), 1e-13);
  }
}

// One block, two blocks, four blocks.
INSTANTIATE_TEST_SUITE_P(, TridiagonalMatrices,
                         testing::Combine(testing::Values(Kind{"random", random_one}, Kind{"wilkinson", wilkinson},
                                                          Kind{"toeplitz", toeplitz}, Kind{"diagonal", diagonal_one},
                                                          Kind{"graded", graded}, Kind{"zero", zero},
                                                          Kind{"one_coupling", one_coupling}),
                                          testing::Values(Index{30}, Index{769}, Index{1537})));

TEST(TridiagonalEigen, ValuesOfToeplitzAreKnown) {
  constexpr Index n = 900;
  Tridiagonal t = toeplitz(n);
  Matrix<double> vectors(n, n);
  ASSERT_TRUE(tridiagonal_eigen(t.diagonal, t.beside, vectors.view()));
  for (Index k = 0; k < n; ++k) {
    const double expected = 2 - 2 * std::cos(M_PI * static_cast<double>(k + 1) / static_cast<double>(n + 1));
    EXPECT_NEAR(t.diagonal[k], expected, 1e-13);
  }
}

TEST(TridiagonalEigen, SameBitsForAnyNumberOfThreads) {
  const auto solved = [](int threads) {
    const test::ThreadCount scope(threads);
    Tridiagonal t = random_one(1537);
    Matrix<double> vectors(1537, 1537);
    EXPECT_TRUE(tridiagonal_eigen(t.diagonal, t.beside, vectors.view()));
    return std::pair(t.diagonal, std::move(vectors));
  };
  const auto one = solved(1), three = solved(3);
  EXPECT_EQ(one.first, three.first);
  for (Index i = 0; i < 1537; ++i) EXPECT_TRUE(std::ranges::equal(one.second.row(i), three.second.row(i)));
}

}  // namespace
}  // namespace loewner::blas
