// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/singular_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

TEST(SingularValues, AreThoseOfTheDirectSvdForTallAndWideMatrices) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{90, 20}, {20, 90}, {20, 20}, {5, 1}, {1, 5}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 1});
    const auto values = singular_values(DenseRows(a.view()));
    const auto direct =
        truncated_svd(DenseRows(a.view()), {.rank = 1, .row_weights = {}, .route = SvdRoute::direct}).singular_values;
    ASSERT_EQ(values.size(), direct.size());
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], direct[i], 1e-6 * direct[0]);
  }
}

TEST(SingularValues, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 5000, .cols = 30, .seed = 1});
  const auto values = [&](int threads) {
    const test::ThreadCount scope(threads);
    return singular_values(DenseRows(a.view()));
  };
  EXPECT_EQ(values(2), values(1));
  EXPECT_EQ(values(8), values(1));
}

TEST(SingularValues, NonFiniteEntriesAreNamed) {
  auto a = test::gaussian_matrix({.rows = 9, .cols = 4, .seed = 1});
  a(3, 2) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)singular_values(DenseRows(a.view())); }),
                  "row 3, column 2");
}

TEST(RelativeResiduals, AreTheTailsOfTheSpectrum) {
  const auto left = relative_residuals({4, 3, 0});
  ASSERT_EQ(left.size(), 4U);
  EXPECT_DOUBLE_EQ(left[0], 1);
  EXPECT_DOUBLE_EQ(left[1], 0.6);
  EXPECT_DOUBLE_EQ(left[2], 0);
  EXPECT_DOUBLE_EQ(left[3], 0);
  for (const double error : relative_residuals({0, 0})) EXPECT_EQ(error, 0);
}

}  // namespace
}  // namespace loewner
