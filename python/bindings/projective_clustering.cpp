// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/projective_clustering.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

// std::is_copy_constructible is true for a vector of move-only matrices, although a copy does not compile.
template <>
struct nanobind::detail::is_copy_constructible<loewner::ProjectiveClustering> : std::false_type {};

namespace loewner::python {

// Bases are views of the result that holds them.
template <>
struct Attribute<std::vector<Matrix<double>>> {
  static constexpr bool is_picklable = false;
  template <typename Result>
  static void define(nb::class_<Result>& result, const Field<Result, std::vector<Matrix<double>>>& f) {
    result.def_prop_ro(
        f.name,
        [member = f.member](nb::handle_t<Result> self) {
          std::vector<MatrixResult<double>> views;
          for (Matrix<double>& matrix : nb::cast<Result&>(self).*member) {
            const auto rows = static_cast<std::size_t>(matrix.rows()), cols = static_cast<std::size_t>(matrix.cols());
            views.push_back(MatrixResult<double>(matrix.data(), {rows, cols}, self));
          }
          return views;
        },
        f.doc);
  }
};

namespace {

using namespace nb::literals;

constexpr const char* kClusteringDoc = R"(Cluster rows by subspaces: one subspace through the origin per cluster.

Makes sum_i u_i min(dist(a_i, S_c(i))^q, t) small over the subspaces S_1 ... S_k and the clusters c(i).

Parameters
----------
a : array_like of shape (n, d)
    The rows, computed with in float32.
num_clusters : int
    k, in [1, 256].
dimension : int
    Dimension of each subspace, in [0, d].
exponent : float
    q, 1 or 2.
truncation : float
    t > 0, in units of the distances to the power q.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
num_restarts : int
    Number of starts, >= 1.
max_iterations : int
    Limit of the final descent.
tolerance : float
    Relative decrease of the objective at which the iteration has converged.
seed : int
    Seed of the starts.

Returns
-------
ProjectiveClustering
    Cluster of each row, bases and a report.

Raises
------
ValueError
    If an option is out of range, a weight is negative, the matrix is empty, or an entry is not finite.

Notes
-----
Expectation maximization over subspaces [1]_. A local optimum of an NP-hard problem, never worse than the
best single subspace. Results have the same bits for the same seed and any number of threads.

References
----------
.. [1] A. Maalouf, H. Lang, D. Rus and D. Feldman, "Deep learning meets projective clustering", ICLR 2021.

Examples
--------
>>> import numpy as np
>>> from loewner.cluster import projective_clustering
>>> a = np.array([[1.0, 0.0], [0.0, 1.0]] * 20) * np.arange(1.0, 41.0)[:, None]
>>> found = projective_clustering(a, 2, 1)
>>> len(set(found.cluster_of_row[::2])), len(set(found.cluster_of_row))
(1, 2)
)";

}  // namespace

void bind_projective_clustering(nb::module_& m) {
  bind_result<ProjectiveClustering>(
      m, "ProjectiveClustering", "Clusters of rows with a subspace each.",
      field("cluster_of_row", &ProjectiveClustering::cluster_of_row, "(n,) Cluster of each row, below num_clusters."),
      field("bases", &ProjectiveClustering::bases,
            "One ndarray of shape (dimension, d) per cluster: a basis of its subspace, orthonormal rows."),
      field("report", &ProjectiveClustering::report,
            "Status and iterations; the objective is sum_i u_i min(distance of row i^q, t), the initial one that of "
            "a single subspace."));

  const ProjectiveClusteringOptions defaults;
  m.def(
      "projective_clustering",
      [](const ArrayLike& a, Index num_clusters, Index dimension, double exponent, double truncation,
         const OptionalArray& row_weights, int num_restarts, int max_iterations, double tolerance, std::uint64_t seed) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const ProjectiveClusteringOptions options{num_clusters, dimension,      exponent,  truncation, weights.view(),
                                                  num_restarts, max_iterations, tolerance, seed};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return projective_clustering(rows, options); });
      },
      "a"_a, "num_clusters"_a, "dimension"_a, nb::kw_only(), "exponent"_a = defaults.exponent,
      "truncation"_a = defaults.truncation, "row_weights"_a = nb::none(), "num_restarts"_a = defaults.num_restarts,
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance, "seed"_a = defaults.seed,
      kClusteringDoc);
}

}  // namespace loewner::python
