// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "linalg/gathered_rows.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "norms/lp_norm.hpp"

namespace loewner {
namespace {

constexpr double kUnfittable = 10;
constexpr Index kRowsPerBlock = 1024;

void require_plan(const LabelPlan& plan, Index rows) {
  require(plan.num_rows == rows, [&] {
    return "fit_plan: the plan is for " + std::to_string(plan.num_rows) + " rows, got a design of " +
           std::to_string(rows);
  });
  const bool ascending = std::ranges::is_sorted(plan.rows, std::ranges::less_equal{});
  const bool inside = plan.rows.empty() || (plan.rows.front() >= 0 && plan.rows.back() < rows);
  require(ascending && inside && plan.probabilities.size() == plan.rows.size(), [&] {
    return "fit_plan: the plan's rows must ascend in [0, " + std::to_string(rows) +
           ") and have one probability each, got " + std::to_string(plan.rows.size()) + " rows and " +
           std::to_string(plan.probabilities.size()) + " probabilities";
  });
  const auto bad = std::ranges::find_if_not(plan.probabilities, [](double q) { return q > 0 && q <= 1; });
  require(bad == plan.probabilities.end(),
          [&] { return "fit_plan: probabilities must be in (0, 1], got " + std::to_string(*bad); });
}

void require_labels(const LabelPlan& plan, MatrixView<const double> labels) {
  const auto count = static_cast<Index>(plan.rows.size());
  require(labels.rows() == count, [&] {
    return "fit_plan: the plan has " + std::to_string(count) + " rows, got labels for " + std::to_string(labels.rows());
  });
  for (Index i = 0; i < count; ++i) {
    for (const double label : labels.row(i)) {
      require(std::isfinite(label),
              [&] { return "the label of row " + std::to_string(plan.rows[i]) + " is not finite"; });
    }
  }
}

// w_i is rank q_i / labels for rows with a probability q_i below 1.
std::vector<char> fittable(const LabelPlan& plan, const std::vector<double>& residual, Index rank, double share) {
  const double per_probability = static_cast<double>(rank) / static_cast<double>(plan.rows.size());
  double sum = 0;
  for (std::size_t i = 0; i < residual.size(); ++i) {
    sum += std::pow(std::abs(residual[i]), plan.norm_exponent) / plan.probabilities[i];
  }
  std::vector<char> keep(residual.size());
  for (std::size_t i = 0; i < residual.size(); ++i) {
    const double limit = kUnfittable * per_probability * plan.probabilities[i] * sum / share;
    keep[i] = std::pow(std::abs(residual[i]), plan.norm_exponent) <= limit;
  }
  return keep;
}

Matrix<double> column_of(MatrixView<const double> a, Index j) {
  Matrix<double> out(a.rows(), 1);
  for (Index i = 0; i < a.rows(); ++i) out(i, 0) = a(i, j);
  return out;
}

// Column j once more without the labels that no good fit can meet.
void refit_column(MatrixView<const double> rows, MatrixView<const double> labels, const LabelPlan& plan,
                  const PlannedFitOptions& options, Index j, PlannedFit& fit) {
  std::vector<double> residual(plan.rows.size());
  for (Index i = 0; i < rows.rows(); ++i) {
    residual[i] = labels(i, j);
    for (Index k = 0; k < rows.cols(); ++k) residual[i] -= rows(i, k) * fit.regression.x(k, j);
  }
  const auto keep = fittable(plan, residual, fit.regression.rank, options.unfittable_share);
  std::vector<double> weights = plan.weights();
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) continue;
    weights[i] = 0;
    ++fit.num_dropped[j];
  }
  if (fit.num_dropped[j] == 0) return;
  const Matrix<double> column = column_of(labels, j);
  const auto again =
      lp_regression(RowMatrix(rows), column.view(),
                    {.norm_exponent = plan.norm_exponent, .row_weights = weights, .tolerance = options.tolerance});
  for (Index k = 0; k < rows.cols(); ++k) fit.regression.x(k, j) = again.x(k, 0);
  fit.regression.objectives[j] = again.objectives[0];
  fit.regression.lower_bounds[j] = again.lower_bounds[0];
  fit.regression.statuses[j] = again.statuses[0];
}

// ---- several runs ----

std::vector<Index> rows_of_all(const std::vector<LabelPlan>& plans) {
  std::vector<Index> rows;
  for (const LabelPlan& plan : plans) rows.insert(rows.end(), plan.rows.begin(), plan.rows.end());
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

Matrix<double> labels_of(const LabelPlan& plan, const std::vector<Index>& asked, const Matrix<double>& labels) {
  Matrix<double> out(static_cast<Index>(plan.rows.size()), labels.cols());
  for (Index i = 0; i < out.rows(); ++i) {
    const Index place = std::ranges::lower_bound(asked, plan.rows[i]) - asked.begin();
    std::ranges::copy(labels.row(place), out.row(i).begin());
  }
  return out;
}

// sum_i |a_i^T (x_r - x_s)|^p for all pairs of runs and all columns: (R R) x t.
Matrix<double> distances(const RowMatrix& a, const std::vector<PlannedFit>& fits, double p) {
  const auto runs = static_cast<Index>(fits.size());
  const Index t = fits[0].regression.x.cols();
  Matrix<double> all(a.cols(), runs * t);
  for (Index r = 0; r < runs; ++r) {
    for (Index k = 0; k < a.cols(); ++k) {
      std::ranges::copy(fits[r].regression.x.row(k), all.row(k).begin() + r * t);
    }
  }
  return detail::parallel_matrix_sum(
      (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock, runs * runs, t, [&](Index block, MatrixView<double> sum) {
        const Index first = block * kRowsPerBlock, count = std::min(kRowsPerBlock, a.rows() - first);
        Matrix<double> rows = Matrix<double>::uninitialized(count, a.cols()), values(count, runs * t);
        read_rows_wide(a, first, rows.view());
        MatrixOperator(RowMatrix(rows.view())).apply(all.view(), values.view());
        for (Index i = 0; i < count; ++i) {
          for (Index r = 0; r < runs; ++r) {
            for (Index s = 0; s < r; ++s) {
              for (Index j = 0; j < t; ++j) {
                sum(r * runs + s, j) += std::pow(std::abs(values(i, r * t + j) - values(i, s * t + j)), p);
              }
            }
          }
        }
      });
}

// The run with the smallest median distance to the others.
Index central_run(const Matrix<double>& distances, Index runs, Index column) {
  Index best = 0;
  double least = 0;
  for (Index r = 0; r < runs; ++r) {
    std::vector<double> of_run(runs, 0.0);
    for (Index s = 0; s < runs; ++s) of_run[s] = distances(std::max(r, s) * runs + std::min(r, s), column);
    std::ranges::nth_element(of_run, of_run.begin() + runs / 2);
    if (r > 0 && of_run[runs / 2] >= least) continue;
    least = of_run[runs / 2];
    best = r;
  }
  return best;
}

std::vector<LabelPlan> plans_of(const RowMatrix& a, const ActiveRegressionOptions& options) {
  std::vector<LabelPlan> plans;
  for (int run = 0; run < options.runs; ++run) {
    LabelPlanOptions plan = options.plan;
    const Index runs = options.runs;
    plan.budget = options.plan.budget / runs + (run < options.plan.budget % runs);
    plan.seed = options.plan.seed + static_cast<std::uint64_t>(run);
    plans.push_back(plan_labels(a, plan));
  }
  return plans;
}

}  // namespace

PlannedFit fit_plan(const RowMatrix& a, const LabelPlan& plan, MatrixView<const double> labels,
                    const PlannedFitOptions& options) {
  detail::require_norm_exponent(plan.norm_exponent, "fit_plan");
  require_plan(plan, a.rows());
  require(options.unfittable_share >= 0,
          [&] { return "fit_plan: unfittable_share must be >= 0, got " + std::to_string(options.unfittable_share); });
  require_labels(plan, labels);
  const Matrix<double> rows = detail::gathered_rows_wide(a, plan.rows);
  const std::vector<double> weights = plan.weights();
  PlannedFit fit{.regression = lp_regression(
                     RowMatrix(rows.view()), labels,
                     {.norm_exponent = plan.norm_exponent, .row_weights = weights, .tolerance = options.tolerance}),
                 .num_dropped = std::vector<Index>(labels.cols(), 0)};
  if (options.unfittable_share > 0) {
    for (Index j = 0; j < labels.cols(); ++j) refit_column(rows.view(), labels, plan, options, j, fit);
  }
  return fit;
}

ActiveRegression active_lp_regression(const RowMatrix& a, const LabelCallback& labels,
                                      const ActiveRegressionOptions& options) {
  require(options.runs >= 1 && options.runs % 2 == 1 && options.runs <= std::max<Index>(1, options.plan.budget), [&] {
    return "active_lp_regression: runs must be odd and at most the budget, got " + std::to_string(options.runs) +
           " with a budget of " + std::to_string(options.plan.budget);
  });
  const std::vector<LabelPlan> plans = plans_of(a, options);
  ActiveRegression result;
  result.labeled_rows = rows_of_all(plans);
  const Matrix<double> all = labels(result.labeled_rows);
  require(all.rows() == static_cast<Index>(result.labeled_rows.size()), [&] {
    return "active_lp_regression: labels for " + std::to_string(result.labeled_rows.size()) +
           " rows were asked for, got " + std::to_string(all.rows());
  });
  for (const LabelPlan& plan : plans) {
    const Matrix<double> own = labels_of(plan, result.labeled_rows, all);
    result.fits.push_back(fit_plan(a, plan, own.view(), options.fit));
  }
  const Matrix<double> apart = distances(a, result.fits, options.plan.norm_exponent);
  result.x = Matrix<double>(a.cols(), all.cols());
  for (Index j = 0; j < all.cols(); ++j) {
    result.runs.push_back(central_run(apart, options.runs, j));
    for (Index k = 0; k < a.cols(); ++k) result.x(k, j) = result.fits[result.runs[j]].regression.x(k, j);
  }
  return result;
}

}  // namespace loewner
