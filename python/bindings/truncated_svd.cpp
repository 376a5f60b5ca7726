// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/truncated_svd.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/row_projection.hpp"

#include <nanobind/stl/optional.h>

namespace loewner::python {

using namespace nb::literals;

void bind_truncated_svd(nb::module_& m) {
  nb::enum_<SvdRoute>(m, "SvdRoute", "How the right singular vectors are found.")
      .value("automatic", SvdRoute::automatic, "gram, and direct when sigma_rank lies below 1e-5 sigma_1")
      .value("gram", SvdRoute::gram, "eigenvectors of A^T W A: fastest; squares the condition number")
      .value("direct", SvdRoute::direct, "QR, then the SVD of R: some 4 x slower; keeps small singular values")
      .value("krylov", SvdRoute::krylov, "block Krylov: the leading vectors alone, to within eps");

  nb::class_<RightSingularVectors> result(m, "RightSingularVectors");
  def_array(result, "singular_values", &RightSingularVectors::singular_values,
            "all min(n, d), descending; rank of them by krylov");
  def_array(result, "vt", &RightSingularVectors::vt, "rank (or vectors) x d, orthonormal rows");
  result.def_ro("route", &RightSingularVectors::route, "the route taken");
  result.def_ro("residual_norm", &RightSingularVectors::residual_norm,
                "root of the sum of the squares of the singular values that are not there");

  const TruncatedSvdOptions defaults;
  m.def(
      "truncated_svd",
      [](const MatrixArg<float>& a, Index rank, const OptionalWeights& row_weights, SvdRoute route, double eps,
         Index vectors) {
        const DenseRows rows(view_of(a));
        return interruptible([&] {
          return truncated_svd(
              rows,
              {.rank = rank, .row_weights = view_of(row_weights), .route = route, .eps = eps, .vectors = vectors});
        });
      },
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "row_weights"_a.noconvert() = nb::none(), "route"_a = defaults.route,
      "eps"_a = defaults.eps, "vectors"_a = defaults.vectors,
      "The subspace that minimises sum_i w_i ||a_i - V V^T a_i||^2 over V with `rank` orthonormal columns: the\n"
      "truncated SVD of sqrt(W) A. The best matrix of that rank is project_rows(a, vt) @ vt.\n\n"
      "a: n x d; row_weights: n values >= 0, all ones if None; eps: relative excess of the error that may be left to\n"
      "save work, by block Krylov or products in float32; vectors: rows of vt, rank if 0.\n"
      "The same bits for any number of threads.");
  m.def(
      "project_rows",
      [](const MatrixArg<float>& a, const MatrixArg<double>& vt) {
        const DenseRows rows(view_of(a));
        const auto basis = view_of(vt);
        return to_python(interruptible([&] { return project_rows(rows, basis); }));
      },
      "a"_a.noconvert(), "vt"_a.noconvert(),
      "A V for orthonormal V given by its transpose (k x d): the left factor of the projection of the rows, n x k.");
}

}  // namespace loewner::python
