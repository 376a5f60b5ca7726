// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/vector_pieces.hpp"
#include "loewner/base/parallel.hpp"

// Loops over the rows of tall matrices. Sums run over pieces of a fixed number of rows, so that
// they have the same bits for any number of threads.
namespace loewner::detail {

/// body(row) for every row, in parallel. Short bodies need more rows per task.
template <typename Body>
void for_each_row(Index rows, Body&& body, Index rows_per_task = kPiece) {
  parallel_for((rows + rows_per_task - 1) / rows_per_task, [&](Index task) {
    const Index end = std::min(rows, (task + 1) * rows_per_task);
    for (Index i = task * rows_per_task; i < end; ++i) body(i);
  });
}

/// The sum over the pieces of what add(first row, number of rows, sum) adds to a matrix, in
/// parallel.
template <typename Add>
Matrix<double> sum_over_pieces(Index rows, Index result_rows, Index result_cols, Add&& add) {
  return parallel_matrix_sum(num_pieces(rows), result_rows, result_cols, [&](Index piece, MatrixView<double> sum) {
    add(piece * kPiece, length_of_piece(piece, rows), sum);
  });
}

}  // namespace loewner::detail
