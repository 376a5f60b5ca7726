// SPDX-License-Identifier: Apache-2.0
#include "detail/krylov_space.hpp"

#include <gtest/gtest.h>

#include "support/matrices.hpp"
#include "support/operators.hpp"

namespace loewner::detail {
namespace {

test::DiagonalOperator decaying(Index size) {
  return {size, size, test::exponential_decay(size, 0.9)};
}

TEST(KrylovSpace, RitzValuesNeverExceedTheSingularValuesAndGrowWithTheSpace) {
  const auto a = decaying(100);
  KrylovSpace space(a, 60, 1, "test");
  space.start(5);
  std::vector<double> before(5, 0.0);
  for (int step = 0; step < 8; ++step) {
    space.step(5);
    const auto values = space.ritz().values;
    for (Index i = 0; i < 5; ++i) {
      EXPECT_LE(values[i], a.spectrum()[i] + 1e-13);
      EXPECT_GE(values[i], before[i] - 1e-13);
    }
    before = values;
  }
}

TEST(KrylovSpace, LeadingTriplesAreRitzTriples) {
  const auto a = decaying(80);
  KrylovSpace space(a, 50, 2, "test");
  space.start(4);
  for (int step = 0; step < 6; ++step) space.step(4);
  const auto svd = space.leading(space.ritz(), 10);
  EXPECT_LE(test::orthonormality_error(svd.vt.view()), 1e-12);
  for (Index j = 0; j < 10; ++j) {
    for (Index i = 0; i < 80; ++i) {
      EXPECT_NEAR(a.spectrum()[i] * svd.vt(j, i), svd.singular_values[j] * svd.u(i, j), 1e-13);
    }
  }
}

TEST(KrylovSpace, ARestartKeepsTheLeadingRitzTriplesAndGoesOn) {
  const auto a = decaying(100);
  KrylovSpace space(a, 60, 3, "test"), whole(a, 60, 3, "test");
  for (KrylovSpace* each : {&space, &whole}) each->start(4);
  for (int step = 0; step < 6; ++step) {
    space.step(4);
    whole.step(4);
  }
  const auto before = space.ritz().values;
  space.restart(10);
  const auto after = space.ritz().values;
  EXPECT_EQ(space.size(), 10);
  for (Index i = 0; i < 10; ++i) EXPECT_NEAR(before[i], after[i], 1e-13);
  space.step(4);
  whole.step(4);
  // The residuals of all Ritz vectors lie in the pending block, so the step gains nearly what it would have gained.
  EXPECT_NEAR(space.ritz().values[0], whole.ritz().values[0], 1e-9);
}

TEST(KrylovSpace, LeavesAnInvariantSpaceByRandomVectorsOnly) {
  // Three different singular values: one start vector reaches three dimensions.
  const test::DiagonalOperator a(60, 60, [] {
    std::vector<double> values(60, 1.0);
    std::fill_n(values.begin(), 20, 3.0);
    std::fill_n(values.begin() + 20, 20, 2.0);
    return values;
  }());
  KrylovSpace refilled(a, 60, 4, "test"), dropped(a, 60, 4, "test", Breakdown::drop);
  for (KrylovSpace* space : {&refilled, &dropped}) {
    space->start(1);
    for (int step = 0; step < 40 && space->pending() > 0; ++step) space->step(1);
  }
  EXPECT_EQ(refilled.size(), 40);
  EXPECT_NEAR(refilled.ritz().values[9], 3, 1e-12);
  EXPECT_LT(dropped.size(), 10);  // the control: without the refill the space ends
}

TEST(KrylovSpace, TheResidualOfProbesIsThatOfTheNorm) {
  // 200 residual directions of equal size: sixteen probes have a relative deviation of sqrt(2 / (16 * 195)) = 2.5 %.
  std::vector<double> values(200, 0.1);
  std::fill_n(values.begin(), 5, 1.0);
  const test::DiagonalOperator a(200, 200, values);
  KrylovSpace space(a, 40, 5, "test");
  space.start(5);
  for (int step = 0; step < 5; ++step) space.step(5);
  const Index before = space.products();
  EXPECT_NEAR(space.squared_residual(space.ritz_values(), 5), 1.95, 5 * 0.025 * 1.95);
  EXPECT_EQ(space.products() - before, KrylovSpace::kProbes);
}

}  // namespace
}  // namespace loewner::detail
