// SPDX-License-Identifier: Apache-2.0
// Encodings of a table in the metric of its channels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "loewner/base/error.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/plan/encode.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner::channel_metric_methods_test {
namespace {

constexpr Index kRows = 1200, kChannels = 40;  // no multiple of the blocks of rotations
constexpr Method kMethods[] = {Method::svd, Method::lp, Method::subspaces, Method::coded_svd};
constexpr Method kPlain[] = {Method::codes, Method::int8, Method::int4};

// Their eigenvalues fall as in sentence encoders: the largest is some nine times the mean.
Matrix<double> sensitivity() {
  Matrix<float> x = test::gaussian_matrix({.rows = 5 * kChannels, .cols = kChannels, .seed = 3});
  for (Index t = 0; t < x.rows(); ++t) {
    for (Index i = 0; i < kChannels; ++i) x(t, i) /= std::sqrt(static_cast<float>(i + 1));
  }
  return gram(DenseRows(x.view()));
}

Matrix<double> permuted(const Matrix<double>& g) {
  Matrix<double> result(g.rows(), g.cols());
  for (Index i = 0; i < g.rows(); ++i) {
    for (Index j = 0; j < g.cols(); ++j) result(i, j) = g(g.rows() - 1 - i, g.cols() - 1 - j);
  }
  return result;
}

class ChannelMetricMethods : public testing::Test {
 protected:
  ChannelMetricMethods() {
    for (Index i = 0; i < kRows; ++i) weights_[i] = std::sqrt(1.0 / static_cast<double>(i + 10));
  }
  EncodeRequest request(Method method) const {
    EncodeRequest r;
    r.matrix = std::make_shared<DenseRows>(table_.view());
    r.row_weights = weights_;
    r.source_bytes = 4 * kRows * kChannels;
    r.max_bytes = method == Method::coded_svd || method == Method::codes ? r.source_bytes / 12 : 2 * r.source_bytes / 5;
    r.method = method;
    r.norm_exponent = 1.5;
    r.metric = metric_;
    return r;
  }
  double error_of(const EncodeRequest& r) const {
    return channel_error(*r.matrix, *encode_matrix(r).matrix, *metric_, weights_);
  }
  double error_with(Method method, std::shared_ptr<const ChannelMetric> metric) const {
    EncodeRequest r = request(method);
    r.metric = std::move(metric);
    return error_of(r);
  }

  Matrix<float> table_ = test::student_t_with_decay({.rows = kRows, .cols = kChannels, .seed = 1}, 6, 0.98);
  Matrix<double> sensitivity_ = sensitivity();
  std::shared_ptr<const ChannelMetric> metric_ = std::make_shared<ChannelMetric>(sensitivity_.view());
  std::vector<double> weights_ = std::vector<double>(kRows);
};

TEST_F(ChannelMetricMethods, LowerTheErrorInTheMetric) {
  for (const Method method : kMethods) {
    EXPECT_LT(error_with(method, metric_), 0.9 * error_with(method, nullptr)) << to_string(method);
  }
}

TEST_F(ChannelMetricMethods, SensitivitiesOfOtherChannelsRaiseIt) {
  const Matrix<double> other = permuted(sensitivity_);
  for (const Method method : kMethods) {
    EXPECT_GT(error_with(method, std::make_shared<ChannelMetric>(other.view())), error_with(method, nullptr))
        << to_string(method);
  }
}

TEST_F(ChannelMetricMethods, TakeNoMoreBytesThanTheirLimit) {
  for (const Method method : kMethods) {
    const EncodeRequest r = request(method);
    EXPECT_LE(encode_matrix(r).matrix->bytes(), *r.max_bytes) << to_string(method);
  }
}

TEST_F(ChannelMetricMethods, PredictTheErrorInTheMetric) {
  for (const auto& methods : {std::span<const Method>(kMethods), std::span<const Method>(kPlain)}) {
    for (const Method method : methods) {
      const EncodeRequest r = request(method);
      const Encoding encoding = encode_matrix(r);
      const double found = channel_error(*r.matrix, *encoding.matrix, *metric_, weights_);
      // The energies of a row's coordinates vary more in a metric, and it has one scale for all.
      const double tolerance = (method == Method::coded_svd ? 0.2 : 0.1) * found;
      EXPECT_NEAR(encoding.predicted_error, found, tolerance) << to_string(method);
      double planned = 1;
      for (const auto& offer : candidates(r)) {
        if (offer.point.bytes <= *r.max_bytes) planned = std::min(planned, offer.point.error);
      }
      EXPECT_NEAR(std::sqrt(planned), found, tolerance) << to_string(method);
    }
  }
}

TEST_F(ChannelMetricMethods, MeetALimitOfTheErrorInTheMetric) {
  for (const Method method : {Method::svd, Method::lp, Method::subspaces, Method::coded_svd}) {
    EncodeRequest r = request(method);
    r.max_bytes.reset();
    r.max_error = 0.3;
    const double error = error_of(r);
    EXPECT_LE(error, 0.3 * 1.001) << to_string(method);
    EXPECT_GE(error, 0.2) << to_string(method);
  }
}

TEST_F(ChannelMetricMethods, AutomaticTakesTheBestInTheMetric) {
  EncodeRequest r = request(Method::automatic);
  for (const Index part : {3, 8, 14}) {
    r.max_bytes = r.source_bytes / part;
    const Encoding encoding = encode_matrix(r);
    const double found = channel_error(*r.matrix, *encoding.matrix, *metric_, weights_);
    for (const Method method : {Method::codes, Method::coded_svd, Method::int4, Method::svd}) {
      EncodeRequest other = r;
      other.method = method;
      try {
        EXPECT_LE(found, 1.1 * error_of(other)) << part << to_string(method);
      } catch (const BudgetError&) {
        continue;  // does not fit
      }
    }
  }
}

TEST_F(ChannelMetricMethods, HaveTheSameBitsForAnyNumberOfThreads) {
  for (const Method method : kMethods) {
    const auto bytes_with = [&](int count) {
      const test::ThreadCount threads(count);
      return test::stored_bytes(*encode_matrix(request(method)).matrix);
    };
    const auto one = bytes_with(1);
    for (const int count : {2, 8}) EXPECT_EQ(bytes_with(count), one) << to_string(method);
  }
}

TEST_F(ChannelMetricMethods, EncodeDegenerateTables) {
  Matrix<float> constant(kRows, kChannels), one_hot(kRows, kChannels), zero(kRows, kChannels), twice(kRows, kChannels);
  for (Index i = 0; i < kRows; ++i) {
    std::ranges::fill(constant.row(i), 0.5F);
    one_hot(i, i % kChannels) = 1;
    std::ranges::copy(table_.view().row(i / 2), twice.row(i).begin());
  }
  for (const Matrix<float>* table : {&constant, &one_hot, &zero, &twice}) {
    for (const Method method : {Method::svd, Method::coded_svd, Method::automatic}) {
      EncodeRequest r = request(Method::coded_svd);
      r.matrix = std::make_shared<DenseRows>(table->view());
      r.method = method;
      r.max_bytes = r.source_bytes / 6;
      const double error = error_of(r);
      EXPECT_TRUE(std::isfinite(error)) << to_string(method);
      const bool has_one_direction = table == &constant || table == &zero;
      EXPECT_LE(error, has_one_direction ? 0.01 : 1.0) << to_string(method);
    }
  }
}

TEST_F(ChannelMetricMethods, EncodeWithSensitivitiesOfOneDirection) {
  Matrix<double> g(kChannels, kChannels);
  for (Index i = 0; i < kChannels; ++i) {
    for (Index j = 0; j < kChannels; ++j) g(i, j) = static_cast<double>((i + 1) * (j + 1));
  }
  metric_ = std::make_shared<ChannelMetric>(g.view());
  for (const Method method : kMethods) {
    EXPECT_LT(error_with(method, metric_), error_with(method, nullptr)) << to_string(method);
  }
}

}  // namespace
}  // namespace loewner::channel_metric_methods_test
