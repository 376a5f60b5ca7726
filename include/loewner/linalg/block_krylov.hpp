// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct BlockKrylovOptions {
  Index rank = 0;            ///< k, in [1, min(n, d)]
  double norm_exponent = 2;  ///< p of the Schatten norm, in [1, infinity]
  double eps = 1e-2;         ///< requested relative excess of the error, > 0
  /// Requested ||A^T u - sigma v|| of all singular vectors, relative to sigma_1. 0: no request.
  double vector_tolerance = 0;
  /// Vectors per step. 0: 8, or 4 for k < 8, or 16 with float32 products.
  Index block = 0;
  /// 0: until the error settles; q >= 1: exactly q steps, which cost block (2 q + 1) products. The
  /// steps end early when the space is complete.
  Index steps = 0;
  /// Limit of products of A and of A^T with one vector. 0: 8 (min(n, d) + block + 2).
  Index max_products = 0;
  /// Memory of the bases. 0: 1 GiB, or more if the method needs more.
  Index max_bytes = 0;
  /// Starting vectors, one per row, in place of random ones.
  MatrixView<const double> start{};
  /// false: copies of a singular value beyond the block size stay undetected.
  bool closing_check = true;
  /// false: u stays empty, and squared singular values from float32 products have errors of some
  /// 1e-7 ||A||_F^2.
  bool left_vectors = true;
  std::uint64_t seed = 0;
};

/// A rank-k approximation U diag(singular_values) V^T = A V V^T.
struct KrylovSvd {
  Matrix<double> u;                     ///< n x k, orthonormal columns; empty without left_vectors
  std::vector<double> singular_values;  ///< k, descending, none above that of A
  Matrix<double> vt;                    ///< k x d, orthonormal rows
  double residual_norm = 0;             ///< ||A - A V V^T||_F; by 16 probes if ||A||_F is no help
  double excess_estimate = 0;           ///< relative, of the Schatten-p error; infinity if unknown
  Index numerical_rank = 0;             ///< number of singular values above rounding errors
  Index products = 0;                   ///< of A and of A^T with one vector
  Status status = Status::converged;    ///< or max_iterations if max_products was reached first
};

/// Finds V (d x k) with orthonormal columns and ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp
/// over B of rank k, from products with A and A^T only. ||.||_Sp is the l_p norm of the singular
/// values.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Units     any scale of A. If the first products show that later ones could leave the range of
///           the arithmetic, A is divided by a power of two, and that block is multiplied again.
/// Method    block Krylov space of A^T A from random vectors with full reorthogonalization and
///           Rayleigh-Ritz [MuscoMusco2015], in small blocks, which need the fewest products
///           [MeyerMuscoMusco2024]. The stopping rule extrapolates the gain of the last two
///           estimates and stops when the remaining gain is below eps in the Schatten norm. A
///           quarter of the block is held out: if these vectors add more than the others would have
///           found alone, the block is too small for the copies of a singular value, and random
///           vectors join it. Directions that break down are replaced by random ones. Over
///           max_bytes the method restarts from the leading 2 k Ritz vectors and the block
///           [WuSimon2000].
/// Cost      2 block products per step, which read a stored A once; in addition 8 block (n + d) m
///           flops for a basis of m vectors (8 block d m with float32 products) and 20 m^3 per
///           estimate of the error (after each step, less often in large spaces); memory 8 (n + d)
///           m bytes with m <= products / 2.
/// Accuracy  the stopping rule is a heuristic, tested against the LAPACK SVD over many seeds; see
///           schatten_low_rank for a guarantee. eps has no meaning for a best error below 1e-6
///           ||A||_F. Singular values are at most those of A, up to rounding.
/// Random    the random vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range. Also on a non-finite value: the
///           message names the entry of a stored matrix, or the row of a product. Also on more than
///           2^48 rows or columns, and if a singular value overflows float64.
KrylovSvd block_krylov(const LinearOperator& a, const BlockKrylovOptions& options);

/// The approximation above for a stored matrix, with float32 products where they suffice.
///
/// Shapes    as above.
/// Method    products are in float32, at twice the speed, for p = 2 without vector_tolerance, dense
///           float32 rows, and a residual with eps ||A - A V V^T||_F^2 >= 1e-5 ||A||_F^2. If the
///           last condition fails in the end, everything is computed again in float64.
/// Cost      as above; both attempts count as products.
/// Accuracy  as above.
/// Random    as above.
/// Errors    as above.
KrylovSvd block_krylov(const RowMatrix& a, const BlockKrylovOptions& options);

}  // namespace loewner
