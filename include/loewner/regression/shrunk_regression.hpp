// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct ShrunkRegressionOptions {
  double norm_exponent = 2;                 ///< p >= 1, finite
  std::span<const double> row_weights{};    ///< u: m values >= 0, or empty for all ones
  std::span<const double> probabilities{};  ///< q: m values in (0, 1], or empty for all ones
  int folds = 5;                            ///< >= 2, of the cross-validation
  std::uint64_t seed = 0;                   ///< of the assignment of rows to folds
};

struct ShrunkRegression {
  Matrix<double> x;            ///< k x t; 0 if no shrinkage decreases the estimated objective
  double shrinkage = 0;        ///< lambda; infinity if x = 0
  double estimated_ratio = 1;  ///< of the objective over all rows, drawn or not, to that of x = 0
};

/// A correction x of an approximation, fitted to the remaining errors b of a few rows of a known
/// design:
///
///     min over x of  sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|_p^p,      L^T L = metric,
///
/// with the lambda that minimizes the estimated objective over all rows, drawn or not.
///
/// Shapes    a: m x k; b: m x t; metric: k x k, symmetric, positive semidefinite; x: k x t.
/// Units     metric: of the whole design. x^T metric x should be about
///           (sum_i u_i |a_i^T x|^p)^(2/p): for p = 2 its weighted Gram matrix, for any p the Q of
///           LewisWeights. lambda has no unit; at lambda = 1 the penalty has the weight of all
///           rows.
/// Method    shrinkage and cross-validation [HastieTibshiraniFriedman2009]: lp_regression with the
///           k rows of L below A. The estimate of the objective adds, for each drawn row, its
///           residual once as fitted and 1/q_i - 1 times as predicted without it, for the rows that
///           were not drawn; the predictions come from cross-validation over the rows with q < 1.
///           lambda is from a grid of half decades. The estimates use at most 16 columns.
/// Cost      about 66 regressions of m + k rows on 16 columns, and one on all columns.
/// Accuracy  the estimate is unbiased except for the size of the folds and the choice of lambda.
///           Tests: within 10 % of the truth, 20 % for p = 4; the fitted rows alone would
///           underestimate the objective by 20 %.
/// Random    seed. The same bits for any number of threads.
/// Errors    as lp_regression; InvalidArgument on a probability outside (0, 1], fewer than 2 folds
///           and a metric with a wrong shape.
ShrunkRegression shrunk_regression(MatrixView<const double> a, MatrixView<const double> b,
                                   MatrixView<const double> metric, const ShrunkRegressionOptions& options = {});

}  // namespace loewner
