// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "loewner/regression/label_plan.hpp"
#include "loewner/regression/lp_regression.hpp"

namespace loewner {

/// The labels of some rows, ascending: one row of the result for each, t columns. What it throws passes through.
using LabelCallback = std::function<Matrix<double>(std::span<const Index> rows)>;

struct PlannedFitOptions {
  double tolerance = 1e-9;      ///< of lp_regression
  double unfittable_share = 0;  ///< epsilon > 0: labels that no good fit can meet are dropped; 0: all are kept
};

/// A regression on the rows of a plan alone.
struct PlannedFit {
  RobustRegression regression;     ///< its objectives estimate those of all rows, its rank is that of the labelled rows
  std::vector<Index> num_dropped;  ///< t: labels without weight in the second stage
};

/// min over x of  (sum over the plan's rows of |a_i^T x - b_i|^p / probability_i)^(1/p).
///
/// Shapes    labels: one row per row of the plan, in its order, t columns.
/// Method    lp_regression. With unfittable_share epsilon > 0 a second stage: labels with |r_i|^p above 10 w_i sum_k
///           |r_k|^p / (epsilon probability_k) in the first fit cost any good x the same
///           [MuscoMuscoWoodruffYasuda2022]; they lose their weight, which changes the objective, and lowers the
///           variance for p > 2. w_i: rank probability_i / number of labels.
/// Accuracy  regression.rank < rank(A): too few labels were chosen to determine x, one of many was taken.
/// Errors    InvalidArgument when the plan is not one of A (number of rows, rows not ascending, probabilities outside
///           (0, 1]), the labels' number differs from the plan's, or a label is not finite (its row in A named).
PlannedFit fit_plan(const RowMatrix& a, const LabelPlan& plan, MatrixView<const double> labels,
                    const PlannedFitOptions& options = {});

struct ActiveRegressionOptions {
  LabelPlanOptions plan{};  ///< budget: of all runs together
  PlannedFitOptions fit{};
  int runs = 1;  ///< R, odd: independent plans with budget / R labels each
};

struct ActiveRegression {
  Matrix<double> x;                 ///< d x t
  std::vector<Index> labeled_rows;  ///< ascending: each was asked for once
  std::vector<Index> runs;          ///< t: the run that was chosen
  std::vector<PlannedFit> fits;     ///< R
};

/// l_p regression from few labels: plans, asks for the labels of all plans at once, no row twice, and fits.
///
/// Method    of several runs x_1 ... x_R the one with the smallest median over k of ||A (x_i - x_k)||_p is taken, which
///           needs no labels: where more than half of the runs are within a distance of the best x, so is it, up to a
///           factor 3.
/// Cost      R plans and fits, and 2 n d R t + n R^2 t flops for the choice.
/// Random    plan.seed. The same bits for any number of threads.
/// Errors    as plan_labels and fit_plan; InvalidArgument when R is not odd or exceeds the budget, or the callback
///           returns another number of rows.
ActiveRegression active_lp_regression(const RowMatrix& a, const LabelCallback& labels,
                                      const ActiveRegressionOptions& options);

}  // namespace loewner
