// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner::detail {

/// Rows of a matrix whose table entries are computed at a time.
inline constexpr Index kTableRows = 1 << 16;

/// The nonzeros of the columns of a sparse sign embedding, without their scale: `targets` entries per
/// column, each 2 * row + (1 if negative).
struct SignTable {
  Index targets = 0;
  std::vector<std::uint32_t> entries;

  const std::uint32_t* of(Index column) const { return entries.data() + column * targets; }
};

/// The entries of one column.
void fill_entries(const SparseSignEmbedding& s, Index column, std::span<std::uint32_t> entries);

/// A table of `count` columns, still without entries.
SignTable empty_table(const SparseSignEmbedding& s, Index count);

/// Writes the columns first_column ... first_column + count - 1 of S to the table, from position `first` on.
void fill_table(const SparseSignEmbedding& s, Index first_column, Index first, Index count, SignTable& table);

/// The table of all columns, in parallel.
SignTable whole_table(const SparseSignEmbedding& s);

}  // namespace loewner::detail
