// SPDX-License-Identifier: Apache-2.0
#include "linalg/krylov_space.hpp"

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
  // The residuals of all Ritz vectors lie in the pending block, so the step gains nearly as much as without a restart.
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

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(KrylovSpace, WithoutHeldOutVectorsItIsTheSpaceOfTheOthers) {
  const auto a = decaying(200);
  KrylovSpace space(a, 100, 6, "test"), others(a, 100, 6, "test");
  space.start(6, 2);
  others.start(4);
  for (int step = 0; step < 7; ++step) {
    space.step(6);
    others.step(4);
    expect_near(space.ritz_values_without_held_out(), others.ritz_values(), 1e-7);  // the square root of rounding
  }
  EXPECT_GT(space.ritz_values()[20],
            others.ritz_values()[20] + 1e-3);  // the control: the held-out vectors do add something
}

TEST(KrylovSpace, OnlyTheLatestVectorsAreHeldOutAfterARenewal) {
  const auto a = decaying(200);
  KrylovSpace space(a, 100, 7, "test"), others(a, 100, 7, "test");
  for (KrylovSpace* each : {&space, &others}) {
    each->start(5, 1);
    for (int step = 0; step < 4; ++step) each->step(5);
  }
  space.renew_held_out(5, 3);
  for (int step = 0; step < 4; ++step) {
    space.step(8);
    others.step(5);
  }
  expect_near(space.ritz_values_without_held_out(), others.ritz_values(), 1e-7);
}

// Five vectors find five of eight copies; the three held-out vectors add the other three.
TEST(KrylovSpace, OnlyHeldOutVectorsFindTheMissedCopies) {
  std::vector<double> spectrum = test::exponential_decay(200, 0.9);
  std::fill_n(spectrum.begin(), 8, 3.0);
  const test::DiagonalOperator a(200, 200, spectrum);
  KrylovSpace space(a, 100, 8, "test");
  space.start(8, 3);
  for (int step = 0; step < 5; ++step) space.step(8);  // in more steps rounding errors find the other copies
  EXPECT_TRUE(space.holds_out());
  EXPECT_NEAR(space.ritz_values()[7], 3, 1e-6);
  EXPECT_NEAR(space.ritz_values_without_held_out()[4], 3, 1e-6);
  EXPECT_LT(space.ritz_values_without_held_out()[5], 1);
  space.restart(10);
  EXPECT_FALSE(space.holds_out());
}

// Dropped vectors must not contain directions that only the held-out ones have found.
TEST(KrylovSpace, DroppedVectorsDoNotLeakHeldOutDirections) {
  std::vector<double> spectrum = test::exponential_decay(200, 0.9);
  std::fill_n(spectrum.begin(), 8, 3.0);
  const test::DiagonalOperator a(200, 200, spectrum);
  KrylovSpace space(a, 150, 9, "test");
  space.start(4);
  for (int step = 0; step < 2; ++step) space.step(4);
  space.renew_held_out(2, 2);
  for (int step = 0; step < 4; ++step) space.step(4);
  EXPECT_NEAR(space.ritz_values()[5], 3, 1e-4);
  EXPECT_LT(space.ritz_values_without_held_out()[4], 1);
}

TEST(KrylovSpace, AGramMatrixOfTheImagesGivesTheSameTriples) {
  const auto a = decaying(120);
  KrylovSpace exact(a, 60, 10, "test"), gram(a, 60, 10, "test", Breakdown::refill, RangeKind::gram);
  for (KrylovSpace* space : {&exact, &gram}) {
    space->start(5);
    for (int step = 0; step < 5; ++step) space->step(5);
    space->restart(14);
    space->step(5);
    space->step(0);
  }
  expect_near(gram.ritz_values(), exact.ritz_values(), 1e-7);
  const auto svd = gram.leading(gram.ritz(), 8), reference = exact.leading(exact.ritz(), 8);
  expect_near(svd.singular_values, reference.singular_values, 1e-12);
  EXPECT_LE(test::orthonormality_error(svd.vt.view()), 1e-12);
  for (Index i = 0; i < 8; ++i) {
    for (Index j = 0; j < 120; ++j) {
      EXPECT_NEAR(a.spectrum()[j] * svd.vt(i, j), svd.singular_values[i] * svd.u(j, i), 1e-12);
    }
  }
}

TEST(KrylovSpace, ProbedAndSubtractedResidualsAgree) {
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
