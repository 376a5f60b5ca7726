// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lewis_weights.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

#include <nanobind/stl/optional.h>

namespace loewner::python {

using namespace nb::literals;

void bind_lewis_weights(nb::module_& m) {
  nb::class_<LewisWeights> result(m, "LewisWeights");
  def_array(result, "weights", &LewisWeights::weights, "n values; 0 for rows that do not count");
  def_array(result, "q", &LewisWeights::q, "Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T, d x d");
  result.def_ro("rank", &LewisWeights::rank, "numerical rank of Q")
      .def_ro("alpha", &LewisWeights::alpha)
      .def_ro("omega", &LewisWeights::omega)
      .def_ro("certificate", &LewisWeights::certificate, "(alpha omega)^|1/p - 1/2|, at least the distortion")
      .def_ro("status", &LewisWeights::status)
      .def_ro("iterations", &LewisWeights::iterations);

  const LewisOptions defaults;
  m.def(
      "lewis_weights",
      [](const MatrixArg<float>& a, double norm_exponent, const OptionalWeights& row_weights, int max_iterations,
         double tolerance) {
        const DenseRows rows(view_of(a));
        const LewisOptions options{norm_exponent, view_of(row_weights), max_iterations, tolerance};
        return interruptible([&] { return lewis_weights(rows, options); });
      },
      "a"_a.noconvert(), nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(), "max_iterations"_a = defaults.max_iterations,
      "tolerance"_a = defaults.tolerance,
      "The l_p Lewis weights w of the rows, w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i, and the ellipsoid norm that they\n"
      "define, with a certificate: ||x||_Q and (sum_i u_i |a_i^T x|^p)^(1/p) agree up to the factor `certificate`.\n\n"
      "a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. The certificate holds for "
      "the\n"
      "weights returned whatever the status is.");
  m.def(
      "certify_weights",
      [](const MatrixArg<float>& a, const VectorArg<double>& weights, double norm_exponent,
         const OptionalWeights& row_weights) {
        const DenseRows rows(view_of(a));
        const auto given = view_of(weights);
        const LewisOptions options{.norm_exponent = norm_exponent, .row_weights = view_of(row_weights)};
        return interruptible(
            [&] { return certify_weights(rows, std::vector<double>(given.begin(), given.end()), options); });
      },
      "a"_a.noconvert(), "weights"_a.noconvert(), nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(),
      "Q, rank, alpha, omega and certificate for any weights >= 0 in place of Lewis weights.");
}

}  // namespace loewner::python
