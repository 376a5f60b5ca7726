// SPDX-License-Identifier: Apache-2.0
#include "label_plan.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/regression/loss_sensitivities.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kToCsvDoc = R"(Write the plan as text.

Returns
-------
str
    A comment with n and p, then lines "row,probability".
)";

constexpr const char* kFromCsvDoc = R"(Read a plan from the text of `to_csv`.

Parameters
----------
text : str
    The text.
name : str
    Name of the file for error messages.

Returns
-------
LabelPlan
    The same plan.

Raises
------
IoError
    If `to_csv` does not write such a text; the message names the line.
)";

constexpr const char* kBudgetDoc = R"(Estimate how many labels a regression needs, as a rule of thumb.

Parameters
----------
rows, cols : int
    Shape of the design.
norm_exponent : float
    p >= 1, finite.
epsilon : float
    Wanted excess of the objective over the least one, relative.

Returns
-------
int
    The budget for `plan_labels`.

Raises
------
ValueError
    If an argument is out of range.

Notes
-----
4 d log2(d + 1) + 2 d / epsilon for p <= 2, 4 d^(p/2) log2(d + 1) for p > 2, at most n: the rates of
[1]_ with constants from experiments.

References
----------
.. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
   beyond", FOCS 2022.

Examples
--------
>>> from loewner.regression import label_budget
>>> label_budget(10000, 10, 1.0, 0.1)
339
)";

constexpr const char* kPlanDoc = R"(Choose the rows of a design to label for min_x ||A x - b||_p.

Row i is chosen with probability min(1, c importance_i), with the c that meets the budget.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design, of any rank.
budget : int
    Number of labels, >= 1.
norm_exponent : float
    p >= 1, finite.
importance : {'lewis', 'leverage', 'sensitivity', 'uniform'}
    'lewis' suits l_p regression, 'leverage' is that of p = 2, 'sensitivity' suits Huber regression.
scheme : {'pivotal', 'poisson'}
    'pivotal' chooses exactly `budget` rows, spread over the rows' space; 'poisson' draws each row
    independently.
seed : int
    Seed of the draws.

Returns
-------
LabelPlan
    The rows and their probabilities.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Lewis weight sampling [1]_ [2]_, with pivotal sampling on a tree of medians [3]_. For p < 2, about
d / epsilon labels give an objective within 1 + epsilon of the least one. The same plan for any number of
threads.

References
----------
.. [1] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.
.. [2] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
   beyond", FOCS 2022.
.. [3] A. Shimizu, X. Cheng, C. Musco and J. Weare, "Improved active learning via dependent leverage
   score sampling", ICLR 2024.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import fit_plan, plan_labels
>>> a = np.random.default_rng(0).standard_normal((1000, 3))
>>> plan = plan_labels(a, 30)
>>> labels = a[plan.rows] @ [1.0, 2.0, 3.0]
>>> fit_plan(a, plan, labels).regression.x.round(6).ravel()
array([1., 2., 3.])
)";

constexpr const char* kSensitivitiesDoc = R"(Bound each row's share of a loss, for all losses of limited growth.

For row i about the largest M(a_i^T x) / sum_k M(a_k^T x) at any x, for every loss M that increases with
|r| and grows at most like |r|^growth_exponent.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design.
growth_exponent : float
    p >= 1, finite; 2 for the losses of Huber and Tukey.
seed : int
    Seed of the hashing.

Returns
-------
ndarray of shape (n,), float64
    Values in (0, 1], 0 for rows of zeros.

Raises
------
ValueError
    If the exponent is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Rows are hashed into buckets, where Lewis weights find the rows with a large share [1]_. The constants are
tested, not proved. Cost: 4 log2(n) times that of Lewis weights.

References
----------
.. [1] C. Musco, C. Musco, D. P. Woodruff and T. Yasuda, "Active linear regression for l_p norms and
   beyond", FOCS 2022.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import loss_sensitivities
>>> a = np.zeros((50, 2))
>>> a[:49, 0], a[49, 1] = 1, 1
>>> bool(loss_sensitivities(a, 2)[49] == 1)
True
)";

void bind_plan_class(nb::module_& m) {
  auto plan = bind_result<LabelPlan>(
      m, "LabelPlan", "The rows to label, with their probabilities.",
      field("num_rows", &LabelPlan::num_rows, "Number of rows of the design."),
      field("norm_exponent", &LabelPlan::norm_exponent, "p."),
      field("rows", &LabelPlan::rows, "(m,) Rows to label, ascending, each once."),
      field("probabilities", &LabelPlan::probabilities, "(m,) Probability of each of these rows."));
  plan.def_prop_ro(
          "weights", [](const LabelPlan& self) { return to_python(self.weights()); }, nb::rv_policy::move,
          "(m,) 1 / probabilities.")
      .def("to_csv", &to_csv, kToCsvDoc)
      .def_static("from_csv", &parse_label_plan, "text"_a, "name"_a = "label plan", kFromCsvDoc);
}

}  // namespace

void bind_label_plan(nb::module_& m) {
  bind_choice<LabelImportance>(
      m, "LabelImportance", "The importance of a row, to which `plan_labels` makes its probability proportional.",
      {{"lewis", LabelImportance::lewis, "Its Lewis weight: for l_p regression."},
       {"leverage", LabelImportance::leverage, "Its leverage score, which is its Lewis weight for p = 2."},
       {"sensitivity", LabelImportance::sensitivity,
        "Its share of the loss by `loss_sensitivities`: for Huber regression."},
       {"uniform", LabelImportance::uniform, "The same for all rows: fails if few rows determine the solution."}});
  bind_choice<SamplingScheme>(
      m, "SamplingScheme", "How `plan_labels` draws rows.",
      {{"pivotal", SamplingScheme::pivotal, "Exactly as many labels as the budget, spread over the rows' space."},
       {"poisson", SamplingScheme::poisson, "Each row independently: the number of labels varies."}});
  bind_plan_class(m);

  m.def("label_budget", &label_budget, "rows"_a, "cols"_a, "norm_exponent"_a, "epsilon"_a, kBudgetDoc);
  const LabelPlanOptions defaults;
  m.def(
      "plan_labels",
      [](const MatrixLike& a, Index budget, double norm_exponent, const Choice<LabelImportance>& importance,
         const Choice<SamplingScheme>& scheme, std::uint64_t seed) {
        const LabelPlanOptions options{norm_exponent, budget, chosen(importance, "importance"),
                                       chosen(scheme, "scheme"), seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return plan_labels(rows, options); }); });
      },
      "a"_a, "budget"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "importance"_a = word_of(defaults.importance), "scheme"_a = word_of(defaults.scheme), "seed"_a = defaults.seed,
      kPlanDoc);
  m.def(
      "loss_sensitivities",
      [](const MatrixLike& a, double growth_exponent, std::uint64_t seed) {
        return to_python(with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return loss_sensitivities(rows, growth_exponent, seed); });
        }));
      },
      "a"_a, "growth_exponent"_a, nb::kw_only(), "seed"_a = 0, kSensitivitiesDoc);
}

}  // namespace loewner::python
