// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

inline constexpr int kTrellisStates = 256, kSubsets = 4;

// Parity checks of the 256-state code for one-dimensional signals (octal 515 and 362) of
// [Ungerboeck1987], with the newest bit lowest.
inline constexpr unsigned kHighParity = 0515, kLowParity = 0362;

/// The subset of an entry: its two parities of a window of nine bits.
constexpr int subset_of(unsigned window) {
  return 2 * (std::popcount(window & kHighParity) % 2) + std::popcount(window & kLowParity) % 2;
}

/// The Viterbi algorithm: the path through the trellis whose subsets cost least. An entry adds one
/// bit to a path, and the state is the last eight bits; before the first entry they are 0.
class TrellisPaths {
 public:
  /// For paths of at most this many entries.
  explicit TrellisPaths(Index most_entries);

  /// Forgets all entries.
  void begin();

  /// Continues all paths by some entries. costs: four numbers for each, one for each subset.
  void extend(std::span<const float> costs);

  Index entries() const { return entries_; }

  /// Calls body(entry, subset, newest bit) along the cheapest path, from the last entry to the first.
  template <typename Body>
  void for_each_backwards(Body&& body) const {
    unsigned state = cheapest_state();
    for (Index t = entries_ - 1; t >= 0; --t) {
      const bool old = decisions_[t * kTrellisStates + state] != 0;
      const unsigned window = state | (old ? kTrellisStates : 0);
      body(t, subset_of(window), state & 1u);
      state = window >> 1;
    }
  }

 private:
  unsigned cheapest_state() const;

  Index entries_ = 0;
  std::array<float, kTrellisStates> cost_{};
  std::vector<std::uint8_t>
      decisions_;  // entries x states: 1 if the best path comes from the state with the oldest bit
};

}  // namespace loewner::detail
