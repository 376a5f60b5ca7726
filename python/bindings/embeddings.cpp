// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/sketch/less_embedding.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_embeddings(nb::module_& m) {
  nb::class_<SparseSignEmbedding>(
      m, "SparseSignEmbedding",
      "A random rows x cols matrix S with ||S x|| close to ||x|| on every fixed subspace of dimension well below "
      "rows:\n"
      "`nonzeros` entries +-1/sqrt(nonzeros) per column, at random places. It is never stored.")
      .def(nb::init<Index, Index, Index, std::uint64_t>(), "rows"_a, "cols"_a, nb::kw_only(), "nonzeros"_a = 8,
           "seed"_a = 0)
      .def_static(
          "for_distortion",
          [](Index cols, Index dimension, double distortion, double slack, std::uint64_t seed) {
            const EmbeddingShape shape = embedding_for_distortion(dimension, distortion, slack);
            return SparseSignEmbedding(shape.rows, cols, shape.nonzeros, seed);
          },
          "cols"_a, "dimension"_a, "distortion"_a, nb::kw_only(), "slack"_a = 0.5, "seed"_a = 0,
          "The embedding whose singular values on a subspace of `dimension` dimensions lie within `distortion` of 1:\n"
          "(1 + slack) dimension / distortion^2 rows, the optimal number up to the slack.")
      .def_prop_ro("rows", &SparseSignEmbedding::rows)
      .def_prop_ro("cols", &SparseSignEmbedding::cols)
      .def_prop_ro("nonzeros", &SparseSignEmbedding::nonzeros, "per column")
      .def(
          "apply",
          [](const SparseSignEmbedding& s, const RealMatrixArg& a) {
            return to_python(
                with_rows(a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply(rows); }); }));
          },
          "a"_a.noconvert(), "S A, float64. The same bits for any number of threads.")
      .def(
          "apply_right",
          [](const SparseSignEmbedding& s, const RealMatrixArg& a) {
            return to_python(with_rows(
                a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply_right(rows); }); }));
          },
          "a"_a.noconvert(), "A S^T, float64.");

  const LessOptions defaults;
  nb::class_<LessEmbedding>(
      m, "LessEmbedding",
      "A random matrix S with E(S^T S) = I whose few non-zeros sit where the rows of a known matrix matter: some\n"
      "`row_nonzeros` in each row, column j with a probability that grows with its leverage score.")
      .def(
          "__init__",
          [](LessEmbedding* self, const VectorArg<double>& scores, Index rows, double row_nonzeros,
             double uniform_share, std::uint64_t seed) {
            new (self) LessEmbedding(view_of(scores), {rows, row_nonzeros, uniform_share, seed});
          },
          "scores"_a.noconvert(), "rows"_a, nb::kw_only(), "row_nonzeros"_a = defaults.row_nonzeros,
          "uniform_share"_a = defaults.uniform_share, "seed"_a = defaults.seed,
          "scores: n values >= 0; uniform_share: mass of the uniform distribution that is mixed in, relative to the "
          "sum\n"
          "of the scores; negative: as much as the scores have.")
      .def_prop_ro("rows", &LessEmbedding::rows)
      .def_prop_ro("cols", &LessEmbedding::cols)
      .def(
          "apply",
          [](const LessEmbedding& s, const RealMatrixArg& a) {
            return to_python(
                with_rows(a, [&](const RowMatrix& rows) { return interruptible([&] { return s.apply(rows); }); }));
          },
          "a"_a.noconvert(), "S A, float64.");
}

}  // namespace loewner::python
