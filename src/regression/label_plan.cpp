// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/label_plan.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "loewner/base/random.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "loewner/regression/loss_sensitivities.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "regression/narrowed_rows.hpp"
#include "regression/pivotal_sample.hpp"
#include "regression/regression_design.hpp"
#include "regression/sampling_weights.hpp"
#include "sketch/inclusion_factor.hpp"

namespace loewner {
namespace {

constexpr std::uint64_t kSamplingStream = std::uint64_t{1} << 32;  // other streams than those of loss_sensitivities

using detail::ArgumentCheck;

std::vector<double> importances_of(const ArgumentCheck& check, const RowMatrix& a, const LabelPlanOptions& options) {
  switch (options.importance) {
    case LabelImportance::lewis:
      return detail::with_float32_rows(check, a, [&](const RowSource& rows) {
        return lewis_weights(rows, {.norm_exponent = options.norm_exponent}).weights;
      });
    case LabelImportance::leverage:
      return leverage_scores(a).scores;
    case LabelImportance::sensitivity:
      return loss_sensitivities(a, options.norm_exponent, options.seed);
    case LabelImportance::uniform:
      check.finite(a, "the design");
      return std::vector<double>(a.rows(), 1.0);
  }
  __builtin_unreachable();
}

std::vector<double> probabilities_of(const std::vector<double>& importances, Index budget) {
  const double factor = detail::inclusion_factor(importances, budget);
  std::vector<double> probabilities(importances.size());
  std::ranges::transform(importances, probabilities.begin(),
                         [&](double importance) { return importance > 0 ? std::min(1.0, factor * importance) : 0.0; });
  return probabilities;
}

std::vector<Index> poisson_sample(const std::vector<double>& probabilities, RandomStream random) {
  std::vector<Index> chosen;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (random.uniform() < probabilities[i]) chosen.push_back(static_cast<Index>(i));
  }
  return chosen;
}

// A pivotal sample whose order follows the coordinates of the rows in an orthonormal basis of the
// column space.
std::vector<Index> spread_sample(const ArgumentCheck& check, const RowMatrix& a,
                                 const std::vector<double>& probabilities, RandomStream random) {
  std::vector<Index> order;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] > 0) order.push_back(static_cast<Index>(i));
  }
  const detail::RegressionDesign design(a, {}, check);
  detail::order_by_medians(design.basis(), order);
  return detail::pivotal_sample(probabilities, order, random);
}

}  // namespace

std::vector<double> LabelPlan::weights() const {
  return detail::sampling_weights(probabilities);
}

Index label_budget(Index rows, Index cols, double norm_exponent, double epsilon) {
  const ArgumentCheck check("label_budget");
  check.norm_exponent(norm_exponent);
  check.at_least("rows", rows, 0);
  check.at_least("cols", cols, 0);
  check.positive("epsilon", epsilon);
  const auto d = static_cast<double>(cols);
  const double logarithm = std::log2(d + 1);
  const double labels =
      norm_exponent <= 2 ? 4 * d * logarithm + 2 * d / epsilon : 4 * std::pow(d, norm_exponent / 2) * logarithm;
  return labels >= static_cast<double>(rows) ? rows : static_cast<Index>(std::ceil(labels));
}

LabelPlan plan_labels(const RowMatrix& a, const LabelPlanOptions& options) {
  const ArgumentCheck check("plan_labels");
  check.norm_exponent(options.norm_exponent);
  check.at_least("budget", options.budget, 1);
  const auto probabilities = probabilities_of(importances_of(check, a, options), options.budget);
  const RandomStream random(options.seed, RandomPurpose::sampling, kSamplingStream);
  LabelPlan plan{.num_rows = a.rows(), .norm_exponent = options.norm_exponent};
  plan.rows = options.scheme == SamplingScheme::poisson ? poisson_sample(probabilities, random)
                                                        : spread_sample(check, a, probabilities, random);
  for (const Index row : plan.rows) plan.probabilities.push_back(probabilities[row]);
  return plan;
}

}  // namespace loewner
