// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/checked_size.hpp"

// Operations on rows of float32 that give the same bits on every processor.
namespace loewner::detail {

/// Begins to bring a row into the cache. The processor foresees steps within a row, not those from row to row.
inline void fetch(std::span<const float> row) {
  constexpr std::size_t kCacheLine = 64;
  for (std::size_t i = 0; i < row.size(); i += kCacheLine / sizeof(float)) __builtin_prefetch(row.data() + i);
}

/// x += factor y, `count` entries.
void add_multiple(float* x, float factor, const float* y, Index count);

/// <x, y>, and the sum of x, in float64.
float dot(std::span<const float> x, std::span<const float> y);
float sum(std::span<const float> x);

}  // namespace loewner::detail
