// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// The importance of a row, to which the probability of its label is proportional.
enum class LabelImportance {
  lewis,        ///< its Lewis weight: the choice for l_p regression
  leverage,     ///< its leverage score, the Lewis weight for p = 2, for any p
  sensitivity,  ///< loss_sensitivities of growth p: the choice for Huber regression (p = 2)
  uniform       ///< the same for all rows: fails if few rows determine the solution
};

enum class SamplingScheme {
  pivotal,  ///< exactly `budget` labels, spread over the space of the rows
  poisson   ///< rows are independent; the number of labels varies by about budget^(1/2)
};

struct LabelPlanOptions {
  double norm_exponent = 1;  ///< p >= 1, finite
  Index budget = 0;          ///< >= 1: labels; all rows of positive importance if these are fewer
  LabelImportance importance = LabelImportance::lewis;
  SamplingScheme scheme = SamplingScheme::pivotal;
  std::uint64_t seed = 0;
};

/// The rows to label, with the probabilities of their choice.
struct LabelPlan {
  Index num_rows = 0;  ///< n of the design
  double norm_exponent = 1;
  std::vector<Index> rows{};            ///< ascending, each once
  std::vector<double> probabilities{};  ///< of each row, in (0, 1]

  std::vector<double> weights() const;  ///< 1 / probabilities: sums with these weights are unbiased
};

/// A rule of thumb for the number of labels with which the objective is within 1 + epsilon of the
/// least: 4 d log2(d + 1) + 2 d / epsilon for p <= 2, 4 d^(p/2) log2(d + 1) for p > 2, at most n.
///
/// Shapes    rows: n; cols: d.
/// Method    the bounds of plan_labels with constants from experiments.
/// Cost      none.
/// Accuracy  a guide, not a guarantee.
/// Errors    InvalidArgument on negative sizes, p < 1 or infinite, and epsilon <= 0.
Index label_budget(Index rows, Index cols, double norm_exponent, double epsilon);

/// Chooses rows of A whose labels b_i suffice for  min over x of ||A x - b||_p:  row i with the
/// probability min(1, c importance_i), where c is such that the expected number of rows is the
/// budget.
///
/// Shapes    a: n x d, any n, d and rank. Rows of importance 0 (rows of zeros) are never chosen.
/// Method    Lewis weight sampling [CohenPeng2015, MuscoMuscoWoodruffYasuda2022]. pivotal:
///           neighbors in a tree of medians of the whitened rows compete until the probability of
///           one of them is 0 or 1 [ShimizuChengMuscoWeare2024].
/// Cost      that of the importances; for pivotal n d log n flops more.
/// Accuracy  an error of epsilon takes, up to logarithms, d / epsilon labels for 1 < p < 2,
///           d^(p/2) / epsilon^p for p > 2 and d / epsilon^2 for p = 1
///           [MuscoMuscoWoodruffYasuda2022, ParulekarParulekarPrice2021];
///           docs/library/results-library.md has measured constants. Weights are computed from the
///           entries rounded to float32.
/// Random    seed. The same plan for any number of threads.
/// Errors    InvalidArgument on p < 1 or infinite, a budget below 1, and a non-finite entry (the
///           message names its row and column).
LabelPlan plan_labels(const RowMatrix& a, const LabelPlanOptions& options);

/// The plan as text: a comment line with n and p, then lines "row,probability".
///
/// Shapes    one line per row of the plan.
/// Method    decimal numbers, the shortest that read back as the same numbers.
/// Cost      linear in the number of rows.
/// Accuracy  parse_label_plan returns the same plan.
/// Errors    none.
std::string to_csv(const LabelPlan& plan);

/// The plan that to_csv wrote as this text.
///
/// Shapes    one line per row of the plan.
/// Method    strict: accepts only what to_csv writes.
/// Cost      linear in the length of the text.
/// Accuracy  exact.
/// Errors    IoError on any other text; the message names the file (`name`), the line and the rule.
LabelPlan parse_label_plan(std::string_view text, const std::string& name);

}  // namespace loewner
