// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "operators.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kKrylovSvdDoc = R"(A rank-k approximation (u * singular_values) @ vt = A V V^T.)";

constexpr const char* kBlockKrylovDoc = R"(Find a low-rank approximation from products with a matrix only.

Finds V (d x rank) with orthonormal columns and
||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp over B of that rank, where ||.||_Sp is the l_p norm
of the singular values.

Parameters
----------
a : array_like, sparse matrix or linear operator of shape (n, d)
    An operator has ``shape``, ``matmat`` and ``rmatmat``, as scipy.sparse.linalg.LinearOperator has
    them. Arrays of float16, float32 and float64 are not converted.
rank : int
    Number of vectors, in [1, min(n, d)].
norm_exponent : float
    p of the Schatten norm, in [1, infinity].
eps : float
    Relative excess of the error over the least one.
vector_tolerance : float
    Also asks of every vector that ||A^T u - sigma v|| <= vector_tolerance sigma_1; 0: not asked.
block : int
    Vectors per step; 0 for 8, or 4 if rank < 8, or 16 for products in float32.
steps : int
    Exact number of steps; 0 to stop when the error settles.
max_products : int
    Limit for products of A and A^T with one vector; 0 for 8 (min(n, d) + block + 2).
max_bytes : int
    Memory of the bases, beyond which the method restarts; 0 for 1 GiB.
closing_check : bool
    Also looks for repeated singular values beyond the block size.
seed : int
    Seed of the random start vectors.

Returns
-------
KrylovSvd
    Singular vectors and values, error and status.

Raises
------
ValueError
    If an option is out of range, an entry or a product is not finite (the message names its row), or
    a product has the wrong shape.
TypeError
    If `a` is none of the above, or an operator's product does not hold real numbers.

Notes
-----
Block Krylov iteration on A^T A with full re-orthogonalization and Rayleigh-Ritz [1]_. The stopping
rule is a heuristic, tested against the SVD over many seeds; `schatten_low_rank` has a guarantee. If
the least error is below 1e-6 ||A||_F, `eps` has no meaning. Exceptions of an operator pass unchanged.

Cost: 2 `block` products a step, and 8 block (n + d) m flops for a basis of m vectors. Results have the
same bits for the same seed and any number of threads.

References
----------
.. [1] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
   singular value decomposition", NeurIPS 2015.

Examples
--------
>>> import numpy as np
>>> from loewner.linalg import block_krylov
>>> a = np.diag(0.5 ** np.arange(30.0))
>>> svd = block_krylov(a, 3, eps=1e-6)
>>> svd.singular_values.round(6)
array([1.  , 0.5 , 0.25])
>>> svd.status == "converged"
True
)";

void bind_krylov_svd(nb::module_& m) {
  bind_result<KrylovSvd>(
      m, "KrylovSvd", kKrylovSvdDoc, field("u", &KrylovSvd::u, "(n, k) Left singular vectors, orthonormal columns."),
      field("singular_values", &KrylovSvd::singular_values, "(k,) Descending; none is above that of A."),
      field("vt", &KrylovSvd::vt, "(k, d) Right singular vectors, orthonormal rows."),
      field("residual_norm", &KrylovSvd::residual_norm,
            "||A - A V V^T||_F; estimated from 16 probes if ||A||_F is not known or cancels."),
      field("excess_estimate", &KrylovSvd::excess_estimate,
            "Estimated excess of the Schatten-p error over the least one, relative; infinity if not estimated."),
      field("numerical_rank", &KrylovSvd::numerical_rank, "Number of the singular values that are above rounding."),
      field("products", &KrylovSvd::products, "Products of A and of A^T with one vector."),
      field("status", &KrylovSvd::status, "'converged', or 'max_iterations' if max_products came first."));
}

void bind_adaptive(nb::module_& m) {
  const BlockKrylovOptions defaults;
  m.def(
      "block_krylov",
      [](const OperatorLike& a, Index rank, double norm_exponent, double eps, double vector_tolerance, Index block,
         Index steps, Index max_products, Index max_bytes, bool closing_check, std::uint64_t seed) {
        const BlockKrylovOptions options{.rank = rank,
                                         .norm_exponent = norm_exponent,
                                         .eps = eps,
                                         .vector_tolerance = vector_tolerance,
                                         .block = block,
                                         .steps = steps,
                                         .max_products = max_products,
                                         .max_bytes = max_bytes,
                                         .closing_check = closing_check,
                                         .seed = seed};
        return with_rows_or_operator(
            a, [&](const auto& matrix) { return interruptible([&] { return block_krylov(matrix, options); }); });
      },
      "a"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "vector_tolerance"_a = defaults.vector_tolerance, "block"_a = defaults.block, "steps"_a = defaults.steps,
      "max_products"_a = defaults.max_products, "max_bytes"_a = defaults.max_bytes,
      "closing_check"_a = defaults.closing_check, "seed"_a = defaults.seed, kBlockKrylovDoc);
}

}  // namespace

void bind_block_krylov(nb::module_& m) {
  bind_krylov_svd(m);
  bind_adaptive(m);
}

}  // namespace loewner::python
