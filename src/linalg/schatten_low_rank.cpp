// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/schatten_low_rank.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "linalg/krylov_space.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner {
namespace {

constexpr const char* kSchattenCaller = "schatten_low_rank";
constexpr double kMostSteps = 1 << 20;               // a space is complete long before
constexpr Index kLongestShortSide = Index{1} << 40;  // kMostSteps blocks of this size are an Index

void require_usable(Index size, const SchattenOptions& options) {
  const detail::ArgumentCheck check(kSchattenCaller);
  check.number(size <= kLongestShortSide, "the shorter side", "at most 2^40", size);
  check.in_range("rank", options.rank, 1, size);
  check.at_least("norm_exponent", options.norm_exponent, 1);
  check.number(options.eps > 0 && options.eps <= 1, "eps", "in (0, 1]", options.eps);
  check.positive_and_finite("constant", options.constant);
}

Index rounded_up(double value) {
  return static_cast<Index>(std::ceil(std::min(value, kMostSteps)));
}

// Vectors of a space after `steps` steps: the dimension is the limit, whatever the plan says.
Index vectors_of(Index block, Index steps, Index dimension) {
  return steps < dimension / block ? block * (steps + 1) : dimension;
}

// `steps` steps from `block` random vectors; the last block is pending.
void grow(detail::KrylovSpace& space, Index block, Index steps) {
  space.start(block);
  for (Index step = 0; step < steps && space.pending() > 0; ++step) {
    throw_if_cancelled();
    space.step(space.pending());
  }
}

}  // namespace

SchattenPlan schatten_plan(Index size, const SchattenOptions& options) {
  require_usable(size, options);
  const double extent = static_cast<double>(size), k = static_cast<double>(options.rank), eps = options.eps;
  const double p = std::clamp(options.norm_exponent, 1.0, std::max(1.0, std::log(extent) / eps));
  const double logarithm = options.constant * std::log(extent / eps), root = std::cbrt(1 / eps);
  const auto steps = [](double wanted) { return std::max<Index>(1, rounded_up(wanted)); };
  return {.small_block = std::min(options.rank + 2, size),
          .many_steps = steps(logarithm * std::pow(p, 1.0 / 6) * root),
          .large_block = static_cast<Index>(std::min(std::ceil(k * root / std::cbrt(p)), static_cast<double>(size))),
          .few_steps = steps(logarithm * std::sqrt(p))};
}

KrylovSvd schatten_low_rank(const LinearOperator& a, const SchattenOptions& options) {
  const SchattenPlan plan = schatten_plan(std::min(a.rows(), a.cols()), options);
  const Index few = vectors_of(plan.large_block, plan.few_steps, a.cols()),
              many = vectors_of(plan.small_block, plan.many_steps, a.cols());
  // Two separate chains: in a common basis, vectors that one chain no longer continues would deflate the products of
  // the other and remove directions that it would find. The seeds differ, otherwise the blocks would start alike.
  detail::KrylovSpace large(a, few, ~options.seed, kSchattenCaller),
      space(a, many + few, options.seed, kSchattenCaller);
  grow(large, std::min(plan.large_block, a.cols()), plan.few_steps);
  grow(space, std::min(plan.small_block, a.cols()), plan.many_steps);
  // The new parts are multiplied once more: combinations of the old products would lose the digits that the two
  // spaces share.
  space.add_pending(large.vectors());
  space.step(0);
  KrylovSvd svd = space.leading(space.ritz(), options.rank);
  svd.products += large.products();
  svd.excess_estimate = options.eps;
  return svd;
}

}  // namespace loewner
