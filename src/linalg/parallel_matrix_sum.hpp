// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {

/// sum over the blocks of what add(block, sum) adds to a rows x cols matrix, in parallel.
///
/// Lane l adds the blocks l, l + lanes, ... to a matrix of its own, and the lanes are added in order. Their number
/// depends on the blocks and the size of the matrix only (256 MiB of lanes at most), so the result does not depend on
/// the number of threads.
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
