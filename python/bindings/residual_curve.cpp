// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_curve.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/composed_operators.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"
#include "loewner/sketch/residual_probe.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kEstimateDoc = R"(Estimate the least error of every rank from one small sketch.

Estimates min ||A - B||_F over B of rank k, for all k = 0 ... max_rank, in one pass over A.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The matrix.
max_rank : int
    The largest rank, >= 0.
sketch_size : int
    Side m of the sketch, at least 2 max_rank; 0 for max(64, 5 max_rank).
nonzeros : int
    Entries per column of each embedding.
repetitions : int
    Independent sketches, whose mean is taken; 3 for error bars.
seed : int
    Seed of the sketches.
correct_bias : bool
    Corrects the energy that the leading directions of a sketch take from the others. Without it the
    estimates are too low.

Returns
-------
ResidualCurve
    Norm, residuals and their standard deviations.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Singular values of S A T^T beyond the k-th [1]_, with a correction of their bias. A side no longer than
m is not sketched, so small matrices have exact residuals. The estimates are within 15 % of the truth
for m = 5 max_rank and max_rank <= 0.3 min(n, d); beyond that they may be too low. Results have the same
bits for the same seed and any number of threads.

References
----------
.. [1] Y. Li, H. Lin and D. P. Woodruff, "Optimal sketching for residual error estimation for matrix and
   vector norms", ICLR 2024.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import estimate_residuals
>>> estimate_residuals(np.diag([3.0, 2.0, 1.0]), 2).residual.round(6)
array([3.741657, 2.236068, 1.      ])
)";

constexpr const char* kProbeDoc = R"(Estimate the error ||A - U V^T||_F of a factorization.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The matrix.
u : array_like of shape (n, k)
    Left factor.
v : array_like of shape (d, k)
    Right factor.
probes : int
    Gaussian vectors to multiply by.
seed : int
    Seed of the vectors.

Returns
-------
ProbedNorm
    The estimate and its standard error.

Raises
------
ValueError
    If shapes do not fit, probes < 1, or an entry is not finite.

Notes
-----
The mean of ||(A - U V^T) g||^2 over Gaussian g is unbiased for the squared norm [1]_. The standard
deviation of the norm is at most norm / sqrt(2 probes). A - U V^T is not formed.

References
----------
.. [1] M. F. Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian
   smoothing splines", Communications in Statistics 19, 1990.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import probe_residual
>>> a = np.random.default_rng(0).standard_normal((300, 20))
>>> probed = probe_residual(a, np.zeros((300, 1)), np.zeros((20, 1)))
>>> bool(abs(probed.norm - np.linalg.norm(a)) < 5 * probed.standard_error)
True
)";

constexpr const char* kBilinearDoc = R"(A linear sketch of a matrix from which residuals are estimated.

For a matrix that arrives as blocks of rows, as changes of entries, or at several places: sketches of
parts add up to the sketch of the sum [1]_.

Parameters
----------
rows, cols : int
    Shape of the matrix.
max_rank : int
    As in `estimate_residuals`.
sketch_size : int
    As in `estimate_residuals`.
nonzeros : int
    As in `estimate_residuals`.
repetitions : int
    As in `estimate_residuals`.
seed : int
    Seed of the sketches.

Raises
------
ValueError
    If an option is out of range.

Notes
-----
Blocks of `sketch_size` rows or more are cheapest to add. The order of blocks, updates and merges
changes the result by rounding only.

References
----------
.. [1] Y. Li, H. Lin and D. P. Woodruff, "Optimal sketching for residual error estimation for matrix and
   vector norms", ICLR 2024.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import BilinearSketch
>>> sketch = BilinearSketch(3, 3, 2)
>>> sketch.add_block(0, [[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
>>> sketch.update(2, 2, 1.0)
>>> sketch.curve().residual.round(6)
array([3.741657, 2.236068, 1.      ])
)";

constexpr const char* kUpdateDoc = R"(Add a number to an entry.

Parameters
----------
i, j : int
    Row and column of the entry.
change : float
    The number to add.

Raises
------
ValueError
    If the place is outside of the matrix or the number is not finite.
)";

constexpr const char* kAddBlockDoc = R"(Add a block to some rows of the matrix.

Parameters
----------
first_row : int
    The row to which the first row of the block is added.
block : array_like or sparse matrix of shape (b, cols)
    The rows to add.

Raises
------
ValueError
    If the block does not fit or an entry is not finite; nothing is added then.
)";

constexpr const char* kMergeDoc = R"(Add the matrix of another sketch.

Parameters
----------
other : BilinearSketch
    A sketch with the same shape and options.

Raises
------
ValueError
    If shapes or options differ.
)";

constexpr const char* kCurveDoc = R"(Estimate the residuals of the matrix.

Parameters
----------
frobenius_norm : float, optional
    Norm of the matrix if it is known; else it is estimated too.

Returns
-------
ResidualCurve
    As from `estimate_residuals`.
)";

void bind_results(nb::module_& m) {
  bind_result<ResidualCurve>(
      m, "ResidualCurve", "Estimated least errors of all ranks.",
      field("frobenius_norm", &ResidualCurve::frobenius_norm, "||A||_F."),
      field("residual", &ResidualCurve::residual, "(max_rank + 1,) ||A - A_k||_F for k = 0 ... max_rank."),
      field("standard_deviations", &ResidualCurve::standard_deviations,
            "(max_rank + 1,) Of one sketch's estimates over the repetitions; 0 for one repetition."),
      field("sketch_size", &ResidualCurve::sketch_size, "Side of the sketch."));
  bind_result<ProbedNorm>(m, "ProbedNorm", "An estimated norm.", field("norm", &ProbedNorm::norm, "The estimate."),
                          field("standard_error", &ProbedNorm::standard_error, "Standard error of the estimate."));
}

void bind_bilinear_sketch(nb::module_& m) {
  const ResidualOptions defaults;
  nb::class_<BilinearSketch> type(m, "BilinearSketch", kBilinearDoc);
  type.def(
          "__init__",
          [](BilinearSketch* self, Index rows, Index cols, Index max_rank, Index sketch_size, Index nonzeros,
             Index repetitions, std::uint64_t seed) {
            new (self) BilinearSketch(rows, cols, {max_rank, sketch_size, nonzeros, repetitions, seed});
          },
          "rows"_a, "cols"_a, "max_rank"_a, nb::kw_only(), "sketch_size"_a = defaults.sketch_size,
          "nonzeros"_a = defaults.nonzeros, "repetitions"_a = defaults.repetitions, "seed"_a = defaults.seed)
      .def_prop_ro("rows", &BilinearSketch::rows, "Rows of the matrix.")
      .def_prop_ro("cols", &BilinearSketch::cols, "Columns of the matrix.")
      .def_prop_ro("sketch_size", &BilinearSketch::sketch_size, "Side of the sketch.")
      .def("update", &BilinearSketch::update, "i"_a, "j"_a, "change"_a, kUpdateDoc)
      .def(
          "add_block",
          [](BilinearSketch& s, Index first_row, const MatrixLike& block) {
            with_rows(rows_of(block, "block"),
                      [&](const RowMatrix& rows) { interruptible([&] { s.add_block(first_row, rows); }); });
          },
          "first_row"_a, "block"_a, kAddBlockDoc)
      .def("merge", &BilinearSketch::merge, "other"_a, kMergeDoc)
      .def(
          "curve",
          [](const BilinearSketch& s, std::optional<double> norm) {
            return interruptible([&] { return s.curve(norm); });
          },
          "frobenius_norm"_a = nb::none(), kCurveDoc);
  def_repr(type, {"rows", "cols", "sketch_size"});
}

}  // namespace

void bind_residual_curve(nb::module_& m) {
  bind_results(m);
  bind_bilinear_sketch(m);
  const ResidualOptions defaults;
  m.def(
      "estimate_residuals",
      [](const MatrixLike& a, Index max_rank, Index sketch_size, Index nonzeros, Index repetitions, std::uint64_t seed,
         bool correct_bias) {
        const ResidualOptions options{max_rank, sketch_size, nonzeros, repetitions, seed, correct_bias};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return estimate_residuals(rows, options); }); });
      },
      "a"_a, "max_rank"_a, nb::kw_only(), "sketch_size"_a = defaults.sketch_size, "nonzeros"_a = defaults.nonzeros,
      "repetitions"_a = defaults.repetitions, "seed"_a = defaults.seed, "correct_bias"_a = defaults.correct_bias,
      kEstimateDoc);
  m.def(
      "probe_residual",
      [](const MatrixLike& a, const ArrayLike& u, const ArrayLike& v, Index probes, std::uint64_t seed) {
        const auto left = dense<double>(u, "u"), right = dense<double>(v, "v");
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] {
            const MatrixOperator matrix(rows);
            return probe_frobenius_norm(ResidualOperator(matrix, left.view(), right.view()), probes, seed);
          });
        });
      },
      "a"_a, "u"_a, "v"_a, nb::kw_only(), "probes"_a = 16, "seed"_a = 0, kProbeDoc);
}

}  // namespace loewner::python
