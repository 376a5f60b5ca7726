// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/least_squares.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kLeastSquaresDoc = R"(Solve least squares problems with a tall matrix: min ||A X - B||_F.

Returns the X of least norm among the minimizers, as accurate as with a QR factorization and faster for
tall A.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design, of any rank.
b : array_like of shape (n,) or (n, k)
    The targets.
tolerance : float
    Backward error of each column of X relative to ||A||_F, in (0, 1).
max_iterations : int
    Limit of LSQR steps; each reads A once.
sketch_rows : int
    Rows of the sketch, at least d; 0 for 3 n / d between 4 d and 32 d.
nonzeros : int
    Entries per column of the sketch; 0 for 8 below 4 d rows and 4 above.
seed : int
    Seed of the sketch. The result depends on it by the tolerance only.

Returns
-------
LeastSquares
    The solution, residuals and backward errors.

Raises
------
ValueError
    If an option is out of range, `b` has another number of rows, or an entry is not finite (the
    message names its row and column).

Notes
-----
LSQR on A T, which a sketch makes well conditioned [1]_. Backward stable up to cond(A) = 1 / (d eps);
directions beyond count as rank deficiency. A missed tolerance is no error: `report.status` tells.
Results have the same bits for any number of threads.

References
----------
.. [1] V. Rokhlin and M. Tygert, "A fast randomized algorithm for overdetermined linear least-squares
   regression", PNAS 105, 2008.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import least_squares
>>> a = np.random.default_rng(0).standard_normal((1000, 3))
>>> least_squares(a, a @ [1.0, 2.0, 3.0]).x.round(6).ravel()
array([1., 2., 3.])
)";

}  // namespace

void bind_least_squares(nb::module_& m) {
  bind_result<LeastSquaresResult>(
      m, "LeastSquares", "Solutions of least squares problems, one per column of b.",
      field("x", &LeastSquaresResult::x, "(d, k) The solutions."),
      field("residual_norms", &LeastSquaresResult::residual_norms, "(k,) ||A x - b|| of each column."),
      field("backward_errors", &LeastSquaresResult::backward_errors, "(k,) Relative to ||A||_F, estimated."),
      field("rank", &LeastSquaresResult::rank, "Numerical rank of A."),
      field("report", &LeastSquaresResult::report, "Status and iterations; the objective is ||A X - B||_F."));

  const LeastSquaresOptions defaults;
  m.def(
      "least_squares",
      [](const MatrixLike& a, const ArrayLike& b, double tolerance, int max_iterations, Index sketch_rows,
         Index nonzeros, std::uint64_t seed) {
        const LeastSquaresOptions options{tolerance, max_iterations, sketch_rows, nonzeros, seed};
        const Targets right(b, "b");
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return least_squares(rows, right.view(), options); });
        });
      },
      "a"_a, "b"_a, nb::kw_only(), "tolerance"_a = defaults.tolerance, "max_iterations"_a = defaults.max_iterations,
      "sketch_rows"_a = defaults.sketch_rows, "nonzeros"_a = defaults.nonzeros, "seed"_a = defaults.seed,
      kLeastSquaresDoc);
}

}  // namespace loewner::python
