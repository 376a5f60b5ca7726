// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/online_regression.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/regression/active_regression.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kOnlineRegressionDoc =
    R"(Regression in an l_p norm on a stream of rows, which asks for the label of a row when the row arrives.

Parameters
----------
cols : int
    Width of the rows.
budget : int
    Largest number of labels, >= 1.
expected_rows : int
    Expected length of the stream, over which the budget is spread.
norm_exponent : float
    p >= 1, finite.
seed : int
    Seed of the draws.

Raises
------
ValueError
    If an option is out of range.

Notes
-----
A row is labeled with a probability in proportion to its online Lewis weight, that among the rows before
it [1]_. Cost: O(d^2) per row. On longer streams the budget may end early, which `exhausted` says.

References
----------
.. [1] C. Chen, Y. Li and Y. Sun, "Online active regression", ICML 2022.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import OnlineActiveRegression
>>> online = OnlineActiveRegression(2, 50, 200)
>>> for row in np.random.default_rng(0).standard_normal((200, 2)):
...     if online.offer(row):
...         online.add_label(row @ [1.0, 2.0])
>>> online.fit().x.round(6).ravel()
array([1., 2.])
)";

constexpr const char* kOfferDoc = R"(Offer the next row.

Parameters
----------
row : array_like of shape (cols,)
    The row.

Returns
-------
bool
    Whether the row is to be labeled, by `add_label` before the next offer.

Raises
------
ValueError
    If the row has another width or an entry that is not finite, or a label is missing.
)";

constexpr const char* kAddLabelDoc = R"(Give the label of the row that was offered last.

Parameters
----------
label : float
    The label.

Raises
------
ValueError
    If no row waits for a label or the label is not finite.
)";

constexpr const char* kFitDoc = R"(Solve the regression on the labeled rows, each with weight 1 / probability.

Parameters
----------
tolerance : float
    As in `lp_regression`.

Returns
-------
RobustRegression
    The solution, objective and lower bound.

Raises
------
ValueError
    If no row was labeled.
)";

}  // namespace

void bind_online_regression(nb::module_& m) {
  using Online = OnlineActiveRegression;
  nb::class_<Online> type(m, "OnlineActiveRegression", kOnlineRegressionDoc);
  type.def(
          "__init__",
          [](Online* self, Index cols, Index budget, Index expected_rows, double norm_exponent, std::uint64_t seed) {
            new (self) Online(cols, {norm_exponent, budget, expected_rows, seed});
          },
          "cols"_a, "budget"_a, "expected_rows"_a, nb::kw_only(), "norm_exponent"_a = 1.0, "seed"_a = 0)
      .def(
          "offer", [](Online& self, const ArrayLike& row) { return self.offer(vector<double>(row, "row").view()); },
          "row"_a, kOfferDoc)
      .def("add_label", &Online::add_label, "label"_a, kAddLabelDoc)
      .def(
          "fit",
          [](const Online& self, double tolerance) { return interruptible([&] { return self.fit(tolerance); }); },
          nb::kw_only(), "tolerance"_a = PlannedFitOptions{}.tolerance, kFitDoc)
      .def_prop_ro("num_rows", &Online::num_rows, "Number of rows offered.")
      .def_prop_ro(
          "labeled_rows", [](const Online& self) { return to_python(self.labeled_rows()); }, nb::rv_policy::move,
          "(m,) Rows that were labeled, ascending.")
      .def_prop_ro(
          "probabilities", [](const Online& self) { return to_python(self.probabilities()); }, nb::rv_policy::move,
          "(m,) Probability of each labeled row.")
      .def_prop_ro("exhausted", &Online::exhausted,
                   "Whether a row with positive probability came after the budget was spent.");
  def_repr(type, {"num_rows", "labeled_rows", "exhausted"});
}

}  // namespace loewner::python
