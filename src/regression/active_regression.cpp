// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "linalg/gathered_rows.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/row_pieces.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "norms/lp_norm.hpp"
#include "regression/columns.hpp"

namespace loewner {
namespace {

using detail::ArgumentCheck;
using detail::text_of;

constexpr int kOrdinaryPowers = 200;  // p-th powers between 2^-200 and 2^200, and their sums, stay in float64
constexpr double kUnfittable = 10;    // constant of the second stage [MuscoMuscoWoodruffYasuda2022]

void check_plan(const ArgumentCheck& check, const LabelPlan& plan, Index rows) {
  check.norm_exponent(plan.norm_exponent);
  check.that(plan.num_rows == rows,
             [&] { return "the plan is for " + text_of(plan.num_rows) + " rows, got a design with " + text_of(rows); });
  const bool ascending = std::ranges::is_sorted(plan.rows, std::ranges::less_equal{});
  const bool inside = plan.rows.empty() || (plan.rows.front() >= 0 && plan.rows.back() < rows);
  check.that(ascending && inside,
             [&] { return "the rows of the plan must be ascending and in [0, " + text_of(rows) + ")"; });
  check.that(plan.probabilities.size() == plan.rows.size(), [&] {
    return "the plan must have one probability per row, got " + text_of(plan.rows.size()) + " rows and " +
           text_of(plan.probabilities.size()) + " probabilities";
  });
  check.probabilities(plan.probabilities, static_cast<Index>(plan.rows.size()));
}

void check_labels(const ArgumentCheck& check, const LabelPlan& plan, MatrixView<const double> labels) {
  const auto count = static_cast<Index>(plan.rows.size());
  check.that(labels.rows() == count,
             [&] { return "the plan has " + text_of(count) + " rows, got labels for " + text_of(labels.rows()); });
  for (Index i = 0; i < count; ++i) {
    for (const double label : labels.row(i)) {
      check.that(std::isfinite(label), [&] {
        return "the label of row " + text_of(plan.rows[i]) + " must be finite, got " + text_of(label);
      });
    }
  }
}

// For sums of p-th powers that are only compared: the exponent by which residuals of this size are divided.
int exponent_of_powers(double largest, double p) {
  return detail::input_exponent(largest, static_cast<int>(kOrdinaryPowers / p));
}

// Whether a label is kept in the second stage; w_i = rank probability_i / number of labels.
std::vector<char> fittable(const LabelPlan& plan, const std::vector<double>& residual, Index rank, double share) {
  const double per_probability = static_cast<double>(rank) / static_cast<double>(plan.rows.size());
  double sum = 0;
  for (std::size_t i = 0; i < residual.size(); ++i) {
    sum += detail::absolute_power(residual[i], plan.norm_exponent) / plan.probabilities[i];
  }
  std::vector<char> keep(residual.size());
  for (std::size_t i = 0; i < residual.size(); ++i) {
    const double limit = kUnfittable * per_probability * plan.probabilities[i] * sum / share;
    keep[i] = detail::absolute_power(residual[i], plan.norm_exponent) <= limit;
  }
  return keep;
}

// Fits column j again without the labels that no good fit can meet.
void refit_column(MatrixView<const double> rows, MatrixView<const double> labels, const LabelPlan& plan,
                  const PlannedFitOptions& options, Index j, PlannedFit& fit) {
  std::vector<double> residual(plan.rows.size());
  double largest = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    residual[i] = labels(i, j);
    for (Index k = 0; k < rows.cols(); ++k) residual[i] -= rows(i, k) * fit.regression.x(k, j);
    largest = std::max(largest, std::abs(residual[i]));
  }
  const int exponent = exponent_of_powers(largest, plan.norm_exponent);
  if (exponent != 0) {
    for (double& r : residual) r = std::ldexp(r, -exponent);
  }
  const auto keep = fittable(plan, residual, fit.regression.rank, options.unfittable_share);
  std::vector<double> weights = plan.weights();
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) continue;
    weights[i] = 0;
    ++fit.num_dropped[j];
  }
  if (fit.num_dropped[j] == 0) return;
  const std::vector<double> column = detail::column_of(labels, j);
  const auto again =
      lp_regression(RowMatrix(rows), MatrixView<const double>(column.data(), labels.rows(), 1),
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

// sum_i |a_i^T (x_r - x_s)|^p for all pairs of runs and all columns: (R R) x t. Each column is divided by a power of two
// if its labels are very large or small, as the predictions then are.
Matrix<double> distances(const RowMatrix& a, const std::vector<PlannedFit>& fits, const Matrix<double>& labels,
                         double p) {
  const auto runs = static_cast<Index>(fits.size());
  const Index t = fits[0].regression.x.cols();
  Matrix<double> all(a.cols(), runs * t);
  const std::vector<double> sizes = detail::column_maxima(labels);
  for (Index j = 0; j < t; ++j) {
    const int exponent = exponent_of_powers(sizes[j], p);
    for (Index r = 0; r < runs; ++r) {
      for (Index k = 0; k < a.cols(); ++k) all(k, r * t + j) = std::ldexp(fits[r].regression.x(k, j), -exponent);
    }
  }
  return detail::sum_over_pieces(a.rows(), runs * runs, t, [&](Index first, Index count, MatrixView<double> sum) {
    Matrix<double> rows = Matrix<double>::uninitialized(count, a.cols()), values(count, runs * t);
    read_rows_wide(a, first, rows.view());
    MatrixOperator(RowMatrix(rows.view())).apply(all.view(), values.view());
    for (Index i = 0; i < count; ++i) {
      for (Index r = 0; r < runs; ++r) {
        for (Index s = 0; s < r; ++s) {
          for (Index j = 0; j < t; ++j) {
            sum(r * runs + s, j) += detail::absolute_power(values(i, r * t + j) - values(i, s * t + j), p);
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
  const ArgumentCheck check("fit_plan");
  check_plan(check, plan, a.rows());
  check.at_least("unfittable_share", options.unfittable_share, 0);
  check_labels(check, plan, labels);
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
  const ArgumentCheck check("active_lp_regression");
  const Index most = std::max<Index>(1, options.plan.budget);
  check.that(options.runs >= 1 && options.runs % 2 == 1 && options.runs <= most, [&] {
    return "runs must be odd and at most the budget, got " + text_of(options.runs) + " with a budget of " +
           text_of(options.plan.budget);
  });
  const std::vector<LabelPlan> plans = plans_of(a, options);
  ActiveRegression result;
  result.labeled_rows = rows_of_all(plans);
  const Matrix<double> all = labels(result.labeled_rows);
  check.that(all.rows() == static_cast<Index>(result.labeled_rows.size()), [&] {
    return "the callback must return labels for " + text_of(result.labeled_rows.size()) + " rows, got " +
           text_of(all.rows());
  });
  for (const LabelPlan& plan : plans) {
    const Matrix<double> own = labels_of(plan, result.labeled_rows, all);
    result.fits.push_back(fit_plan(a, plan, own.view(), options.fit));
  }
  const Matrix<double> apart = distances(a, result.fits, all, options.plan.norm_exponent);
  result.x = Matrix<double>(a.cols(), all.cols());
  for (Index j = 0; j < all.cols(); ++j) {
    result.runs.push_back(central_run(apart, options.runs, j));
    for (Index k = 0; k < a.cols(); ++k) result.x(k, j) = result.fits[result.runs[j]].regression.x(k, j);
  }
  return result;
}

}  // namespace loewner
