// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct SketchedSvdOptions {
  Index rank = 0;     ///< k, in [1, min(n, d)]
  double eps = 1e-2;  ///< requested relative excess of the error, > 0
  Index rows = 0;     ///< m of the sketch, in [2 k, n]; 0: sketch_rows_for(k, eps)
  Index steps = 0;    ///< 0: until the error settles; q: q steps on the sketch, error not checked
  std::uint64_t seed = 0;
};

/// The default number of rows of the sketch: 3 k / eps.
///
/// Errors    none.
Index sketch_rows_for(Index rank, double eps);

/// Finds V (d x k) with orthonormal columns and ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F
/// over B of rank k, with two reads of a tall A if they suffice.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Units     any scale of A. If ||A||_F, which is summed with the sketch, is far from 1, the sketch
///           is computed again from A divided by a power of two.
/// Method    the leading right singular vectors of S A for a sparse sign embedding S of m rows with
///           one entry per column [ClarksonWoodruff2013, CohenElderMuscoMuscoPersu2015]. They are
///           the result if their error is within eps of the error of the best rank-k matrix for S
///           A, which is at most ||A - A_k||_F up to its variance; otherwise block_krylov starts
///           from them. block_krylov alone handles n < 4 m, sparse rows and float64 rows. `steps`
///           fixes the steps of block_krylov on the sketch: most of the time is spent on
///           convergence that the bound needs and the vectors do not.
/// Cost      n d additions for S A, 2 n d k flops for A V, and block_krylov of the m x d sketch;
///           memory 8 m d and 16 (n + d) k bytes.
/// Accuracy  the excess is about k / (2 m), more if singular values behind sigma_k are close to it.
///           excess_estimate is an estimate with a margin, not a bound: some two to four times the
///           true excess, more for flat spectra, and infinity with `steps`. It was below the true
///           excess, itself within eps, for 2 of 432 inputs and seeds. Products are in float32
///           under the conditions of block_krylov. `products` counts products with A only.
/// Random    S and the vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range or a non-finite entry (row and column
///           named).
KrylovSvd sketched_svd(const RowMatrix& a, const SketchedSvdOptions& options);

}  // namespace loewner
