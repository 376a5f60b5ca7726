// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/regression/loss_sensitivities.hpp"
#include "loewner/regression/online_regression.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

// What the function returns for rows: one label each or a row of labels each, as anything numpy takes.
Matrix<double> labels_from_python(const nb::callable& labels, std::span<const Index> rows) {
  const nb::gil_scoped_acquire gil;
  const nb::object array =
      nb::module_::import_("numpy").attr("array")(labels(to_python(rows)), "dtype"_a = "float64", "order"_a = "C");
  const auto values = nb::cast<nb::ndarray<const double, nb::c_contig, nb::device::cpu>>(array);
  require(values.ndim() == 1 || values.ndim() == 2, [&] {
    return "labels must be one value or one row of values per row, got an array of " + std::to_string(values.ndim()) +
           " dimensions";
  });
  const auto count = static_cast<Index>(values.shape(0)),
             columns = values.ndim() == 1 ? Index{1} : static_cast<Index>(values.shape(1));
  Matrix<double> result(count, columns);
  std::copy_n(values.data(), values.size(), result.data());
  return result;
}

void bind_plans(nb::module_& m) {
  nb::enum_<LabelImportance>(m, "LabelImportance", "What makes a row worth a label.")
      .value("lewis", LabelImportance::lewis, "its Lewis weight: the choice for l_p regression")
      .value("leverage", LabelImportance::leverage, "its leverage score: that of p = 2")
      .value("sensitivity", LabelImportance::sensitivity, "loss_sensitivities: the choice for Huber regression")
      .value("uniform", LabelImportance::uniform, "all alike");
  nb::enum_<SamplingScheme>(m, "SamplingScheme", "How rows are drawn.")
      .value("pivotal", SamplingScheme::pivotal, "as many labels as the budget, spread over the rows' space")
      .value("poisson", SamplingScheme::poisson, "each row by itself: the number of labels varies");

  nb::class_<LabelPlan> plan(m, "LabelPlan", "The rows to label, and what they stand for.");
  def_array(plan, "probabilities", &LabelPlan::probabilities, "that each row had");
  plan.def_ro("num_rows", &LabelPlan::num_rows, "of the design")
      .def_ro("norm_exponent", &LabelPlan::norm_exponent)
      .def_prop_ro(
          "rows", [](const LabelPlan& self) { return to_python(self.rows); }, nb::rv_policy::move,
          "ascending, each once")
      .def_prop_ro(
          "weights", [](const LabelPlan& self) { return to_python(self.weights()); }, nb::rv_policy::move,
          "1 / probabilities")
      .def("to_csv", &to_csv, "The plan as text; from_csv gives it back.")
      .def_static("from_csv", &parse_label_plan, "text"_a, "name"_a = "label plan",
                  "Raises IoError, which names the line, on anything that to_csv does not write.");

  m.def("label_budget", &label_budget, "rows"_a, "cols"_a, "norm_exponent"_a, "epsilon"_a,
        "Labels for an objective within 1 + epsilon of the least one, as a rule of thumb.");
  const LabelPlanOptions defaults;
  m.def(
      "plan_labels",
      [](const RealMatrixArg& a, Index budget, double norm_exponent, LabelImportance importance, SamplingScheme scheme,
         std::uint64_t seed) {
        const LabelPlanOptions options{norm_exponent, budget, importance, scheme, seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return plan_labels(rows, options); }); });
      },
      "a"_a.noconvert(), "budget"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "importance"_a = defaults.importance, "scheme"_a = defaults.scheme, "seed"_a = defaults.seed,
      "Chooses rows whose labels suffice for min over x of ||a x - b||_p, row i with probability\n"
      "min(1, c importance_i), the c that meets the budget.");
  m.def(
      "loss_sensitivities",
      [](const RealMatrixArg& a, double growth_exponent, std::uint64_t seed) {
        return to_python(with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return loss_sensitivities(rows, growth_exponent, seed); });
        }));
      },
      "a"_a.noconvert(), "growth_exponent"_a, nb::kw_only(), "seed"_a = 0,
      "For each row about how large its share of sum_k M(a_k^T x) can be at any x, for every loss M that increases "
      "with\n"
      "|r| and grows at most like |r|^growth_exponent.");
}

void bind_fits(nb::module_& m) {
  nb::class_<PlannedFit>(m, "PlannedFit", "A regression on the rows of a plan alone.")
      .def_ro("regression", &PlannedFit::regression, "its objectives estimate those of all rows")
      .def_ro("num_dropped", &PlannedFit::num_dropped, "labels without weight in the second stage, by column");
  const PlannedFitOptions defaults;
  m.def(
      "fit_plan",
      [](const RealMatrixArg& a, const LabelPlan& plan, const TargetsArg& labels, double tolerance,
         double unfittable_share) {
        const PlannedFitOptions options{tolerance, unfittable_share};
        const auto values = view_of(labels);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return fit_plan(rows, plan, values, options); });
        });
      },
      "a"_a.noconvert(), "plan"_a, "labels"_a, nb::kw_only(), "tolerance"_a = defaults.tolerance,
      "unfittable_share"_a = defaults.unfittable_share,
      "l_p regression on the rows of the plan, each with weight 1 / probability.\n\n"
      "labels: one row for each of plan.rows, t columns or none; unfittable_share: epsilon > 0 for a second stage\n"
      "without the labels that no good fit can meet.");

  nb::class_<ActiveRegression> result(m, "ActiveRegression");
  def_array(result, "x", &ActiveRegression::x, "d x t");
  result
      .def_prop_ro(
          "labeled_rows", [](const ActiveRegression& self) { return to_python(self.labeled_rows); },
          nb::rv_policy::move, "ascending: each was asked for once")
      .def_ro("runs", &ActiveRegression::runs, "the run that was chosen, by column")
      .def_prop_ro(
          "fits",
          [](nb::handle_t<ActiveRegression> self) {
            nb::list fits;
            for (PlannedFit& fit : nb::cast<ActiveRegression&>(self).fits) {
              fits.append(nb::cast(fit, nb::rv_policy::reference_internal, self));
            }
            return fits;
          },
          "one PlannedFit per run");
  const ActiveRegressionOptions active;
  m.def(
      "active_lp_regression",
      [](const RealMatrixArg& a, const nb::callable& labels, Index budget, double norm_exponent,
         LabelImportance importance, SamplingScheme scheme, std::uint64_t seed, int runs, double tolerance,
         double unfittable_share) {
        const ActiveRegressionOptions options{
            {norm_exponent, budget, importance, scheme, seed}, {tolerance, unfittable_share}, runs};
        const LabelCallback callback = [&](std::span<const Index> rows) { return labels_from_python(labels, rows); };
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return active_lp_regression(rows, callback, options); });
        });
      },
      "a"_a.noconvert(), "labels"_a, "budget"_a, nb::kw_only(), "norm_exponent"_a = active.plan.norm_exponent,
      "importance"_a = active.plan.importance, "scheme"_a = active.plan.scheme, "seed"_a = active.plan.seed,
      "runs"_a = active.runs, "tolerance"_a = active.fit.tolerance, "unfittable_share"_a = active.fit.unfittable_share,
      "l_p regression from few labels.\n\n"
      "labels: a function that is called once, with the ascending numbers of all rows to label, and returns one label "
      "or\n"
      "one row of labels for each; what it raises comes through. runs: odd; the budget is shared by so many "
      "independent\n"
      "plans, and the solution in their middle is taken, which needs no further labels.");
}

void bind_online(nb::module_& m) {
  nb::class_<OnlineActiveRegression>(
      m, "OnlineActiveRegression",
      "l_p regression on rows that arrive one after the other: whether a row gets a label is decided when it arrives.")
      .def(
          "__init__",
          [](OnlineActiveRegression* self, Index cols, Index budget, Index expected_rows, double norm_exponent,
             std::uint64_t seed) {
            new (self) OnlineActiveRegression(cols, {norm_exponent, budget, expected_rows, seed});
          },
          "cols"_a, "budget"_a, "expected_rows"_a, nb::kw_only(), "norm_exponent"_a = 1.0, "seed"_a = 0)
      .def(
          "offer", [](OnlineActiveRegression& self, const VectorArg<double>& row) { return self.offer(view_of(row)); },
          "row"_a.noconvert(), "True when the row is to be labelled, by add_label before the next offer.")
      .def("add_label", &OnlineActiveRegression::add_label, "label"_a)
      .def(
          "fit",
          [](const OnlineActiveRegression& self, double tolerance) {
            return interruptible([&] { return self.fit(tolerance); });
          },
          nb::kw_only(), "tolerance"_a = PlannedFitOptions{}.tolerance,
          "The regression on the labelled rows, each with weight 1 / probability.")
      .def_prop_ro("num_rows", &OnlineActiveRegression::num_rows, "offered so far")
      .def_prop_ro(
          "labeled_rows", [](const OnlineActiveRegression& self) { return to_python(self.labeled_rows()); },
          nb::rv_policy::move)
      .def_prop_ro(
          "probabilities",
          [](const OnlineActiveRegression& self) { return to_python(std::vector(self.probabilities())); },
          nb::rv_policy::move)
      .def_prop_ro("exhausted", &OnlineActiveRegression::exhausted,
                   "a row that should have had a chance came after the budget was spent");
}

}  // namespace

void bind_active_regression(nb::module_& m) {
  bind_plans(m);
  bind_fits(m);
  bind_online(m);
}

}  // namespace loewner::python
