// SPDX-License-Identifier: Apache-2.0
// ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp over spectra, exponents and seeds. Gaussian starts are invariant
// under rotations, so diagonal matrices represent all matrices of their spectrum.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/schatten_low_rank.hpp"
#include "support/operators.hpp"

namespace loewner {
namespace {

using test::DiagonalOperator;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Index kSize = 600, kCopies = 10;

// Values of eps for which the products of the plan do not fill the whole space.
double small_eps(double p) {
  return std::isinf(p) ? 0.01 : 0.003;
}

// 600 values in steps of ten equal ones after the first ten, so that the residual's spectrum is cheap.
DiagonalOperator staircase(const std::function<double(double)>& value) {
  std::vector<double> spectrum(kSize);
  for (Index i = 0; i < kSize; ++i) {
    const Index step = i < 10 ? i : i / kCopies * kCopies;
    spectrum[i] = value(static_cast<double>(step));
  }
  return {kSize, kSize, std::move(spectrum)};
}

// Heavy tails, a thin gap behind the first `rank` values, and light tails.
std::vector<DiagonalOperator> spectra(Index rank) {
  const double k = static_cast<double>(rank);
  std::vector<DiagonalOperator> all;
  all.push_back(staircase([](double i) { return 1 / std::sqrt(1 + i); }));
  all.push_back(staircase([](double i) { return std::pow(1 + i / 60, -0.8); }));
  all.push_back(staircase([k](double i) { return i < k ? 1 : 0.98 - 0.0002 * i; }));
  all.push_back(staircase([](double i) { return i < 1 ? 1 : i < 20 ? 0.6 : 1e-3; }));
  all.push_back(staircase([](double i) { return i < 12 ? 1 - 0.02 * i : 1e-3; }));
  return all;
}

using Method = std::function<Matrix<double>(const DiagonalOperator&, std::uint64_t seed)>;

// The number of runs over spectra and seeds with an excess above eps.
int failures_of(const Method& method, Index rank, double p, double eps, std::uint64_t seeds = 4) {
  int failures = 0;
  for (const DiagonalOperator& a : spectra(rank)) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      failures += test::schatten_excess_of(a, method(a, seed), p) > eps ? 1 : 0;
    }
  }
  return failures;
}

Method two_block_sizes(SchattenOptions options) {
  return [options](const DiagonalOperator& a, std::uint64_t seed) mutable {
    options.seed = seed;
    return std::move(schatten_low_rank(a, options).vt);
  };
}

Method adaptive(BlockKrylovOptions options) {
  return [options](const DiagonalOperator& a, std::uint64_t seed) mutable {
    options.seed = seed;
    return std::move(block_krylov(a, options).vt);
  };
}

// A control of equal cost: V from the last block only, without the earlier ones.
Matrix<double> subspace_iteration(const DiagonalOperator& a, Index k, Index block, Index products, std::uint64_t seed) {
  detail::GaussianRows random(seed, RandomPurpose::initial_guess);
  Matrix<double> vectors = random.draw(block, a.cols()), image(a.rows(), block), back(a.cols(), block);
  for (Index used = block;; used += 2 * block) {
    detail::OrthonormalRows basis(block, a.cols());
    basis.append(std::move(vectors), nullptr);
    const auto v = detail::transposed<double>(basis.view());
    a.apply(v.view(), image.view());
    if (used + 2 * block > products) {
      Matrix<double> u, right, vt(k, a.cols());
      std::vector<double> values;
      if (!blas::thin_svd(image.view(), u, values, right)) throw std::runtime_error("dgesdd");
      blas::gemm(blas::Op::none, blas::Op::none, 1.0, right.view().row_block(0, k), basis.view(), 0.0, vt.view());
      return vt;
    }
    a.apply_t(image.view(), back.view());
    vectors = detail::transposed<double>(back.view());
  }
}

class LowRankGuarantee : public testing::TestWithParam<double> {};

TEST_P(LowRankGuarantee, TwoBlockSizesMeetItWithTheProductsOfThePlan) {
  const SchattenOptions options{.rank = 1, .norm_exponent = GetParam(), .eps = small_eps(GetParam())};
  EXPECT_LT(schatten_plan(kSize, options).products(),
            0.75 * kSize);  // in steps of two products: less than 2 / 5 of the space
  EXPECT_EQ(failures_of(two_block_sizes(options), 1, options.norm_exponent, options.eps), 0);
}

TEST_P(LowRankGuarantee, OneStepOfEachViolatesIt) {
  const double eps = small_eps(GetParam());
  const SchattenOptions options{.rank = 1, .norm_exponent = GetParam(), .eps = eps, .constant = 1e-6};
  EXPECT_GE(failures_of(two_block_sizes(options), 1, GetParam(), eps), 3);
}

TEST_P(LowRankGuarantee, TheAdaptiveStopMeetsItForEveryRankAndError) {
  for (const auto& [rank, eps] : {std::pair<Index, double>{1, 0.01}, {5, 0.1}, {10, 0.01}}) {
    const BlockKrylovOptions options{.rank = rank, .norm_exponent = GetParam(), .eps = eps};
    EXPECT_EQ(failures_of(adaptive(options), rank, GetParam(), eps, 2), 0) << rank << " " << eps;
  }
}

INSTANTIATE_TEST_SUITE_P(Exponents, LowRankGuarantee, testing::Values(1.0, 2.0, 4.0, kInfinity));

TEST(LowRankGuarantee, SubspaceIterationWithTwiceTheProductsViolatesIt) {
  const BlockKrylovOptions options{.rank = 5, .norm_exponent = kInfinity, .eps = 0.01};
  const auto twice = [&](const DiagonalOperator& a, std::uint64_t seed) {
    return subspace_iteration(a, 5, 7, 2 * block_krylov(a, options).products, seed);
  };
  EXPECT_GE(failures_of(twice, 5, kInfinity, 0.01, 2), 2);
}

}  // namespace
}  // namespace loewner
