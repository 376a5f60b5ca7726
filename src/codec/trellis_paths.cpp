// SPDX-License-Identifier: Apache-2.0
#include "codec/trellis_paths.hpp"

#include <algorithm>
#include <cstring>

#include "base/dispatch.hpp"
#include "base/vector8.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace {

// The subset for state q followed by the bit 0. The other three branches of a butterfly follow from
// it, because a flip of the newest or of the oldest bit flips the high parity.
constexpr std::array<std::int32_t, kTrellisStates / 2> kFirstSubsets = [] {
  std::array<std::int32_t, kTrellisStates / 2> subsets{};
  for (unsigned q = 0; q < kTrellisStates / 2; ++q) subsets[q] = subset_of(2 * q);
  return subsets;
}();

static_assert((kHighParity & 1) != 0 && (kHighParity & kTrellisStates) != 0 && (kLowParity & 1) == 0 &&
              (kLowParity & kTrellisStates) == 0);

// One step of the Viterbi algorithm. cost[s] is the cost of the best path to state s, and
// `distance` has the costs of the four subsets. decision[s] is 1 if the path comes from the state
// with the oldest bit set. The states 2 q and 2 q + 1 come from q and q + 128.
LOEWNER_INLINE void step(const float* cost, const float* distance, float* next, std::uint8_t* decision) {
  const Float8 distances = {distance[0], distance[1], distance[2], distance[3],
                            distance[0], distance[1], distance[2], distance[3]};
  for (Index q = 0; q < kTrellisStates / 2; q += 8) {
    Int8 subset;
    std::memcpy(&subset, kFirstSubsets.data() + q, sizeof(subset));
    const Float8 same = permute8(distances, subset), flipped = permute8(distances, subset ^ 2);
    const Float8 young = load8(cost + q), old = load8(cost + q + kTrellisStates / 2);
    const Float8 even_young = young + same, even_old = old + flipped;
    const Float8 odd_young = young + flipped, odd_old = old + same;
    const Int8 even = even_old < even_young, odd = odd_old < odd_young;
    const Float8 even_cost = even ? even_old : even_young, odd_cost = odd ? odd_old : odd_young;
    store8(next + 2 * q, __builtin_shufflevector(even_cost, odd_cost, 0, 8, 1, 9, 2, 10, 3, 11));
    store8(next + 2 * q + 8, __builtin_shufflevector(even_cost, odd_cost, 4, 12, 5, 13, 6, 14, 7, 15));
    const Byte8 low = __builtin_convertvector(__builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), Byte8);
    const Byte8 high = __builtin_convertvector(__builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), Byte8);
    std::memcpy(decision + 2 * q, &low, sizeof(low));
    std::memcpy(decision + 2 * q + 8, &high, sizeof(high));
  }
}

// From time to time the minimum is subtracted from all costs, so that long vectors lose no digits.
LOEWNER_INLINE void rebase(float* cost) {
  float least = cost[0];
  for (int s = 1; s < kTrellisStates; ++s) least = cost[s] < least ? cost[s] : least;
  for (int s = 0; s < kTrellisStates; ++s) cost[s] -= least;
}

LOEWNER_INLINE void extend_paths_body(const float* distances, Index count, std::uint8_t* decisions, float* cost) {
  alignas(32) std::array<float, kTrellisStates> a, b;
  std::copy(cost, cost + kTrellisStates, a.data());
  float *now = a.data(), *next = b.data();
  for (Index t = 0; t < count; ++t) {
    step(now, distances + kSubsets * t, next, decisions + kTrellisStates * t);
    std::swap(now, next);
    if (t % 128 == 127) rebase(now);
  }
  std::copy(now, now + kTrellisStates, cost);
}

}  // namespace

LOEWNER_DISPATCH(extend_paths, (const float* distances, Index count, std::uint8_t* decisions, float* cost),
                 (distances, count, decisions, cost))

TrellisPaths::TrellisPaths(Index most_entries) : decisions_(static_cast<std::size_t>(most_entries * kTrellisStates)) {
  begin();
}

void TrellisPaths::begin() {
  entries_ = 0;
  cost_.fill(1e30F);
  cost_[0] = 0;
}

void TrellisPaths::extend(std::span<const float> costs) {
  const auto count = static_cast<Index>(costs.size()) / kSubsets;
  LOEWNER_ASSERT((entries_ + count) * kTrellisStates <= static_cast<Index>(decisions_.size()));
  if (entries_ > 0) rebase(cost_.data());
  extend_paths(costs.data(), count, decisions_.data() + entries_ * kTrellisStates, cost_.data());
  entries_ += count;
}

unsigned TrellisPaths::cheapest_state() const {
  return static_cast<unsigned>(std::ranges::min_element(cost_) - cost_.begin());
}

}  // namespace loewner::detail
