// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// What makes a row worth a label.
enum class LabelImportance {
  lewis,        ///< its Lewis weight: the choice for l_p regression
  leverage,     ///< its leverage score: that of p = 2, whatever p is
  sensitivity,  ///< loss_sensitivities of growth p: the choice for Huber regression (p = 2)
  uniform       ///< all alike: fails where few rows decide
};

enum class SamplingScheme {
  pivotal,  ///< as many labels as the budget, spread over the rows' space; each row keeps its probability
  poisson   ///< each row by itself: the number of labels varies, by at most the root of the budget (standard deviation)
};

struct LabelPlanOptions {
  double norm_exponent = 1;  ///< p >= 1, finite
  Index budget = 0;          ///< >= 1 labels; where it exceeds the rows that count, these
  LabelImportance importance = LabelImportance::lewis;
  SamplingScheme scheme = SamplingScheme::pivotal;
  std::uint64_t seed = 0;
};

/// The rows to label, and what they stand for.
struct LabelPlan {
  Index num_rows = 0;  ///< n of the design
  double norm_exponent = 1;
  std::vector<Index> rows{};            ///< ascending, each once
  std::vector<double> probabilities{};  ///< that each row had, in (0, 1]

  std::vector<double> weights() const;  ///< 1 / probabilities: sums with them are unbiased
};

/// Labels that plan_labels should be given for an objective within 1 + epsilon of the least one, as a rule of thumb:
/// 4 d log2(d + 1) + 2 d / epsilon for p <= 2, 4 d^(p/2) log2(d + 1) above, at most n.
Index label_budget(Index rows, Index cols, double norm_exponent, double epsilon);

/// Chooses rows of A whose labels b_i suffice for  min over x of ||A x - b||_p:  row i with probability
/// min(1, c importance_i), the c that meets the budget.
///
/// Shapes    a: n x d, any n, d and rank. Rows of importance 0 (of zeros) are never chosen.
/// Method    Lewis weight sampling [CohenPeng2015, MuscoMuscoWoodruffYasuda2022]; pivotal: probabilities of neighbours
///           in a tree of medians of the whitened rows compete until one of them is 0 or 1
///           [ShimizuChengMuscoWeare2024].
/// Cost      that of the importances; for pivotal n d log n more.
/// Accuracy  for p < 2 an error of epsilon takes d / epsilon labels up to logarithms, for p > 2 d^(p/2) / epsilon^p,
///           and d / epsilon^2 at p = 1 [MuscoMuscoWoodruffYasuda2022, ParulekarParulekarPrice2021]; the constants are
///           those of docs/library/results-library.md. Weights are computed from the entries rounded to float32.
/// Random    seed. The same plan for any number of threads.
/// Errors    InvalidArgument on p < 1 or infinite, a budget below 1, or a non-finite entry (row and column named).
LabelPlan plan_labels(const RowMatrix& a, const LabelPlanOptions& options);

/// The plan as text: a comment with n and p, then lines "row,probability". Reading it back gives the same plan.
std::string to_csv(const LabelPlan& plan);

/// Errors    IoError, which names the line and the rule, on anything that to_csv does not write; `name` is that of the
///           file for the message.
LabelPlan parse_label_plan(std::string_view text, const std::string& name);

}  // namespace loewner
