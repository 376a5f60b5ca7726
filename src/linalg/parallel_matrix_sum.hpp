// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {

/// A rows x cols matrix, the sum over the blocks of the terms that add(block, sum) adds to `sum`, in parallel.
///
/// Method    lane l adds the blocks l, l + lanes, ... to a partial sum, then the lanes are added in order. The number
///           of lanes depends on the blocks and the size of the matrix only (at most 256 MiB in total).
/// Random    none; the same bits for any number of threads.
template <typename Add>
Matrix<double> parallel_matrix_sum(Index blocks, Index rows, Index cols, Add&& add) {
  const Index most = std::clamp<Index>((Index{1} << 25) / std::max<Index>(1, rows * cols), 1, 8);
  const Index lanes = std::clamp<Index>(blocks, 1, most);
  std::vector<Matrix<double>> sums(lanes);
  for (auto& sum : sums) sum = Matrix<double>(rows, cols);
  parallel_for(lanes, [&](Index lane) {
    for (Index block = lane; block < blocks; block += lanes) add(block, sums[lane].view());
  });
  for (Index lane = 1; lane < lanes; ++lane) {
    for (Index i = 0; i < rows * cols; ++i) sums[0].data()[i] += sums[lane].data()[i];
  }
  return std::move(sums[0]);
}

}  // namespace loewner::detail
