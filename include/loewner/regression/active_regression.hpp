// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "loewner/regression/label_plan.hpp"
#include "loewner/regression/lp_regression.hpp"

namespace loewner {

/// Returns the labels of the given rows (ascending): one row of the result for each, t columns. An
/// exception that it throws reaches the caller.
using LabelCallback = std::function<Matrix<double>(std::span<const Index> rows)>;

struct PlannedFitOptions {
  double tolerance = 1e-9;      ///< of lp_regression
  double unfittable_share = 0;  ///< epsilon; > 0: labels that no good fit can meet are dropped
};

/// A regression on the rows of a plan.
struct PlannedFit {
  RobustRegression regression;     ///< its objectives estimate those of all rows
  std::vector<Index> num_dropped;  ///< t: the number of labels that the second stage dropped
};

/// min over x of  (sum over the rows i of the plan of |a_i^T x - b_i|^p / probability_i)^(1/p).
///
/// Shapes    a: n x d; labels: one row for each row of the plan, in its order, t columns; x: d x t.
/// Method    lp_regression. For unfittable_share epsilon > 0 a second stage follows: a label with
///           |r_i|^p > 10 w_i sum_k |r_k|^p / (epsilon probability_k) in the first fit costs all
///           good x about the same [MuscoMuscoWoodruffYasuda2022]; it gets weight 0. This changes
///           the objective and decreases the variance for p > 2. w_i = rank probability_i / number
///           of labels.
/// Cost      one regression on the rows of the plan, two with the second stage.
/// Accuracy  regression.rank < rank(A) says that the labels do not determine x; then x is one of
///           many minimizers.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument if the plan does not belong to A (number of rows, rows not ascending,
///           probabilities outside (0, 1]), if the number of labels differs from that of the plan,
///           and on a non-finite label (the message names its row in A).
PlannedFit fit_plan(const RowMatrix& a, const LabelPlan& plan, MatrixView<const double> labels,
                    const PlannedFitOptions& options = {});

struct ActiveRegressionOptions {
  LabelPlanOptions plan{};  ///< its budget is that of all runs together
  PlannedFitOptions fit{};
  int runs = 1;  ///< R, odd: independent plans with budget / R labels each
};

struct ActiveRegression {
  Matrix<double> x;                 ///< d x t
  std::vector<Index> labeled_rows;  ///< ascending, each once
  std::vector<Index> runs;          ///< t: the run that x comes from
  std::vector<PlannedFit> fits;     ///< R
};

/// l_p regression from few labels: plan_labels, one call for the labels of all plans, and fit_plan.
///
/// Shapes    a: n x d; labels: t columns; x: d x t.
/// Method    for each column, of the solutions x_1 ... x_R the one with the smallest median over k
///           of ||A (x_i - x_k)||_p, which needs no labels. If more than half of the runs are
///           within a distance of the best x, then this one is within 3 times that distance
///           [HsuSabato2016].
/// Cost      R plans and fits, and 2 n d R t + n R^2 t flops for the choice.
/// Accuracy  that of plan_labels; more runs decrease the probability of a bad result.
/// Random    plan.seed. The same bits for any number of threads.
/// Errors    as plan_labels and fit_plan; InvalidArgument unless R is odd and at most the budget,
///           and if the callback returns a wrong number of rows.
ActiveRegression active_lp_regression(const RowMatrix& a, const LabelCallback& labels,
                                      const ActiveRegressionOptions& options);

}  // namespace loewner
