// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner {

/// S A of a matrix whose rows arrive in blocks, in any order and in several places. The sketch is
/// linear: sketches of disjoint rows are added.
///
/// Shapes    A: n x d with n = embedding.cols(). Rows that never arrive are zeros, rows that arrive
///           twice are added.
/// Method    SparseSignEmbedding::accumulate of each block.
/// Cost      as SparseSignEmbedding::apply; memory m d doubles.
/// Accuracy  sums in float64. Blocks in ascending order give the same bits as the whole matrix;
///           other orders and merges differ by rounding.
/// Random    that of the embedding. The same bits for any number of threads.
/// Errors    InvalidArgument on rows outside [0, n), another number of columns, a non-finite entry
///           (nothing is added then), or a merge of sketches with different seeds or shapes.
class StreamedSketch {
 public:
  StreamedSketch(const SparseSignEmbedding& embedding, Index cols);

  void add_rows(Index first, const RowMatrix& rows);
  void merge(const StreamedSketch& other);
  Matrix<double> result() const;  ///< S A so far, m x d

 private:
  SparseSignEmbedding embedding_;
  Matrix<double> sums_;  // sqrt(s) S A
};

}  // namespace loewner
