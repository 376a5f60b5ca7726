// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/block_krylov.hpp"

namespace loewner {

struct SchattenOptions {
  Index rank = 0;            ///< k, in [1, min(n, d)]
  double norm_exponent = 2;  ///< p of the Schatten norm, in [1, infinity]
  double eps = 0.1;          ///< relative excess of the error, in (0, 1]
  double constant = 0.25;    ///< c, a factor of the numbers of steps, which the theory leaves open
  std::uint64_t seed = 0;
};

/// The two Krylov spaces of schatten_low_rank: small blocks with many steps, large blocks with few.
struct SchattenPlan {
  Index small_block = 0, many_steps = 0;
  Index large_block = 0, few_steps = 0;

  /// The number of products with single vectors, unless a space fills R^d earlier.
  Index products() const { return small_block * (2 * many_steps + 1) + large_block * (3 * few_steps + 1); }
};

/// The block sizes and steps of schatten_low_rank for a matrix with the smaller side `size`:
///
///   small block k + 2,                      steps c log(size / eps) p^(1/6) eps^(-1/3)
///   large block k p^(-1/3) eps^(-1/3),      steps c log(size / eps) p^(1/2)
///
/// with p at most log(size) / eps: for larger p, S_p equals S_infinity within a factor 1 + eps.
///
/// Errors    InvalidArgument on an option outside its range, or a size above 2^40.
SchattenPlan schatten_plan(Index size, const SchattenOptions& options);

/// Finds V (d x k) with orthonormal columns and ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp
/// over B of rank k, for any p in [1, infinity]. The number of products is fixed in advance and
/// grows as eps^(-1/3) for constant p.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Method    two Krylov spaces [BakshiClarksonWoodruff2022]: small blocks with many steps suffice
///           if the singular values behind sigma_k decay slowly, large blocks with few steps if
///           they decay fast. Rayleigh-Ritz on the sum of both spaces gives the result: for p = 2
///           it is never worse than either space, so no test has to decide between the cases. For
///           it the vectors of the large blocks are multiplied once more.
/// Cost      schatten_plan().products() and 16 more if ||A||_F is unknown; memory 4 (n + d) bytes
///           per product.
/// Accuracy  with high probability over the seed for a large enough constant; the default is tested
///           for p = 1, 2, infinity. residual_norm as in block_krylov; excess_estimate is eps.
/// Random    the random vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range. Also on a non-finite value: the
///           message names the entry of a stored matrix, or the row of a product.
KrylovSvd schatten_low_rank(const LinearOperator& a, const SchattenOptions& options);

}  // namespace loewner
