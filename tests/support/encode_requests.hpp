// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "loewner/norms/lp_error.hpp"
#include "loewner/plan/encode.hpp"
#include "support/matrices.hpp"

namespace loewner::test {

/// Requests for the encoding of a tall matrix of rank 8 with noise, a few large entries and decreasing row weights.
class EncodeMatrix : public testing::Test {
 protected:
  static constexpr Index kRows = 400, kCols = 30;
  static constexpr Index kBytesOfOneRank = (kRows + kCols) * 4;

  EncodeRequest request(Method method = Method::svd) const {
    EncodeRequest request;
    request.matrix = matrix_;
    request.row_weights = weights_;
    request.source_bytes = kRows * kCols * 4;
    request.method = method;
    return request;
  }
  EncodeRequest within_bytes(Index bytes, Method method = Method::svd) const {
    EncodeRequest r = request(method);
    r.max_bytes = bytes;
    return r;
  }
  EncodeRequest within_error(double error, Method method = Method::svd) const {
    EncodeRequest r = request(method);
    r.max_error = error;
    return r;
  }
  ApproximationErrors errors_of(const RowSource& approximation, double p = 2) const {
    return approximation_errors(*matrix_, approximation, weights_, p);
  }
  static std::vector<double> decreasing_weights() {
    std::vector<double> weights(kRows);
    for (Index i = 0; i < kRows; ++i) weights[i] = 1.0 / static_cast<double>(i + 10);
    return weights;
  }

  Matrix<float> a_ = low_rank_plus_entry_outliers({.rows = kRows, .cols = kCols, .seed = 1}, 8, 0.1, 0.01, 10);
  std::shared_ptr<const RowSource> matrix_ = std::make_shared<DenseRows>(a_.view());
  std::vector<double> weights_ = decreasing_weights();
};

}  // namespace loewner::test
