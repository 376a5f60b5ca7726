// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/output_error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/matrices.hpp"
#include "support/moments.hpp"

namespace loewner::output_error_test {
namespace {

// tr(W H W^T)
double trace_of(const Matrix<float>& w, const Matrix<double>& h) {
  double sum = 0;
  for (Index o = 0; o < w.rows(); ++o) {
    for (Index i = 0; i < w.cols(); ++i) {
      double row = 0;
      for (Index j = 0; j < w.cols(); ++j) row += h(i, j) * static_cast<double>(w(o, j));
      sum += static_cast<double>(w(o, i)) * row;
    }
  }
  return sum;
}

TEST(OutputError, IsThatOfTheWholeMatrixH) {
  constexpr Index kInputs = 530, kOutputs = 130;  // a whole and a part of a panel and of a task
  const InputMoments moments{.second = test::second_moment(kInputs, 1)};
  const auto w = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 2});
  auto error = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 3});
  auto what = w.clone();
  for (Index i = 0; i < kOutputs * kInputs; ++i) {
    what.data()[i] = w.data()[i] - 0.25F * error.data()[i];
    error.data()[i] = w.data()[i] - what.data()[i];
  }
  const double expected = trace_of(error, moments.second) / trace_of(w, moments.second);
  EXPECT_NEAR(output_error(DenseRows(w.view()), DenseRows(what.view()), moments, InputSide::cols) / expected, 1, 1e-10);
}

// Few outputs are corrected by solves for each of them, many by a matrix for all.
TEST(CorrectedWeights, DoNotDependOnTheNumberOfOutputs) {
  constexpr Index kInputs = 40, kOutputs = 300, kFew = 7;
  const InputMoments moments{
      .second = test::second_moment(kInputs, 1), .cross = test::second_moment(kInputs, 2), .correction = 0.75};
  const auto w = test::gaussian_matrix({.rows = kOutputs, .cols = kInputs, .seed = 3});
  const auto all = corrected_weights(DenseRows(w.view()), moments, InputSide::cols);
  double largest_change = 0;
  for (Index first = 0; first < kOutputs; first += kFew) {
    const Index count = std::min(kFew, kOutputs - first);
    const auto few = corrected_weights(DenseRows(w.view().row_block(first, count)), moments, InputSide::cols);
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < kInputs; ++j) {
        EXPECT_NEAR(few(i, j), all(first + i, j), 1e-5F * (1 + std::abs(few(i, j))));
        largest_change = std::max(largest_change, std::abs(static_cast<double>(few(i, j) - w(first + i, j))));
      }
    }
  }
  EXPECT_GT(largest_change, 0.1);
}

}  // namespace
}  // namespace loewner::output_error_test
