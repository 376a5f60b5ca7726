// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/linear_operator.hpp"

namespace loewner {

struct BlockKrylovOptions {
  Index rank = 0;               ///< k, in [1, min(n, d)]
  double norm_exponent = 2;     ///< p of the Schatten norm, in [1, infinity]
  double eps = 1e-2;            ///< wanted relative excess of the error, > 0
  double vector_tolerance = 0;  ///< also wanted of every vector: ||A^T u - sigma v|| <= tolerance sigma_1; 0: not asked
  Index block = 0;              ///< vectors per step; 0: 8, or 4 for k < 8, or 16 for float32 products
  Index steps = 0;              ///< 0: until the error settles; q >= 1: exactly q steps, block (2 q + 1) products
  Index max_products = 0;       ///< products of A and of A^T with one vector; 0: 8 (min(n, d) + block + 2)
  Index max_bytes = 0;          ///< memory of the bases; 0: 1 GiB, or what is needed if that is more
  MatrixView<const double> start{};  ///< vectors to start from (one per row, all go on) in place of random ones
  bool closing_check = true;         ///< without it, repeated singular values beyond the block size stay undetected
  bool left_vectors = true;          ///< false: u stays empty, and of float32 products the squares of the values are
                                     ///< right to some 1e-7 ||A||_F^2
  std::uint64_t seed = 0;
};

/// A rank-k approximation U diag(singular_values) V^T = A V V^T.
struct KrylovSvd {
  Matrix<double> u;                     // n x k, orthonormal columns; empty where nobody asked for it
  std::vector<double> singular_values;  // k, descending; none above that of A
  Matrix<double> vt;                    // k x d, orthonormal rows
  double residual_norm = 0;    ///< ||A - A V V^T||_F; where ||A||_F is not known or leaves no digits, from 16 probes
  double excess_estimate = 0;  ///< of the Schatten-p error over the best one, relative; infinite where nobody looked
  Index numerical_rank = 0;    ///< how many of the k singular values are above rounding
  Index products = 0;          ///< of A and of A^T with one vector
  Status status = Status::converged;  ///< converged, or max_iterations when max_products came first
};

/// Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp, B of rank k, from
/// products with A and A^T only; ||.||_Sp is the l_p norm of the singular values.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Method    block Krylov space of A^T A from random vectors with full re-orthogonalisation and Rayleigh-Ritz
///           [MuscoMusco2015], in small blocks, which need the fewest products [MeyerMuscoMusco2024]. Directions that
///           break down are replaced by random ones. It stops when what is left to gain, by the gain of the last two
///           looks, is worth less than eps in the Schatten norm, and so is what a quarter of the block adds to what the
///           others would have found alone: where a block is too small for the copies of a singular value, that stays,
///           and random vectors join it. Over max_bytes it restarts from the leading 2 k Ritz vectors and the block
///           [WuSimon2000].
/// Cost      2 block products per step, which read a stored A once; 8 block (n + d) m flops beside them for a basis of
///           m vectors (8 block d m with float32 products), 20 m^3 per look at the error (after each step, in large
///           spaces less often); memory 8 (n + d) m bytes, m <= products / 2.
/// Accuracy  a heuristic stop, tested against the LAPACK SVD over many seeds; for a guarantee, see
///           schatten_low_rank. Where the best error is below 1e-6 ||A||_F, eps has no meaning. Singular values are at
///           most those of A, up to rounding.
/// Random    the random vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range, or on what is not finite: an entry of a stored matrix,
///           else a row of a product, is named.
KrylovSvd block_krylov(const LinearOperator& a, const BlockKrylovOptions& options);

/// The same for a stored matrix. Products are in float32 where that cannot matter, at twice the speed: p = 2, no
/// vector_tolerance, dense rows of at most 24 bits, and a residual with  eps ||A - A V V^T||_F^2 >= 1e-5 ||A||_F^2;
/// where the last shows itself to be broken, all is done again in float64.
KrylovSvd block_krylov(const RowMatrix& a, const BlockKrylovOptions& options);

}  // namespace loewner
