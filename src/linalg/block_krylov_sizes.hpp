// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/linalg/block_krylov.hpp"

// The options of block_krylov: their checks, and the sizes that follow from them.
namespace loewner::detail {

inline constexpr const char* kBlockKrylov = "block_krylov";

struct BlockKrylovSizes {
  Index block = 0;         ///< vectors per step
  Index fresh = 0;         ///< held-out vectors of the block, or new vectors of a check
  Index max_products = 0;  ///< with single vectors
  Index capacity = 0;      ///< vectors of the basis
};

/// Throws InvalidArgument on an option outside its range.
void require_usable(const LinearOperator& a, const BlockKrylovOptions& options);

/// is_single: products are in float32. Throws InvalidArgument if the limits of memory, steps or products are too
/// small for the rank.
BlockKrylovSizes block_krylov_sizes(const LinearOperator& a, const BlockKrylovOptions& options, bool is_single);

}  // namespace loewner::detail
