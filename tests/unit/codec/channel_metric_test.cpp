// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/channel_metric.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "linalg/blas.hpp"
#include "loewner/base/error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"
#include "support/threads.hpp"

namespace loewner::channel_metric_test {
namespace {

constexpr Index kChannels = 24;
constexpr double kRounding = 1e-9;

Matrix<double> times(MatrixView<const double> a, MatrixView<const double> b) {
  Matrix<double> c(a.rows(), b.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, a, b, 0.0, c.view());
  return c;
}

std::string refusal(const Matrix<double>& g) {
  return test::message_of<InvalidArgument>([&] { ChannelMetric metric(g.view()); });
}

// (G + lambda I) / mu
Matrix<double> damped(const Matrix<double>& g) {
  double mean = 0;
  for (Index i = 0; i < g.rows(); ++i) mean += g(i, i) / static_cast<double>(g.rows());
  Matrix<double> m = g.clone();
  for (Index i = 0; i < g.rows(); ++i) {
    m(i, i) += kChannelDamping * mean;
    for (double& x : m.row(i)) x /= mean * (1 + kChannelDamping);
  }
  return m;
}

TEST(ChannelMetric, TheSquareOfItsRootIsTheDampedMatrixOverItsMeanEigenvalue) {
  const Matrix<double> g = test::second_moment(kChannels), expected = damped(g);
  const ChannelMetric metric(g.view());
  const Matrix<double> square = times(metric.root(), metric.root());
  for (Index i = 0; i < kChannels; ++i) {
    for (Index j = 0; j < kChannels; ++j) EXPECT_NEAR(square(i, j), expected(i, j), kRounding);
  }
}

TEST(ChannelMetric, ItsInverseRootIsTheInverseOfItsRoot) {
  const Matrix<double> g = test::second_moment(kChannels);
  const ChannelMetric metric(g.view());
  const Matrix<double> unit = times(metric.root(), metric.inverse_root());
  for (Index i = 0; i < kChannels; ++i) {
    for (Index j = 0; j < kChannels; ++j) EXPECT_NEAR(unit(i, j), i == j ? 1 : 0, kRounding);
  }
}

TEST(ChannelMetric, DoesNotDependOnTheScaleOfTheSensitivities) {
  const Matrix<double> g = test::second_moment(kChannels);
  const ChannelMetric metric(g.view());
  for (const double scale : {1e-200, 1e200}) {
    Matrix<double> scaled = g.clone();
    for (Index i = 0; i < kChannels; ++i) {
      for (double& x : scaled.row(i)) x *= scale;
    }
    const ChannelMetric other(scaled.view());
    for (Index i = 0; i < kChannels; ++i) EXPECT_NEAR(other.root()(i, 0), metric.root()(i, 0), kRounding) << scale;
  }
}

TEST(ChannelMetric, HasTheSameBitsForAnyNumberOfThreads) {
  const Matrix<double> g = test::second_moment(kChannels);
  const ChannelMetric one = [&] {
    const test::ThreadCount threads(1);
    return ChannelMetric(g.view());
  }();
  for (const int count : {2, 8}) {
    const test::ThreadCount threads(count);
    const ChannelMetric other(g.view());
    for (Index i = 0; i < kChannels; ++i) {
      for (Index j = 0; j < kChannels; ++j) EXPECT_EQ(other.inverse_root()(i, j), one.inverse_root()(i, j));
    }
  }
}

TEST(ChannelMetric, RefusesWhatIsNoSensitivity) {
  Matrix<double> g = test::second_moment(kChannels);
  g(3, 5) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(refusal(g), "must be finite, got nan at row 3, column 5");
  g = test::second_moment(kChannels);
  g(3, 5) += g(0, 0);
  EXPECT_CONTAINS(refusal(g), "must be symmetric");
  g = test::second_moment(kChannels);
  g(7, 7) = -g(0, 0);
  EXPECT_CONTAINS(refusal(g), "must be positive semidefinite");
  EXPECT_CONTAINS(refusal(Matrix<double>(4, 4)), "positive diagonal entry");
  EXPECT_CONTAINS(refusal(Matrix<double>(4, 3)), "must be square, got 4 x 3");
}

TEST(ChannelMetric, OnlyMultiplesOfTheIdentityAreUniform) {
  Matrix<double> g(4, 4);
  EXPECT_TRUE(is_uniform(g.view()));
  for (Index i = 0; i < 4; ++i) g(i, i) = 2.5;
  EXPECT_TRUE(is_uniform(g.view()));
  g(1, 2) = g(2, 1) = 1e-300;
  EXPECT_FALSE(is_uniform(g.view()));
  g(1, 2) = g(2, 1) = 0;
  g(3, 3) = 2;
  EXPECT_FALSE(is_uniform(g.view()));
}

TEST(ChannelError, IsTheWeightedErrorInTheMetric) {
  const Matrix<double> g = test::second_moment(kChannels), m = damped(g);
  const auto table = test::gaussian_matrix({.rows = 50, .cols = kChannels, .seed = 2});
  const auto noise = test::gaussian_matrix({.rows = 50, .cols = kChannels, .seed = 3});
  Matrix<float> encoded = table.clone();
  std::vector<double> weights(50);
  double error = 0, norm = 0;
  for (Index r = 0; r < 50; ++r) {
    weights[r] = 1.0 / static_cast<double>(r + 1);
    for (Index i = 0; i < kChannels; ++i) encoded(r, i) += 0.1F * noise(r, i);
    for (Index i = 0; i < kChannels; ++i) {
      for (Index j = 0; j < kChannels; ++j) {
        const double ei = table(r, i) - encoded(r, i), ej = table(r, j) - encoded(r, j);
        error += weights[r] * ei * m(i, j) * ej;
        norm += weights[r] * static_cast<double>(table(r, i)) * m(i, j) * static_cast<double>(table(r, j));
      }
    }
  }
  const ChannelMetric metric(g.view());
  const DenseRows rows(table.view());
  EXPECT_NEAR(channel_error(rows, DenseRows(std::as_const(encoded).view()), metric, weights), std::sqrt(error / norm),
              1e-5);
  EXPECT_EQ(channel_error(rows, rows, metric, weights), 0);
}

}  // namespace
}  // namespace loewner::channel_metric_test
