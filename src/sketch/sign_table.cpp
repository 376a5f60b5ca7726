// SPDX-License-Identifier: Apache-2.0
#include "sketch/sign_table.hpp"

#include <algorithm>
#include <string>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"

namespace loewner::detail {
namespace {

constexpr Index kMostEntries = Index{1} << 48;

}  // namespace

// 31 bits of each word give the row in the block, by multiplication (bias below height / 2^31), and one the sign.
void fill_entries(const SparseSignEmbedding& s, Index column, std::span<std::uint32_t> entries) {
  RandomStream(s.seed(), RandomPurpose::sketch, static_cast<std::uint64_t>(column)).next_words(entries);
  const auto blocks = static_cast<std::uint64_t>(s.nonzeros()), rows = static_cast<std::uint64_t>(s.rows());
  for (std::uint64_t b = 0; b < blocks; ++b) {
    const std::uint64_t start = b * rows / blocks, height = (b + 1) * rows / blocks - start;
    const std::uint64_t place = start + (((entries[b] >> 1) * height) >> 31);
    entries[b] = static_cast<std::uint32_t>(2 * place + (entries[b] & 1));
  }
}

SignTable empty_table(const SparseSignEmbedding& s, Index count) {
  const auto entries = checked_product(count, s.nonzeros());
  require(entries && *entries < kMostEntries, [&] {
    return "SparseSignEmbedding: nonzeros times columns must be below 2^48, got " + std::to_string(s.nonzeros()) +
           " in each of " + std::to_string(count);
  });
  return {s.nonzeros(), std::vector<std::uint32_t>(static_cast<std::size_t>(*entries))};
}

void fill_table(const SparseSignEmbedding& s, Index first_column, Index first, Index count, SignTable& table) {
  for (Index j = 0; j < count; ++j) {
    fill_entries(s, first_column + j,
                 {table.entries.data() + (first + j) * table.targets, static_cast<std::size_t>(table.targets)});
  }
}

SignTable whole_table(const SparseSignEmbedding& s) {
  SignTable table = empty_table(s, s.cols());
  parallel_for((s.cols() + kTableRows - 1) / kTableRows, [&](Index part) {
    const Index first = part * kTableRows;
    fill_table(s, first, first, std::min(kTableRows, s.cols() - first), table);
  });
  return table;
}

}  // namespace loewner::detail
