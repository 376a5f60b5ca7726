// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct SketchedSvdOptions {
  Index rank = 0;     ///< k, in [1, min(n, d)]
  double eps = 1e-2;  ///< wanted relative excess of the error, > 0
  Index rows = 0;     ///< m of the sketch, in [2 k, n]; 0: sketch_rows_for(k, eps)
  Index steps = 0;    ///< q >= 1: exactly q steps of block_krylov on the sketch, and nobody looks at the error
  std::uint64_t seed = 0;
};

/// Rows of a sketch that the default asks for: 3 k / eps.
Index sketch_rows_for(Index rank, double eps);

/// Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F, B of rank k, in two
/// reads of a tall A where that is enough.
///
/// Shapes    a: n x d; result: u n x k, vt k x d.
/// Method    the leading right singular vectors of S A, S a sparse sign embedding of m rows with one entry per column
///           [ClarksonWoodruff2013] [CohenElderMuscoMuscoPersu2015]. They are taken when their error is within eps of
///           that of the best matrix of rank k for S A, which is below ||A - A_k||_F but for chance; else they are the
///           start of block_krylov. Where n < 4 m, and for sparse or float64 rows, block_krylov does all. With `steps`
///           the sketch's vectors are taken as so many steps leave them: most of the time goes into a convergence that
///           the bound needs, not the vectors.
/// Cost      n d additions for S A, 2 n d k flops for A V, and block_krylov of the m x d sketch; memory 8 m d and
///           16 (n + d) k bytes.
/// Accuracy  the excess is about k / (2 m), more where singular values behind sigma_k are close to it; excess_estimate
///           is some two to four times the true one, more for flat spectra. Products are in float32, but where that
///           would matter (as in block_krylov).
/// Random    S and the vectors depend on `seed` only; the same bits for any number of threads.
/// Errors    InvalidArgument on an option outside its range or a non-finite entry (row and column named).
/// `products` counts those with A alone.
KrylovSvd sketched_svd(const RowMatrix& a, const SketchedSvdOptions& options);

}  // namespace loewner
