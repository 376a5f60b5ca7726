// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/linalg/row_matrix.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner::detail {

/// sums += sqrt(s) S' A for the columns S' = S_first, S_first+1, ... that meet the rows of A, in parallel.
/// Entries are not checked. The blocks are added in order: the same bits for any number of threads.
void accumulate_rows(const SparseSignEmbedding& s, Index first, const RowMatrix& a, MatrixView<double> sums);

/// sums += sqrt(s) S A, summed in float32.
void accumulate_rows_single(const SparseSignEmbedding& s, const RowSource& a, MatrixView<float> sums);

}  // namespace loewner::detail
