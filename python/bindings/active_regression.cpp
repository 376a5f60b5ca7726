// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "label_plan.hpp"
#include "results.hpp"

namespace loewner::python {

// A fit is a view of the result that holds it.
template <>
struct Attribute<std::vector<PlannedFit>> {
  static constexpr bool is_picklable = false;
  static void define(nb::class_<ActiveRegression>& result, const Field<ActiveRegression, std::vector<PlannedFit>>& f) {
    result.def_prop_ro(
        f.name,
        [](nb::handle_t<ActiveRegression> self) {
          nb::list fits;
          for (PlannedFit& fit : nb::cast<ActiveRegression&>(self).fits) {
            fits.append(nb::cast(fit, nb::rv_policy::reference_internal, self));
          }
          return nb::typed<nb::list, PlannedFit>(fits);
        },
        f.doc);
  }
};

namespace {

using namespace nb::literals;

constexpr const char* kFitPlanDoc = R"(Solve an l_p regression from the labels of a plan.

Minimizes (sum |a_i^T x - b_i|^p / probability_i)^(1/p) over the rows of the plan.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design of the plan.
plan : LabelPlan
    The labeled rows.
labels : array_like of shape (m,) or (m, t)
    Labels of plan.rows, in their order.
tolerance : float
    As in `lp_regression`.
unfittable_share : float
    epsilon > 0 for a second stage without the labels that no good fit can meet; 0 keeps all labels.

Returns
-------
PlannedFit
    The regression and the number of dropped labels.

Raises
------
ValueError
    If the plan is not one of `a`, the number of labels differs from the plan's, or a label is not finite
    (the message names its row of `a`).

Notes
-----
Dropping labels [1]_ lowers the variance for p > 2 and changes the objective.

References
----------
.. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
   beyond", FOCS 2022.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import fit_plan, plan_labels
>>> a = np.random.default_rng(0).standard_normal((1000, 3))
>>> plan = plan_labels(a, 30)
>>> fit_plan(a, plan, a[plan.rows] @ [1.0, 2.0, 3.0]).regression.x.round(6).ravel()
array([1., 2., 3.])
)";

constexpr const char* kActiveDoc = R"(Solve an l_p regression from few labels, which a function looks up.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design, of any rank.
labels : callable
    Called once with the row numbers to label, ascending; returns one label or one row of labels for each.
    Its exceptions pass unchanged.
budget : int
    Number of labels of all runs together.
norm_exponent : float
    p >= 1, finite.
importance : {'lewis', 'leverage', 'sensitivity', 'uniform'}
    As in `plan_labels`.
scheme : {'pivotal', 'poisson'}
    As in `plan_labels`.
seed : int
    Seed of the draws.
runs : int
    Odd number of independent plans that share the budget. The solution in their middle is returned.
tolerance : float
    As in `lp_regression`.
unfittable_share : float
    As in `fit_plan`.

Returns
-------
ActiveRegression
    The solution, the labeled rows and the fits of all runs.

Raises
------
ValueError
    As in `plan_labels` and `fit_plan`, and if `runs` is even or exceeds the budget.

Notes
-----
Samples rows as `plan_labels` [1]_ and solves as `fit_plan`. Of several runs, the one with the least
median distance ||A (x_i - x_k)||_p to the others is chosen, which needs no labels [2]_. The same bits for
any number of threads.

References
----------
.. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
   beyond", FOCS 2022.
.. [2] D. Hsu and S. Sabato, "Loss minimization and parameter estimation with heavy tails", Journal of
   Machine Learning Research 17, 2016.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import active_lp_regression
>>> a = np.random.default_rng(0).standard_normal((1000, 3))
>>> b = a @ [1.0, 2.0, 3.0]
>>> found = active_lp_regression(a, lambda rows: b[rows], 30)
>>> found.x.round(6).ravel(), len(found.labeled_rows)
(array([1., 2., 3.]), 30)
)";

// What the function returns for rows: one label each or a row of labels each, as anything numpy takes.
Matrix<double> labels_from_python(const nb::callable& labels, std::span<const Index> rows) {
  const nb::gil_scoped_acquire gil;
  const Targets values(ArrayLike{labels(to_python(rows))}, "labels");
  const MatrixView<const double> view = values.view();
  Matrix<double> result(view.rows(), view.cols());
  for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), result.row(i).begin());
  return result;
}

void bind_fit_plan(nb::module_& m) {
  bind_result<PlannedFit>(
      m, "PlannedFit", "A regression on the labeled rows of a plan.",
      field("regression", &PlannedFit::regression, "The regression; its objectives estimate those of all rows."),
      field("num_dropped", &PlannedFit::num_dropped, "(t,) Labels that the second stage dropped, by column."));
  const PlannedFitOptions defaults;
  m.def(
      "fit_plan",
      [](const MatrixLike& a, const LabelPlan& plan, const ArrayLike& labels, double tolerance,
         double unfittable_share) {
        const PlannedFitOptions options{tolerance, unfittable_share};
        const Targets values(labels, "labels");
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return fit_plan(rows, plan, values.view(), options); });
        });
      },
      "a"_a, "plan"_a, "labels"_a, nb::kw_only(), "tolerance"_a = defaults.tolerance,
      "unfittable_share"_a = defaults.unfittable_share, kFitPlanDoc);
}

void bind_active(nb::module_& m) {
  bind_result<ActiveRegression>(
      m, "ActiveRegression", "A regression from few labels.", field("x", &ActiveRegression::x, "(d, t) The solution."),
      field("labeled_rows", &ActiveRegression::labeled_rows, "(m,) Rows that were labeled, ascending."),
      field("runs", &ActiveRegression::runs, "(t,) The run that was chosen, by column."),
      field("fits", &ActiveRegression::fits, "One PlannedFit per run."));

  const ActiveRegressionOptions defaults;
  m.def(
      "active_lp_regression",
      [](const MatrixLike& a, const nb::callable& labels, Index budget, double norm_exponent,
         const Choice<LabelImportance>& importance, const Choice<SamplingScheme>& scheme, std::uint64_t seed, int runs,
         double tolerance, double unfittable_share) {
        const ActiveRegressionOptions options{
            {norm_exponent, budget, chosen(importance, "importance"), chosen(scheme, "scheme"), seed},
            {tolerance, unfittable_share},
            runs};
        const LabelCallback callback = [&](std::span<const Index> rows) { return labels_from_python(labels, rows); };
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return active_lp_regression(rows, callback, options); });
        });
      },
      "a"_a, "labels"_a, "budget"_a, nb::kw_only(), "norm_exponent"_a = defaults.plan.norm_exponent,
      "importance"_a = word_of(defaults.plan.importance), "scheme"_a = word_of(defaults.plan.scheme),
      "seed"_a = defaults.plan.seed, "runs"_a = defaults.runs, "tolerance"_a = defaults.fit.tolerance,
      "unfittable_share"_a = defaults.fit.unfittable_share, kActiveDoc);
}

}  // namespace

void bind_active_regression(nb::module_& m) {
  bind_fit_plan(m);
  bind_active(m);
}

}  // namespace loewner::python
