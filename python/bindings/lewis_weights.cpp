// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lewis_weights.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kResultDoc = R"(Weights of rows, and the ellipsoid norm that they define.

||x||_Q and (sum_i u_i |a_i^T x|^p)^(1/p) agree up to the factor `certificate` for all x.)";

constexpr const char* kLewisDoc = R"(Compute the l_p Lewis weights of the rows of a matrix.

They satisfy w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i with Q(w) = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T,
and make ||x||_Q the best such norm for (sum_i u_i |a_i^T x|^p)^(1/p).

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
norm_exponent : float
    p >= 1, finite.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
max_iterations : int
    Limit of the fixed-point iteration.
tolerance : float
    Stops one step after the certificate is within this fraction of its limit.

Returns
-------
LewisWeights
    The weights, Q and the certificate.

Raises
------
ValueError
    If p is out of range, a weight is negative, or an entry is not finite (the message names its row
    and column).

Notes
-----
Fixed point on leverage scores of the reweighted rows [1]_, damped for p > 2. The certificate holds for
the returned weights with any status. Cost: 2 n d^2 flops in float32 per iteration. Results have the
same bits for any number of threads.

References
----------
.. [1] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.

Examples
--------
>>> from loewner.norms import lewis_weights
>>> found = lewis_weights([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], norm_exponent=1)
>>> found.weights.round(1)
array([1. , 0.5, 0.5])
>>> found.certificate <= 1.5
True
)";

constexpr const char* kCertifyDoc = R"(Compute the certificate of any weights in place of Lewis weights.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
weights : array_like of shape (n,)
    Weights w_i >= 0.
norm_exponent : float
    p >= 1, finite.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.

Returns
-------
LewisWeights
    Q, rank, alpha, omega and certificate. The certificate is infinite if a row that is not 0 has
    weight 0.

Raises
------
ValueError
    As in `lewis_weights`, and if `weights` has another length or a negative entry.

Notes
-----
The inequalities are those of `lewis_weights` [1]_, with the given weights in Q.

References
----------
.. [1] D. R. Lewis, "Finite dimensional subspaces of L_p", Studia Mathematica 63, 1978.

Examples
--------
>>> from loewner.norms import certify_weights
>>> certify_weights([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], norm_exponent=1).rank
2
)";

}  // namespace

void bind_lewis_weights(nb::module_& m) {
  bind_result<LewisWeights>(
      m, "LewisWeights", kResultDoc,
      field("weights", &LewisWeights::weights, "(n,) The weights; 0 for rows of zeros and rows without weight."),
      field("q", &LewisWeights::q, "(d, d) Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T."),
      field("rank", &LewisWeights::rank, "Numerical rank of Q."),
      field("alpha", &LewisWeights::alpha, "At least max_i u_i^(2/p) a_i^T Q^+ a_i / w_i^(2/p)."),
      field("omega", &LewisWeights::omega, "Sum of the weights."),
      field("certificate", &LewisWeights::certificate, "At least the distortion: (alpha omega)^|1/p - 1/2|."),
      field("status", &LewisWeights::status, "How the iteration ended."),
      field("iterations", &LewisWeights::iterations, "Iterations taken."));

  const LewisOptions defaults;
  m.def(
      "lewis_weights",
      [](const ArrayLike& a, double norm_exponent, const OptionalArray& row_weights, int max_iterations,
         double tolerance) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const LewisOptions options{norm_exponent, weights.view(), max_iterations, tolerance};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return lewis_weights(rows, options); });
      },
      "a"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance, kLewisDoc);
  m.def(
      "certify_weights",
      [](const ArrayLike& a, const ArrayLike& weights, double norm_exponent, const OptionalArray& row_weights) {
        const auto matrix = dense<float>(a, "a");
        const auto given = vector<double>(weights, "weights"), rows_by = vector(row_weights, "row_weights");
        const LewisOptions options{.norm_exponent = norm_exponent, .row_weights = rows_by.view()};
        const DenseRows rows(matrix.view());
        const std::vector<double> values(given.view().begin(), given.view().end());
        return interruptible([&] { return certify_weights(rows, values, options); });
      },
      "a"_a, "weights"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      kCertifyDoc);
}

}  // namespace loewner::python
