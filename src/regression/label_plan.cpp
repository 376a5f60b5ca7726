// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/label_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "loewner/base/random.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "loewner/regression/loss_sensitivities.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "norms/lp_norm.hpp"
#include "regression/narrowed_rows.hpp"
#include "regression/regression_design.hpp"
#include "sketch/inclusion_factor.hpp"

namespace loewner {
namespace {

constexpr std::uint64_t kSamplingStream = std::uint64_t{1} << 32;  // beside those of the importances

std::vector<double> importances_of(const RowMatrix& a, const LabelPlanOptions& options) {
  switch (options.importance) {
    case LabelImportance::lewis:
      return detail::with_float32_rows(a, [&](const RowSource& rows) {
        return lewis_weights(rows, {.norm_exponent = options.norm_exponent}).weights;
      });
    case LabelImportance::leverage:
      return leverage_scores(a).scores;
    case LabelImportance::sensitivity:
      return loss_sensitivities(a, options.norm_exponent, options.seed);
    case LabelImportance::uniform:
      require_finite(a, "plan_labels: the design");
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

// The rows between first and last so that neighbours in space become neighbours in the order: halves at the median of
// the coordinate of largest variance, and so on.
void order_by_medians(MatrixView<const double> coordinates, std::span<Index> rows) {
  if (rows.size() <= 2) return;
  const Index d = coordinates.cols();
  std::vector<double> sums(d, 0.0), squares(d, 0.0);
  for (const Index i : rows) {
    for (Index j = 0; j < d; ++j) {
      sums[j] += coordinates(i, j);
      squares[j] += coordinates(i, j) * coordinates(i, j);
    }
  }
  const auto count = static_cast<double>(rows.size());
  Index widest = 0;
  double largest = -1;
  for (Index j = 0; j < d; ++j) {
    const double variance = squares[j] - sums[j] * sums[j] / count;
    if (variance > largest) {
      largest = variance;
      widest = j;
    }
  }
  const std::size_t half = rows.size() / 2;
  std::ranges::nth_element(rows, rows.begin() + static_cast<std::ptrdiff_t>(half), [&](Index i, Index k) {
    const double x = coordinates(i, widest), y = coordinates(k, widest);
    return x != y ? x < y : i < k;
  });
  order_by_medians(coordinates, rows.first(half));
  order_by_medians(coordinates, rows.subspan(half));
}

// The pivotal method in the order given: of two rows with probabilities x and y one ends with min(1, x + y) or
// max(0, x + y - 1), the other is decided.
std::vector<Index> pivotal_sample(std::vector<double> probabilities, std::span<const Index> order,
                                  RandomStream random) {
  constexpr double kRounding = 1e-9;  // what sums of probabilities may be off by
  std::vector<Index> chosen;
  Index open = -1;
  for (const Index i : order) {
    double& y = probabilities[i];
    if (y >= 1) {
      chosen.push_back(i);
      continue;
    }
    if (open < 0) {
      open = i;
      continue;
    }
    double& x = probabilities[open];
    const double sum = x + y;
    if (sum <= 1) {  // one of the two leaves
      const bool open_wins = random.uniform() * sum < x;
      const Index winner = open_wins ? open : i;
      probabilities[winner] = sum;
      open = winner;
    } else {  // one of the two is taken
      const bool open_taken = random.uniform() * (2 - sum) < 1 - y;
      chosen.push_back(open_taken ? open : i);
      const Index left = open_taken ? i : open;
      probabilities[left] = sum - 1;
      open = left;
    }
    if (probabilities[open] >= 1 - kRounding) {
      chosen.push_back(open);
      open = -1;
    } else if (probabilities[open] <= kRounding) {
      open = -1;
    }
  }
  if (open >= 0 && random.uniform() < probabilities[open]) chosen.push_back(open);
  std::ranges::sort(chosen);
  return chosen;
}

std::vector<Index> poisson_sample(const std::vector<double>& probabilities, RandomStream random) {
  std::vector<Index> chosen;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (random.uniform() < probabilities[i]) chosen.push_back(static_cast<Index>(i));
  }
  return chosen;
}

std::vector<Index> spread_sample(const RowMatrix& a, const std::vector<double>& probabilities, RandomStream random) {
  std::vector<Index> order;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] > 0) order.push_back(static_cast<Index>(i));
  }
  const detail::RegressionDesign design(a, {}, "plan_labels");
  order_by_medians(design.basis(), order);
  return pivotal_sample(probabilities, order, random);
}

}  // namespace

std::vector<double> LabelPlan::weights() const {
  std::vector<double> result(probabilities.size());
  std::ranges::transform(probabilities, result.begin(), [](double probability) { return 1 / probability; });
  return result;
}

Index label_budget(Index rows, Index cols, double norm_exponent, double epsilon) {
  detail::require_norm_exponent(norm_exponent, "label_budget");
  require(rows >= 0 && cols >= 0 && epsilon > 0, [&] {
    return "label_budget: rows and cols >= 0 and epsilon > 0 are needed, got " + std::to_string(rows) + ", " +
           std::to_string(cols) + " and " + std::to_string(epsilon);
  });
  const auto d = static_cast<double>(cols);
  const double logarithm = std::log2(d + 1);
  const double labels =
      norm_exponent <= 2 ? 4 * d * logarithm + 2 * d / epsilon : 4 * std::pow(d, norm_exponent / 2) * logarithm;
  return labels >= static_cast<double>(rows) ? rows : static_cast<Index>(std::ceil(labels));
}

LabelPlan plan_labels(const RowMatrix& a, const LabelPlanOptions& options) {
  detail::require_norm_exponent(options.norm_exponent, "plan_labels");
  require(options.budget >= 1,
          [&] { return "plan_labels: the budget must be at least 1, got " + std::to_string(options.budget); });
  const auto probabilities = probabilities_of(importances_of(a, options), options.budget);
  const RandomStream random(options.seed, RandomPurpose::sampling, kSamplingStream);
  LabelPlan plan{.num_rows = a.rows(), .norm_exponent = options.norm_exponent};
  plan.rows = options.scheme == SamplingScheme::poisson ? poisson_sample(probabilities, random)
                                                        : spread_sample(a, probabilities, random);
  for (const Index row : plan.rows) plan.probabilities.push_back(probabilities[row]);
  return plan;
}

}  // namespace loewner
