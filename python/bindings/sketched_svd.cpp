// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sketched_svd.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "operators.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kSketchedSvdDoc = R"(Find a low-rank approximation of a tall matrix in two reads.

Finds V (d x rank) with orthonormal columns and ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F over
B of that rank.

Parameters
----------
a : array_like, sparse matrix or linear operator of shape (n, d)
    As in `loewner.linalg.block_krylov`.
rank : int
    Number of vectors, in [1, min(n, d)].
eps : float
    Relative excess of the error over the least one.
rows : int
    Rows of the sketch, in [2 rank, n]; 0 for 3 rank / eps.
steps : int
    Exact number of steps of `block_krylov` on the sketch, whose vectors are then returned without an
    estimate of their error; 0 to let the error decide.
seed : int
    Seed of the sketch and of the start vectors.

Returns
-------
KrylovSvd
    Singular vectors and values, error and status.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).
TypeError
    As in `loewner.linalg.block_krylov`.

Notes
-----
Computes the leading right singular vectors of a sketch S A [1]_. If their error is not within `eps` of
the least error of the sketch, `block_krylov` starts from them. If A has fewer than 4 times as many
rows as the sketch, and for sparse matrices, float64 and operators, `block_krylov` does all the work.
The excess is about rank / (2 rows). `excess_estimate` is usually 2 to 4 times the true one; it is an
estimate, not a bound.

Cost: n d additions, 2 n d rank flops and `block_krylov` of the sketch. Results have the same bits for
the same seed and any number of threads.

References
----------
.. [1] K. L. Clarkson and D. P. Woodruff, "Low rank approximation and regression in input sparsity
   time", STOC 2013.

Examples
--------
>>> import numpy as np
>>> from loewner.sketch import sketched_svd
>>> a = np.random.default_rng(0).standard_normal((4000, 20)).astype(np.float32)
>>> sketched_svd(a, 2, eps=0.05).excess_estimate <= 0.05
True
)";

}  // namespace

void bind_sketched_svd(nb::module_& m) {
  const SketchedSvdOptions defaults;
  m.def(
      "sketched_svd",
      [](const OperatorLike& a, Index rank, double eps, Index rows, Index steps, std::uint64_t seed) {
        const SketchedSvdOptions options{.rank = rank, .eps = eps, .rows = rows, .steps = steps, .seed = seed};
        return with_rows_or_operator(a, [&]<typename Matrix>(const Matrix& matrix) {
          return interruptible([&] {
            if constexpr (std::is_same_v<Matrix, RowMatrix>) {
              return sketched_svd(matrix, options);
            } else {
              return block_krylov(matrix, {.rank = rank, .eps = eps, .steps = steps, .seed = seed});
            }
          });
        });
      },
      "a"_a, "rank"_a, nb::kw_only(), "eps"_a = defaults.eps, "rows"_a = defaults.rows, "steps"_a = defaults.steps,
      "seed"_a = defaults.seed, kSketchedSvdDoc);
}

}  // namespace loewner::python
