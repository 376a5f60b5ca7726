// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/block_krylov.hpp"

namespace loewner {

struct SchattenOptions {
  Index rank = 0;            ///< k, in [1, min(n, d)]
  double norm_exponent = 2;  ///< p of the Schatten norm, in [1, infinity]
  double eps = 0.1;          ///< relative excess of the error, in (0, 1]
  double constant = 0.25;    ///< factor of the numbers of steps; the theory leaves it open
  std::uint64_t seed = 0;
};

/// The two Krylov spaces of schatten_low_rank: one of small blocks and many steps, one of large blocks and few.
struct SchattenPlan {
  Index small_block = 0, many_steps = 0;
  Index large_block = 0, few_steps = 0;

  /// Products with single vectors, unless the spaces fill R^d before.
  Index products() const { return small_block * (2 * many_steps + 1) + large_block * (3 * few_steps + 1); }
};

/// The block sizes and steps for a matrix whose smaller side is `size`:
///
///   small block k + 2,                      steps c log(size / eps) p^(1/6) eps^(-1/3)
///   large block k p^(-1/3) eps^(-1/3),      steps c log(size / eps) p^(1/2)
///
/// with p no larger than log(size) / eps, beyond which S_p is S_infinity within 1 + eps.
SchattenPlan schatten_plan(Index size, const SchattenOptions& options);

/// Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp, B of rank k, for
/// any p in [1, infinity], in a number of products that is fixed beforehand and grows as eps^(-1/3) for constant p.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Method    two block sizes [BakshiClarksonWoodruff2022]: where the singular values behind sigma_k fall slowly, many
///           steps of small blocks are near enough, and where they fall fast, few steps of large blocks converge. The
///           result is the best of the sum of both spaces (Rayleigh-Ritz): for p = 2 never worse than either, so no
///           test has to tell which case holds. The vectors of the large blocks are multiplied once more for it.
/// Cost      schatten_plan().products() and 16 more where ||A||_F is not known; memory 4 (n + d) bytes per product.
/// Accuracy  with high probability over the seed, for a large enough constant; the default one is tested for p = 1, 2,
///           infinity. residual_norm is as in block_krylov; excess_estimate is eps.
/// Random    the random vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range, or on what is not finite: an entry of a stored matrix,
///           else a row of a product, is named.
KrylovSvd schatten_low_rank(const LinearOperator& a, const SchattenOptions& options);

}  // namespace loewner
