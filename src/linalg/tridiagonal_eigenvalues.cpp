// SPDX-License-Identifier: Apache-2.0
#include "linalg/tridiagonal_eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/vector_register.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/matrix_view.hpp"

namespace loewner::detail {
namespace {

constexpr Index kPlaces = 64;  // points counted at once: four of the widest registers

// below[s] = the number of eigenvalues below places[s]: the negative pivots of the factorization of T - places[s].
// After a pivot of 0 the next one is -infinity, and the one after that has no off-diagonal term.
template <int kBytes>
LOEWNER_INLINE void sturm_counts_body(const float* diagonal, const float* squares, Index n, const float* places,
                                      std::int32_t* below) {
  constexpr Index kAtOnce = 4, kStep = kBytes / 4;  // independent chains of divisions that keep the divider busy
  for (Index first = 0; first < kPlaces; first += kAtOnce * kStep) {
    RegisterValues<kBytes, float> place[kAtOnce], pivot[kAtOnce];
    RegisterValues<kBytes, std::int32_t> negative[kAtOnce];  // -1 for each
    for (Index v = 0; v < kAtOnce; ++v) {
      place[v] = load_register<kBytes>(places + first + v * kStep);
      pivot[v] = diagonal[0] - place[v];
      negative[v] = pivot[v] < 0.0F;
    }
    for (Index i = 1; i < n; ++i) {
      for (Index v = 0; v < kAtOnce; ++v) {
        pivot[v] = (diagonal[i] - place[v]) - squares[i - 1] / pivot[v];
        negative[v] += pivot[v] < 0.0F;
      }
    }
    for (Index v = 0; v < kAtOnce; ++v) {
      const RegisterValues<kBytes, std::int32_t> count = -negative[v];
      store_register(below + first + v * kStep, count);
    }
  }
}

LOEWNER_DISPATCH_FUSED(sturm_counts,
                       (const float* diagonal, const float* squares, Index n, const float* places, std::int32_t* below),
                       (diagonal, squares, n, places, below))

struct Interval {
  float low, high;
};

Interval gershgorin(std::span<const float> diagonal, std::span<const float> beside) {
  Interval all{diagonal[0], diagonal[0]};
  for (std::size_t i = 0; i < diagonal.size(); ++i) {
    const float radius = (i > 0 ? std::abs(beside[i - 1]) : 0.0F) + (i < beside.size() ? std::abs(beside[i]) : 0.0F);
    all = {std::min(all.low, diagonal[i] - radius), std::max(all.high, diagonal[i] + radius)};
  }
  return all;
}

// T, with counts of the eigenvalues below given points.
class SturmCounts {
 public:
  SturmCounts(std::span<const float> diagonal, std::span<const float> beside) : diagonal_(diagonal) {
    // Never 0, so that no pivot divides 0 by 0.
    for (const float b : beside) squares_.push_back(std::max(b * b, std::numeric_limits<float>::min()));
  }

  std::vector<std::int32_t> at(std::vector<float> places) const {
    const std::size_t count = places.size();
    places.resize((count + kPlaces - 1) / kPlaces * kPlaces);
    std::vector<std::int32_t> below(places.size());
    for (std::size_t s = 0; s < places.size(); s += kPlaces) {
      sturm_counts(diagonal_.data(), squares_.data(), static_cast<Index>(diagonal_.size()), &places[s], &below[s]);
    }
    below.resize(count);
    return below;
  }

 private:
  std::span<const float> diagonal_;
  std::vector<float> squares_;
};

// Eigenvalue k lies between the last of n + 1 points with at most k eigenvalues below it and the next point.
std::vector<Interval> first_intervals(const SturmCounts& counts, const Interval& all, std::size_t n) {
  std::vector<float> places;
  for (std::size_t s = 0; s <= n; ++s) {
    places.push_back(all.low + (all.high - all.low) * (static_cast<float>(s) / static_cast<float>(n)));
  }
  const std::vector<std::int32_t> below = counts.at(places);
  std::vector<Interval> intervals;
  std::size_t s = 0;
  for (std::size_t k = 0; k < n; ++k) {
    while (s + 1 < n && below[s + 1] <= static_cast<std::int32_t>(k)) ++s;
    intervals.push_back({places[s], places[s + 1]});
  }
  return intervals;
}

}  // namespace

std::vector<double> tridiagonal_eigenvalues(std::span<const float> diagonal, std::span<const float> beside) {
  const std::size_t n = diagonal.size();
  if (n == 0) return {};
  LOEWNER_ASSERT(beside.size() == n - 1);
  const SturmCounts counts(diagonal, beside);
  const Interval all = gershgorin(diagonal, beside);
  std::vector<Interval> intervals = first_intervals(counts, all, n);
  const float enough = 0x1p-24F * std::max(std::abs(all.low), std::abs(all.high));
  std::vector<float> middles(n);
  float width = (all.high - all.low) / static_cast<float>(n);
  while (width > enough) {
    std::ranges::transform(intervals, middles.begin(), [](const Interval& i) { return i.low + (i.high - i.low) / 2; });
    const std::vector<std::int32_t> below = counts.at(middles);
    for (std::size_t k = 0; k < n; ++k) {
      (below[k] <= static_cast<std::int32_t>(k) ? intervals[k].low : intervals[k].high) = middles[k];
    }
    width /= 2;
  }
  std::vector<double> values;
  values.reserve(n);
  for (const Interval& interval : intervals)
    values.push_back((static_cast<double>(interval.low) + static_cast<double>(interval.high)) / 2);
  std::ranges::sort(values);
  return values;
}

}  // namespace loewner::detail
