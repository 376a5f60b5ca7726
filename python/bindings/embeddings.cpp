// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/sketch/less_embedding.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kSparseSignDoc = R"(A sparse random matrix S that nearly preserves lengths in any fixed subspace.

S has `nonzeros` entries +-1/sqrt(nonzeros) in each column, at random places, so E(S^T S) = I. For
every fixed subspace of dimension well below `rows`, ||S x|| is close to ||x|| for all x in it.

Parameters
----------
rows : int
    Rows of S: the dimension after the embedding.
cols : int
    Columns of S: the dimension before the embedding.
nonzeros : int
    Entries per column, in [1, rows]. 8 is enough from rows = 2 d on, 4 from rows = 4 d on.
seed : int
    Seed of the places and signs.

Raises
------
ValueError
    If an argument is out of range.

Notes
-----
OSNAP [1]_ at the optimal dimension [2]_. S is not stored. Singular values of S U, U an orthonormal
basis of d vectors, lie near 1 +- sqrt(d / rows). Products are float64 and have the same bits for any
number of threads.

References
----------
.. [1] J. Nelson and H. L. Nguyen, "OSNAP: faster numerical linear algebra algorithms via sparser
   subspace embeddings", FOCS 2013.
.. [2] S. Chenakkod, M. Derezinski, X. Dong and M. Rudelson, "Optimal embedding dimension for sparse
   subspace embeddings", STOC 2024.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import SparseSignEmbedding
>>> s = SparseSignEmbedding(64, 1000, seed=1)
>>> s
SparseSignEmbedding(rows=64, cols=1000, nonzeros=8)
>>> s.apply(np.ones((1000, 2))).shape
(64, 2)
)";

constexpr const char* kForDistortionDoc = R"(Make the embedding for a subspace dimension and a distortion.

Parameters
----------
cols : int
    Columns of S: the dimension before the embedding.
dimension : int
    Dimension d of the subspaces.
distortion : float
    Largest distance of the singular values on a subspace from 1, in (0, 1).
slack : float
    Excess of the number of rows over the optimum d / distortion^2, relative.
seed : int
    Seed of the places and signs.

Returns
-------
SparseSignEmbedding
    With (1 + slack) d / distortion^2 rows.

Raises
------
ValueError
    If an argument is out of range.

Examples
--------
>>> from loewner.sketch import SparseSignEmbedding
>>> SparseSignEmbedding.for_distortion(1000, 24, 0.5, slack=1)
SparseSignEmbedding(rows=192, cols=1000, nonzeros=8)
)";

constexpr const char* kLessDoc = R"(A sparse random matrix S that samples rows by leverage score.

About `row_nonzeros` non-zeros lie in each row of S, in column j with a probability that grows with
its score, and E(S^T S) = I.

Parameters
----------
scores : array_like of shape (n,)
    Leverage scores >= 0 of the rows of the matrix to embed.
rows : int
    Rows of S.
row_nonzeros : float
    Expected non-zeros of each row of S, > 0.
uniform_share : float
    Mass of the uniform distribution that is mixed in, relative to the sum of the scores; negative for
    the same mass.
seed : int
    Seed of the places and signs.

Raises
------
ValueError
    If a score is negative or not finite, all are 0, or an option is out of range.

Notes
-----
Leverage-score sparsified embedding [1]_. It touches at most rows * row_nonzeros rows of the matrix.

References
----------
.. [1] M. Derezinski, Z. Liao, E. Dobriban and M. W. Mahoney, "Sparse sketches with small inversion
   bias", COLT 2021.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import LessEmbedding, leverage_scores
>>> a = np.random.default_rng(0).standard_normal((500, 4))
>>> LessEmbedding(leverage_scores(a).scores, 32).apply(a).shape
(32, 4)
)";

constexpr const char* kApplyDoc = R"(Compute S A.

Parameters
----------
a : array_like or sparse matrix of shape (cols, d)
    The matrix to embed.

Returns
-------
ndarray of shape (rows, d), float64
    The product S A.

Raises
------
ValueError
    If the shape does not fit or an entry is not finite.
)";

constexpr const char* kApplyRightDoc = R"(Compute A S^T.

Parameters
----------
a : array_like or sparse matrix of shape (k, cols)
    The matrix whose rows are embedded.

Returns
-------
ndarray of shape (k, rows), float64
    The product A S^T.

Raises
------
ValueError
    If the shape does not fit or an entry is not finite.
)";

void bind_sparse_sign(nb::module_& m) {
  nb::class_<SparseSignEmbedding> type(m, "SparseSignEmbedding", kSparseSignDoc);
  type.def(nb::init<Index, Index, Index, std::uint64_t>(), "rows"_a, "cols"_a, nb::kw_only(), "nonzeros"_a = 8,
           "seed"_a = 0)
      .def_static(
          "for_distortion",
          [](Index cols, Index dimension, double distortion, double slack, std::uint64_t seed) {
            const EmbeddingShape shape = embedding_for_distortion(dimension, distortion, slack);
            return SparseSignEmbedding(shape.rows, cols, shape.nonzeros, seed);
          },
          "cols"_a, "dimension"_a, "distortion"_a, nb::kw_only(), "slack"_a = 0.5, "seed"_a = 0, kForDistortionDoc)
      .def_prop_ro("rows", &SparseSignEmbedding::rows, "Rows of S.")
      .def_prop_ro("cols", &SparseSignEmbedding::cols, "Columns of S.")
      .def_prop_ro("nonzeros", &SparseSignEmbedding::nonzeros, "Entries per column.")
      .def(
          "apply",
          [](const SparseSignEmbedding& s, const MatrixLike& a) {
            return to_python(
                with_rows(a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply(rows); }); }));
          },
          "a"_a, kApplyDoc)
      .def(
          "apply_right",
          [](const SparseSignEmbedding& s, const MatrixLike& a) {
            return to_python(with_rows(
                a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply_right(rows); }); }));
          },
          "a"_a, kApplyRightDoc);
  def_repr(type, {"rows", "cols", "nonzeros"});
}

void bind_less(nb::module_& m) {
  const LessOptions defaults;
  nb::class_<LessEmbedding> type(m, "LessEmbedding", kLessDoc);
  type.def(
          "__init__",
          [](LessEmbedding* self, const ArrayLike& scores, Index rows, double row_nonzeros, double uniform_share,
             std::uint64_t seed) {
            const auto values = vector<double>(scores, "scores");
            new (self) LessEmbedding(values.view(), {rows, row_nonzeros, uniform_share, seed});
          },
          "scores"_a, "rows"_a, nb::kw_only(), "row_nonzeros"_a = defaults.row_nonzeros,
          "uniform_share"_a = defaults.uniform_share, "seed"_a = defaults.seed)
      .def_prop_ro("rows", &LessEmbedding::rows, "Rows of S.")
      .def_prop_ro("cols", &LessEmbedding::cols, "Columns of S.")
      .def(
          "apply",
          [](const LessEmbedding& s, const MatrixLike& a) {
            return to_python(
                with_rows(a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply(rows); }); }));
          },
          "a"_a, kApplyDoc);
  def_repr(type, {"rows", "cols"});
}

}  // namespace

void bind_embeddings(nb::module_& m) {
  bind_sparse_sign(m);
  bind_less(m);
}

}  // namespace loewner::python
