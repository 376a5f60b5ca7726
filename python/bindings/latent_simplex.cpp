// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/latent_simplex.hpp"

#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/cluster/convex_code.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_latent_simplex(nb::module_& m) {
  nb::enum_<VertexAggregate>(m, "VertexAggregate", "What the rows near a vertex become.")
      .value("mean", VertexAggregate::mean)
      .value("median", VertexAggregate::median, "of each coordinate: for noise with outliers");
  nb::class_<LatentSimplex> simplex(m, "LatentSimplex", "The vertices of a simplex that rows lie in, but for noise.");
  def_array(simplex, "vertices", &LatentSimplex::vertices, "r x d, r <= k");
  def_array(simplex, "singular_values", &LatentSimplex::singular_values, "estimates of those of a, descending");
  def_array(
      simplex, "separations", &LatentSimplex::separations,
      "how far each vertex is from the span of those before it, the farthest first, relative to the longest: that of "
      "one too many is noise");
  simplex.def_ro("members", &LatentSimplex::members, "the rows that each vertex is the average of");

  const LatentSimplexOptions defaults;
  m.def(
      "latent_simplex",
      [](const RealMatrixArg& a, Index k, double share, int tries, int power_steps, VertexAggregate aggregate,
         std::uint64_t seed) {
        const LatentSimplexOptions options{share, tries, power_steps, aggregate, seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return latent_simplex(rows, k, options); }); });
      },
      "a"_a.noconvert(), "k"_a, nb::kw_only(), "share"_a = defaults.share, "tries"_a = defaults.tries,
      "power_steps"_a = defaults.power_steps, "aggregate"_a = defaults.aggregate, "seed"_a = defaults.seed,
      "The vertices m_1 ... m_k of rows a_i = sum_j w_ij m_j + noise, w_i >= 0, sum_j w_ij = 1.\n\n"
      "a: n x d, dense or SparseRows; share: of the rows that lie near each vertex, 1 / (5 k) if 0.");

  nb::class_<ConvexCodes> codes(m, "ConvexCodes", "Weights by rows, those above 0 only, as compressed sparse rows.");
  def_array(codes, "weights", &ConvexCodes::weights, "by row_offsets");
  def_array(codes, "scales", &ConvexCodes::scales, "n: 1 unless they are free");
  def_array(codes, "squared_distances", &ConvexCodes::squared_distances, "n: what is left of each row");
  codes.def_ro("largest_gap", &ConvexCodes::largest_gap, "proven, relative to ||a_i||^2")
      .def_prop_ro(
          "row_offsets", [](const ConvexCodes& self) { return to_python(std::span<const Index>(self.row_offsets)); },
          nb::rv_policy::move, "n + 1")
      .def_prop_ro(
          "columns",
          [](const ConvexCodes& self) {
            const std::vector<Index> wide(self.columns.begin(), self.columns.end());
            return to_python(std::span<const Index>(wide));
          },
          nb::rv_policy::move, "of the weights: numbers of vertices");
  const ConvexCodeOptions code_defaults;
  m.def(
      "convex_code",
      [](const MatrixArg<double>& vertices, const RealMatrixArg& a, Index sparsity, double gap, bool scaled) {
        const auto corners = view_of(vertices);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible(
              [&] { return convex_code(corners, rows, {.sparsity = sparsity, .gap = gap, .scaled = scaled}); });
        });
      },
      "vertices"_a.noconvert(), "a"_a.noconvert(), nb::kw_only(), "sparsity"_a = code_defaults.sparsity,
      "gap"_a = code_defaults.gap, "scaled"_a = code_defaults.scaled,
      "Every row as the convex combination of the vertices that comes nearest, of at most `sparsity` of them if not "
      "0.\n\n"
      "vertices: k x d; a: n x d, dense or SparseRows; gap: of the squared distance, relative to ||a_i||^2;\n"
      "scaled: rows may be any multiple >= 0 of a convex combination.");
}

}  // namespace loewner::python
