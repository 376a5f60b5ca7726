// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/latent_simplex.hpp"

#include "bindings.hpp"
#include "choice.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {

template <>
struct ChoiceWords<VertexAggregate> {
  static constexpr auto text = nb::detail::const_name("'mean', 'median'");
};

namespace {

using namespace nb::literals;

constexpr const char* kLatentSimplexDoc = R"(Find the vertices of a simplex from noisy convex combinations of them.

The rows are a_i = sum_j w_ij m_j + noise with w_i >= 0 and sum_j w_ij = 1; the m_j are the vertices.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The rows.
k : int
    Number of vertices, in [1, min(n, d)].
share : float
    Share of the rows that lie near each vertex, in (0, 1]; 0 for 1 / (5 k).
tries : int
    Random directions per vertex, >= 1.
power_steps : int
    Passes that sharpen the subspace, >= 0.
aggregate : {'mean', 'median'}
    What the rows near a vertex become; 'median' of each coordinate suits noise with outliers.
seed : int
    Seed of the directions.

Returns
-------
LatentSimplex
    The vertices and the rows that they average.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Learns a latent simplex in input-sparsity time [1]_. With noise sigma per coordinate the error is about
sigma / sqrt(share n) for well separated vertices. If the rows span fewer dimensions, fewer vertices come
back. Results have the same bits for the same seed and any number of threads.

References
----------
.. [1] A. Bakshi, C. Bhattacharyya, R. Kannan, D. P. Woodruff and S. Zhou, "Learning a latent simplex in
   input sparsity time", ICLR 2021.

Examples
--------
>>> import numpy as np
>>> from loewner.cluster import latent_simplex
>>> rows = np.repeat(np.eye(3, 5), 40, axis=0)
>>> latent_simplex(rows, 3).vertices.sum(axis=0).round(6)
array([1., 1., 1., 0., 0.])
)";

}  // namespace

void bind_latent_simplex(nb::module_& m) {
  bind_choice<VertexAggregate>(
      m, "VertexAggregate", "How `latent_simplex` combines the rows near a vertex.",
      {{"mean", VertexAggregate::mean, "Their mean."},
       {"median", VertexAggregate::median, "The median of each coordinate: for noise with outliers."}});
  bind_result<LatentSimplex>(
      m, "LatentSimplex", "The vertices of a simplex that holds rows, up to noise.",
      field("vertices", &LatentSimplex::vertices, "(r, d) The vertices, r <= k."),
      field("members", &LatentSimplex::members, "For each vertex, the rows that it averages."),
      field("singular_values", &LatentSimplex::singular_values, "(k,) Estimates of those of a, descending."),
      field("separations", &LatentSimplex::separations,
            "(r,) Distance of each vertex from the span of those before it, the farthest first, relative to the "
            "longest. That of a superfluous vertex is at the level of the noise."));

  const LatentSimplexOptions defaults;
  m.def(
      "latent_simplex",
      [](const MatrixLike& a, Index k, double share, int tries, int power_steps,
         const Choice<VertexAggregate>& aggregate, std::uint64_t seed) {
        const LatentSimplexOptions options{share, tries, power_steps, chosen(aggregate, "aggregate"), seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return latent_simplex(rows, k, options); }); });
      },
      "a"_a, "k"_a, nb::kw_only(), "share"_a = defaults.share, "tries"_a = defaults.tries,
      "power_steps"_a = defaults.power_steps, "aggregate"_a = word_of(defaults.aggregate), "seed"_a = defaults.seed,
      kLatentSimplexDoc);
}

}  // namespace loewner::python
