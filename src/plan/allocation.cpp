// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/allocation.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

double gain_per_byte(const RatePoint& from, const RatePoint& to) {
  return (from.error - to.error) / static_cast<double>(to.bytes - from.bytes);
}

// A step from point `index` of a hull to the next.
struct Step {
  std::size_t curve = 0, index = 0;
  double gain = 0;
};

std::vector<Step> steps_of(std::span<const std::vector<RatePoint>> curves,
                           const std::vector<std::vector<std::size_t>>& hulls) {
  std::vector<Step> steps;
  for (std::size_t c = 0; c < hulls.size(); ++c) {
    for (std::size_t i = 0; i + 1 < hulls[c].size(); ++i) {
      steps.push_back({c, i, gain_per_byte(curves[c][hulls[c][i]], curves[c][hulls[c][i + 1]])});
    }
  }
  // Stable: equal gains keep the order of the curves, and gains on one hull do not increase.
  std::ranges::stable_sort(steps, std::ranges::greater(), &Step::gain);
  return steps;
}

class Allocator {
 public:
  Allocator(std::span<const std::vector<RatePoint>> curves, Index max_bytes) : curves_(curves), left_(max_bytes) {}

  void start(std::size_t curve, std::size_t point) {
    result_.chosen.push_back(point);
    left_ -= curves_[curve][point].bytes;
  }
  bool fits(std::size_t curve, std::size_t point) const {
    return curves_[curve][point].bytes - at(curve).bytes <= left_;
  }
  void move(std::size_t curve, std::size_t point) {
    left_ -= curves_[curve][point].bytes - at(curve).bytes;
    result_.chosen[curve] = point;
  }

  // Makes the single change with the largest gain that fits. False if there is none.
  bool improve() {
    double best = 0;
    std::size_t best_curve = 0, best_point = 0;
    for (std::size_t c = 0; c < curves_.size(); ++c) {
      for (std::size_t i = 0; i < curves_[c].size(); ++i) {
        const double gain = at(c).error - curves_[c][i].error;
        if (gain <= best || !fits(c, i)) continue;
        best = gain;
        best_curve = c;
        best_point = i;
      }
    }
    if (best > 0) move(best_curve, best_point);
    return best > 0;
  }

  Allocation result() && {
    for (std::size_t c = 0; c < curves_.size(); ++c) {
      result_.bytes += at(c).bytes;
      result_.error += at(c).error;
    }
    return std::move(result_);
  }

 private:
  const RatePoint& at(std::size_t curve) const { return curves_[curve][result_.chosen[curve]]; }

  std::span<const std::vector<RatePoint>> curves_;
  Index left_;
  Allocation result_;
};

void require_room(std::span<const std::vector<RatePoint>> curves, const std::vector<std::vector<std::size_t>>& hulls,
                  Index max_bytes) {
  Index smallest = 0;
  for (std::size_t c = 0; c < curves.size(); ++c) smallest += curves[c][hulls[c].front()].bytes;
  if (smallest <= max_bytes) return;
  throw BudgetError("the smallest encodings take " + std::to_string(smallest) + " bytes, " +
                    std::to_string(smallest - max_bytes) + " more than the budget leaves");
}

}  // namespace

std::vector<std::size_t> lower_hull(std::span<const RatePoint> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return points[a].bytes != points[b].bytes ? points[a].bytes < points[b].bytes : points[a].error < points[b].error;
  });
  std::vector<std::size_t> hull;
  for (const std::size_t next : order) {
    if (!hull.empty() && points[next].error >= points[hull.back()].error) continue;
    while (hull.size() >= 2 && gain_per_byte(points[hull[hull.size() - 2]], points[hull.back()]) <=
                                   gain_per_byte(points[hull.back()], points[next])) {
      hull.pop_back();
    }
    hull.push_back(next);
  }
  return hull;
}

Allocation allocate(std::span<const std::vector<RatePoint>> curves, Index max_bytes) {
  std::vector<std::vector<std::size_t>> hulls;
  for (const auto& curve : curves) {
    require(!curve.empty(), [] { return std::string("allocate: every curve must have at least one point"); });
    hulls.push_back(lower_hull(curve));
  }
  require_room(curves, hulls, max_bytes);
  Allocator allocator(curves, max_bytes);
  for (std::size_t c = 0; c < curves.size(); ++c) allocator.start(c, hulls[c].front());
  std::vector<std::size_t> reached(curves.size(), 0);  // position on each hull
  for (const Step& step : steps_of(curves, hulls)) {
    const std::size_t next = hulls[step.curve][step.index + 1];
    if (reached[step.curve] != step.index || !allocator.fits(step.curve, next)) continue;
    allocator.move(step.curve, next);
    ++reached[step.curve];
  }
  while (allocator.improve()) {
  }
  return std::move(allocator).result();
}

}  // namespace loewner
