// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/projective_clustering.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

// A vector of move-only matrices claims to be copyable, and nanobind believes it.
template <>
struct nanobind::detail::is_copy_constructible<loewner::ProjectiveClustering> : std::false_type {};

namespace loewner::python {
namespace {

using namespace nb::literals;

VectorResult<std::uint8_t> labels_of(nb::handle_t<ProjectiveClustering> self) {
  auto& labels = nb::cast<ProjectiveClustering&>(self).cluster_of_row;
  return {labels.data(), {labels.size()}, self};
}

std::vector<MatrixResult<double>> bases_of(nb::handle_t<ProjectiveClustering> self) {
  std::vector<MatrixResult<double>> views;
  for (auto& basis : nb::cast<ProjectiveClustering&>(self).bases) {
    views.push_back(MatrixResult<double>(
        basis.data(), {static_cast<std::size_t>(basis.rows()), static_cast<std::size_t>(basis.cols())}, self));
  }
  return views;
}

}  // namespace

void bind_projective_clustering(nb::module_& m) {
  nb::class_<ProjectiveClustering>(m, "ProjectiveClustering")
      .def_prop_ro("cluster_of_row", &labels_of, "n values below num_clusters")
      .def_prop_ro("bases", &bases_of, "num_clusters of dimension x d, orthonormal rows")
      .def_ro("report", &ProjectiveClustering::report,
              "objective: sum_i u_i min(distance of row i^q, t); the initial one is that of a single subspace");

  const ProjectiveClusteringOptions defaults;
  m.def(
      "projective_clustering",
      [](const MatrixArg<float>& a, Index num_clusters, Index dimension, double exponent, double truncation,
         const OptionalWeights& row_weights, int num_restarts, int max_iterations, double tolerance,
         std::uint64_t seed) {
        const DenseRows rows(view_of(a));
        const ProjectiveClusteringOptions options{
            num_clusters, dimension,      exponent,  truncation, view_of(row_weights),
            num_restarts, max_iterations, tolerance, seed};
        return interruptible([&] { return projective_clustering(rows, options); });
      },
      "a"_a.noconvert(), "num_clusters"_a, "dimension"_a, nb::kw_only(), "exponent"_a = defaults.exponent,
      "truncation"_a = defaults.truncation, "row_weights"_a.noconvert() = nb::none(),
      "num_restarts"_a = defaults.num_restarts, "max_iterations"_a = defaults.max_iterations,
      "tolerance"_a = defaults.tolerance, "seed"_a = defaults.seed,
      "Subspaces through the origin, and one of them for every row, that make sum_i u_i min(dist(a_i, S_c(i))^q, t)\n"
      "small; never above the best single subspace.\n\n"
      "a: n x d; exponent: q, 1 or 2; truncation: t > 0; row_weights: u, n values >= 0, all ones if None.");
}

}  // namespace loewner::python
