// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/schatten_low_rank.hpp"
#include "operators.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

void bind_krylov_svd(nb::module_& m) {
  nb::class_<KrylovSvd> result(m, "KrylovSvd", "A rank-k approximation (u * singular_values) @ vt = A V V^T.");
  def_array(result, "u", &KrylovSvd::u, "n x k, orthonormal columns");
  def_array(result, "singular_values", &KrylovSvd::singular_values, "k, descending; none above that of A");
  def_array(result, "vt", &KrylovSvd::vt, "k x d, orthonormal rows");
  result
      .def_ro("residual_norm", &KrylovSvd::residual_norm,
              "||A - A V V^T||_F; where ||A||_F is not known or leaves no digits, from 16 probes")
      .def_ro("excess_estimate", &KrylovSvd::excess_estimate,
              "of the Schatten-p error over the best one, relative; infinite where nobody looked")
      .def_ro("numerical_rank", &KrylovSvd::numerical_rank, "how many of the k singular values are above rounding")
      .def_ro("products", &KrylovSvd::products, "of A and of A^T with one vector")
      .def_ro("status", &KrylovSvd::status, "converged, or max_iterations when max_products came first");
}

void bind_adaptive(nb::module_& m) {
  const BlockKrylovOptions defaults;
  m.def(
      "block_krylov",
      [](const OperatorArg& a, Index rank, double norm_exponent, double eps, double vector_tolerance, Index block,
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
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "vector_tolerance"_a = defaults.vector_tolerance, "block"_a = defaults.block, "steps"_a = defaults.steps,
      "max_products"_a = defaults.max_products, "max_bytes"_a = defaults.max_bytes,
      "closing_check"_a = defaults.closing_check, "seed"_a = defaults.seed,
      "Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp, B of rank k,\n"
      "from products with A and A^T only; ||.||_Sp is the l_p norm of the singular values.\n\n"
      "Shapes    a: n x d, an array of float16, float32 or float64 (not copied), SparseRows, a scipy.sparse matrix, "
      "or\n"
      "          whatever has shape, matmat and rmatmat, as scipy.sparse.linalg.LinearOperator has: these get and "
      "give\n"
      "          float64 arrays of some columns. Result: u n x k, vt k x d.\n"
      "Units     eps: excess of the error over the best one, relative. vector_tolerance: also wanted of every vector,\n"
      "          ||A^T u - sigma v|| <= vector_tolerance sigma_1; 0: not asked.\n"
      "Method    block Krylov space of A^T A with full re-orthogonalisation and Rayleigh-Ritz [MuscoMusco2015], "
      "`block`\n"
      "          vectors a step (0: 8, 4 for k < 8, 16 for float32 products). It stops when what is left to gain is\n"
      "          worth less than eps, and so is what a quarter of the block adds to the others (closing_check).\n"
      "          steps = q > 0: exactly q steps.\n"
      "Cost      2 `block` products per step, which read an array once; 8 block (n + d) m flops beside them for a "
      "basis\n"
      "          of m vectors; memory 8 (n + d) m bytes, m <= products / 2, at most max_bytes (0: 1 GiB), beyond "
      "which\n"
      "          it restarts. max_products: 0 for 8 (min(n, d) + block + 2).\n"
      "Accuracy  a heuristic stop, tested against the SVD over many seeds; schatten_low_rank has a guarantee. Where "
      "the\n"
      "          best error is below 1e-6 ||A||_F, eps has no meaning.\n"
      "Random    the same bits for the same seed and any number of threads.\n"
      "Errors    ValueError on an option outside its range, an entry or a product that is not finite (row and column "
      "or\n"
      "          row are named), or a product of the wrong shape. What matmat or rmatmat raises passes unchanged.");
}

void bind_two_block_sizes(nb::module_& m) {
  const SchattenOptions defaults;
  nb::class_<SchattenPlan>(m, "SchattenPlan",
                           "The two Krylov spaces of schatten_low_rank: one of small blocks and many steps, one of "
                           "large blocks and few.")
      .def_ro("small_block", &SchattenPlan::small_block)
      .def_ro("many_steps", &SchattenPlan::many_steps)
      .def_ro("large_block", &SchattenPlan::large_block)
      .def_ro("few_steps", &SchattenPlan::few_steps)
      .def_prop_ro("products", &SchattenPlan::products, "with single vectors, unless the spaces fill R^d before");
  m.def(
      "schatten_plan",
      [](Index size, Index rank, double norm_exponent, double eps, double constant) {
        return schatten_plan(size, {.rank = rank, .norm_exponent = norm_exponent, .eps = eps, .constant = constant});
      },
      "size"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "constant"_a = defaults.constant,
      "What schatten_low_rank will do with a matrix whose smaller side is `size`: blocks of k + 2 vectors for\n"
      "c log(size / eps) p^(1/6) eps^(-1/3) steps, and of k p^(-1/3) eps^(-1/3) for c log(size / eps) p^(1/2).");
  m.def(
      "schatten_low_rank",
      [](const OperatorArg& a, Index rank, double norm_exponent, double eps, double constant, std::uint64_t seed) {
        const SchattenOptions options{
            .rank = rank, .norm_exponent = norm_exponent, .eps = eps, .constant = constant, .seed = seed};
        return with_operator(a, [&](const LinearOperator& matrix) {
          return interruptible([&] { return schatten_low_rank(matrix, options); });
        });
      },
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "eps"_a = defaults.eps,
      "constant"_a = defaults.constant, "seed"_a = defaults.seed,
      "Finds what block_krylov does, for any p in [1, infinity], in a number of products that is fixed beforehand and\n"
      "grows as eps^(-1/3) for constant p.\n\n"
      "Shapes    as in block_krylov; eps in (0, 1].\n"
      "Method    two block sizes, and the best of the sum of both spaces [BakshiClarksonWoodruff2022].\n"
      "Cost      schatten_plan(min(n, d), rank, ...).products, and 16 more where ||A||_F is not known; memory 4 (n + "
      "d)\n"
      "          bytes per product.\n"
      "Accuracy  with high probability over the seed, for a large enough constant; the default one is tested for p = "
      "1,\n"
      "          2, infinity. excess_estimate is eps.\n"
      "Random    the same bits for the same seed and any number of threads.\n"
      "Errors    as in block_krylov.");
}

}  // namespace

void bind_block_krylov(nb::module_& m) {
  bind_krylov_svd(m);
  bind_adaptive(m);
  bind_two_block_sizes(m);
}

}  // namespace loewner::python
