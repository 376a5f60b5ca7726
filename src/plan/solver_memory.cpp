// SPDX-License-Identifier: Apache-2.0
#include "plan/solver_memory.hpp"

#include <algorithm>

#include "loewner/linalg/gram.hpp"

namespace loewner {

Index pass_memory(Index) {
  return Index{1} << 27;
}

// Counts of d x d float64 matrices, measured at d = 2048 and 4096
// (bench/experiments/large_checkpoint.py): the partial sums of the Gram matrix, then the
// eigenproblem with its workspace and the bases.
Index svd_memory(Index cols) {
  const Index matrix = cols * cols * Index{sizeof(double)};
  return std::max(gram_bytes(cols), 3 * matrix) + 2 * matrix + pass_memory(cols);
}

}  // namespace loewner
