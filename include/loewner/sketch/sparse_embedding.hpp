// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/csc_matrix.hpp"
#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// The shape of an embedding: m rows and s nonzeros in every column.
struct EmbeddingShape {
  Index rows = 0;
  Index nonzeros = 0;
};

/// The number s of nonzeros for an embedding of d dimensions in m rows: 8 for m < 4 d, otherwise 4,
/// and at most m. Fewer fail on coherent subspaces, which lie close to coordinate axes.
///
/// Errors    none.
Index default_nonzeros(Index rows, Index dimension);

/// The shape for singular values in [1 - eps, 1 + eps] on a d-dimensional subspace: m = (1 + theta)
/// d / eps^2 rows, the optimal number up to theta, and s = max(8, 4 / eps) nonzeros.
///
/// Shapes    dimension: d; distortion: eps; slack: theta.
/// Method    [ChenakkodDerezinskiDongRudelson2024].
/// Accuracy  for dense Gaussian S any theta > 0 suffices as d grows. For d >= 32, eps in [1/8, 3/4]
///           and the default theta, less than 1 % of the seeds fail on coherent and incoherent
///           subspaces (test Embedding.KeepsTheOptimalDimensionClaim).
/// Errors    InvalidArgument unless dimension >= 1, 0 < distortion < 1 and slack > 0.
EmbeddingShape embedding_for_distortion(Index dimension, double distortion, double slack = 0.5);

/// A random m x n matrix S with E(S^T S) = I and ||S x|| close to ||x|| on every fixed subspace of
/// a dimension well below m: the m rows are cut into s blocks, and each column has one entry
/// +-1/sqrt(s) in each block, at a random position.
///
/// Shapes    apply takes A with n rows, apply_right A with n columns; the other dimension is free.
/// Method    block OSNAP [NelsonNguyen2013] at the optimal dimension
///           [ChenakkodDerezinskiDongRudelson2024]. Positions and signs are recomputed from
///           counters on demand; nothing of size n is stored.
/// Cost      s nnz(A) additions. apply: parallel over tiles of columns or, for m > 4096, over rows
///           of the result (dense; reads A once), or one task per block (sparse; reads A s times,
///           at most s threads); memory m d doubles and 8 row blocks.
/// Accuracy  sums in float64, except in apply_single. Singular values on a d-dimensional subspace
///           lie close to 1 +- sqrt(d/m), those of a Gaussian matrix, from s = 8 at m = 2 d and s =
///           4 at m = 4 d on (statistical tests). s = 1 can be singular at any m below d^2.
/// Random    S depends on (seed, m, s) and the column only, not on n. The same bits for any number
///           of threads.
/// Errors    constructor: InvalidArgument unless 1 <= s <= m < 2^31 and n >= 0. Products:
///           InvalidArgument when shapes do not fit, on a non-finite entry (row and column named)
///           or when a sum overflows.
class SparseSignEmbedding {
 public:
  SparseSignEmbedding(Index rows, Index cols, Index nonzeros, std::uint64_t seed);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index nonzeros() const { return nonzeros_; }  ///< per column
  std::uint64_t seed() const { return seed_; }

  Matrix<double> apply(const RowMatrix& a) const;             ///< S A (m x d) for A n x d
  Matrix<float> apply_single(const RowSource& a) const;       ///< S A summed in float32, faster
  Matrix<double> apply_right(const RowMatrix& a) const;       ///< A S^T (k x m) for A k x n
  Matrix<double> apply(const LinearOperator& a) const;        ///< S A by m products with A^T
  Matrix<double> apply_right(const LinearOperator& a) const;  ///< A S^T by m products with A

  /// out = S e_j; out: m values.
  void apply_column(Index j, std::span<double> out) const;
  CscMatrix to_csc() const;  ///< all of S

  /// The s nonzeros of S e_j: their rows, ascending, and values.
  void column_entries(Index j, std::span<std::int32_t> rows, std::span<double> values) const;

  /// Adds sqrt(s) S' A to `sums` (m x d), where A has the rows first, first + 1, ... of a taller
  /// matrix and S' the columns first, first + 1, ... of S. Does not check for non-finite entries.
  void accumulate(Index first, const RowMatrix& a, MatrixView<double> sums) const;
  double scale() const;  ///< 1/sqrt(s)

 private:
  Index rows_, cols_, nonzeros_;
  std::uint64_t seed_;
};

}  // namespace loewner
