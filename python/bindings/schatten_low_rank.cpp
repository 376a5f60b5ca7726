// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/schatten_low_rank.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "operators.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kSchattenPlanDoc = R"(The two Krylov spaces that `schatten_low_rank` uses.)";

constexpr const char* kSchattenPlanFunctionDoc = R"(Compute the block sizes and steps of `schatten_low_rank`.

Parameters
----------
size : int
    The smaller side of the matrix.
rank : int
    Number of vectors.
norm_exponent : float
    p of the Schatten norm, in [1, infinity].
eps : float
    Relative excess of the error, in (0, 1].
constant : float
    Factor c of the numbers of steps.

Returns
-------
SchattenPlan
    Block sizes, steps and the total number of products.

Raises
------
ValueError
    If an option is out of range.

Notes
-----
Small blocks of k + 2 vectors take c log(size / eps) p^(1/6) eps^(-1/3) steps; large blocks of
k p^(-1/3) eps^(-1/3) vectors take c log(size / eps) p^(1/2) steps [1]_.

References
----------
.. [1] A. Bakshi, K. L. Clarkson and D. P. Woodruff, "Low-rank approximation with 1/eps^(1/3)
   matrix-vector products", STOC 2022.

Examples
--------
>>> from loewner.linalg import schatten_plan
>>> schatten_plan(900, 3, eps=0.1).products
143
)";

constexpr const char* kSchattenLowRankDoc =
    R"(Find a low-rank approximation in a number of products that is known beforehand.

Solves the problem of `block_krylov` for any p in [1, infinity]. The number of products grows as
eps^(-1/3) for constant p.

Parameters
----------
a : array_like, sparse matrix or linear operator of shape (n, d)
    As in `block_krylov`.
rank : int
    Number of vectors, in [1, min(n, d)].
norm_exponent : float
    p of the Schatten norm, in [1, infinity].
eps : float
    Relative excess of the error, in (0, 1].
constant : float
    Factor of the numbers of steps; the theory leaves it open.
seed : int
    Seed of the random start vectors.

Returns
-------
KrylovSvd
    Singular vectors and values; `excess_estimate` is `eps`.

Raises
------
ValueError
    As in `block_krylov`.
TypeError
    As in `block_krylov`.

Notes
-----
Two block sizes, and the best approximation in the sum of both spaces [1]_. The error bound holds with
high probability over the seed for a large enough `constant`; the default is tested for p = 1, 2 and
infinity. Cost: ``schatten_plan(min(n, d), rank).products`` products, and 16 more if ||A||_F is not
known; memory 4 (n + d) bytes per product.

References
----------
.. [1] A. Bakshi, K. L. Clarkson and D. P. Woodruff, "Low-rank approximation with 1/eps^(1/3)
   matrix-vector products", STOC 2022.

Examples
--------
>>> import numpy as np
>>> from loewner.linalg import schatten_low_rank
>>> schatten_low_rank(np.diag(0.5 ** np.arange(30.0)), 2, norm_exponent=1).singular_values.round(6)
array([1. , 0.5])
)";

}  // namespace

void bind_schatten_low_rank(nb::module_& m) {
  const SchattenOptions defaults;
  auto plan = bind_result<SchattenPlan>(m, "SchattenPlan", kSchattenPlanDoc,
                                        field("small_block", &SchattenPlan::small_block, "Vectors of a small block."),
                                        field("many_steps", &SchattenPlan::many_steps, "Steps with small blocks."),
                                        field("large_block", &SchattenPlan::large_block, "Vectors of a large block."),
                                        field("few_steps", &SchattenPlan::few_steps, "Steps with large blocks."));
  plan.def_prop_ro("products", &SchattenPlan::products,
                   "Products with single vectors, at most: fewer if the spaces fill R^d.");
  m.def(
      "schatten_plan",
      [](Index size, Index rank, double norm_exponent, double eps, double constant) {
        return schatten_plan(size, {.rank = rank, .norm_exponent = norm_exponent, .eps = eps, .constant = constant});
      },
      "size"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "constant"_a = defaults.constant, kSchattenPlanFunctionDoc);
  m.def(
      "schatten_low_rank",
      [](const OperatorLike& a, Index rank, double norm_exponent, double eps, double constant, std::uint64_t seed) {
        const SchattenOptions options{
            .rank = rank, .norm_exponent = norm_exponent, .eps = eps, .constant = constant, .seed = seed};
        return with_operator(a, [&](const LinearOperator& matrix) {
          return interruptible([&] { return schatten_low_rank(matrix, options); });
        });
      },
      "a"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "constant"_a = defaults.constant, "seed"_a = defaults.seed, kSchattenLowRankDoc);
}

}  // namespace loewner::python
