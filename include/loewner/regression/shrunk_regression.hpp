// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct ShrunkRegressionOptions {
  double norm_exponent = 2;                 ///< p >= 1, finite
  std::span<const double> row_weights{};    ///< u: m values >= 0, or empty for all ones
  std::span<const double> probabilities{};  ///< q: m values in (0, 1], those the rows were drawn with; empty: all are 1
  int folds = 5;                            ///< >= 2
  std::uint64_t seed = 0;                   ///< of which rows are left out together
};

struct ShrunkRegression {
  Matrix<double> x;            ///< k x t; 0 where no fit would help
  double shrinkage = 0;        ///< lambda; infinity where x = 0
  double estimated_ratio = 1;  ///< of sum_i u_i |a_i^T x - b_i|^p over all rows, drawn or not, to that of x = 0
};

/// A correction x to something that is good already, from few rows of a known design whose targets b, what is left to
/// correct, were looked up:
///
///     min over x of  sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|_p^p,      L^T L = metric,
///
/// with the lambda that leaves least on all rows, not on the drawn ones: what a row leaves of its target counts once as
/// fitted, and 1/q_i - 1 times as predicted without it, for the rows that were not drawn.
///
/// Shapes    a: m x k, b: m x t, metric: k x k, symmetric, positive semidefinite.
/// Units     metric: of the whole design, such that x^T metric x is about (sum_i u_i |a_i^T x|^p)^(2/p): its weighted
///           Gram matrix for p = 2, Q of LewisWeights for any p. Then lambda is a number, 1: as much weight as all
///           rows.
/// Method    lp_regression with the k rows of L below. lambda from a grid of half decades, by leaving out fifths of the
///           rows with q < 1, on at most 16 of the columns.
/// Cost      some 66 regressions of m + k rows, on 16 columns, and one on all.
/// Accuracy  the estimate is unbiased but for the held out rows, and for the choice among the lambdas. Tests: within 10
///           % of the truth, 20 % for p = 4, where the fitted rows alone would promise 20 % too much.
/// Random    seed. The same bits for any number of threads.
/// Errors    those of lp_regression; InvalidArgument on a probability out of (0, 1], fewer than 2 folds or a metric of
///           another shape.
ShrunkRegression shrunk_regression(MatrixView<const double> a, MatrixView<const double> b,
                                   MatrixView<const double> metric, const ShrunkRegressionOptions& options = {});

}  // namespace loewner
