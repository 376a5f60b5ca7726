// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace loewner {

/// The type of all sizes and indices: signed and 64-bit, so that differences are safe.
using Index = std::int64_t;

/// a * b, or nothing when a factor is negative or the product overflows. Every size that a file or
/// a caller states passes through this function or checked_sum.
///
/// Errors    none.
inline std::optional<Index> checked_product(Index a, Index b) {
  Index product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// a + b, or nothing when a term is negative or the sum overflows.
///
/// Errors    none.
inline std::optional<Index> checked_sum(Index a, Index b) {
  Index sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

}  // namespace loewner
