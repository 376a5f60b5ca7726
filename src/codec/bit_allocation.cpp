// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>

#include "base/first_double.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

// Stable: rows with equal energies keep their order.
std::vector<std::uint32_t> by_falling_energy(std::span<const double> energies) {
  std::vector<std::uint32_t> rows(energies.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::stable_sort(rows, std::ranges::greater(), [&](std::uint32_t i) { return energies[i]; });
  return rows;
}

}  // namespace

BitAllocation::BitAllocation(std::span<const double> energies, std::span<const double> distortion,
                             std::span<const Index> prices) {
  require(energies.size() <= std::numeric_limits<std::uint32_t>::max(),
          [&] { return "BitAllocation: at most 2^32 - 1 rows are possible, got " + std::to_string(energies.size()); });
  falling_ = by_falling_energy(energies);
  energies_.reserve(falling_.size());
  for (const std::uint32_t i : falling_) energies_.push_back(energies[i]);
  sums_.assign(1, 0.0);
  std::partial_sum(energies_.begin(), energies_.end(), std::back_inserter(sums_));
  set_steps(distortion, prices);
}

BitAllocation BitAllocation::with_steps(std::span<const double> distortion, std::span<const Index> prices) const {
  BitAllocation other = *this;
  other.set_steps(distortion, prices);
  return other;
}

void BitAllocation::set_steps(std::span<const double> distortion, std::span<const Index> prices) {
  LOEWNER_ASSERT(distortion.size() == prices.size() && !prices.empty());
  first_distortion_ = distortion[0];
  first_price_ = prices[0];
  steps_.clear();
  for (std::size_t b = 0; b + 1 < distortion.size(); ++b) {
    LOEWNER_ASSERT(distortion[b] >= distortion[b + 1] && prices[b] < prices[b + 1]);
    steps_.push_back({distortion[b] - distortion[b + 1], prices[b + 1] - prices[b]});
  }
}

int BitAllocation::Spent::highest_step() const {
  return static_cast<int>(rows.rend() - std::find_if(rows.rbegin(), rows.rend(), [](Index n) { return n > 0; }));
}

Index BitAllocation::least_price() const {
  return static_cast<Index>(falling_.size()) * first_price_;
}

Index BitAllocation::most_price() const {
  Index price = first_price_;
  for (const Step& step : steps_) price += step.price;
  return static_cast<Index>(falling_.size()) * price;
}

BitAllocation::Spent BitAllocation::spend(std::vector<Index> rows) const {
  Spent spent{.rows = std::move(rows), .price = least_price(), .error = sums_.back() * first_distortion_};
  for (std::size_t b = 0; b < steps_.size(); ++b) {
    spent.price += spent.rows[b] * steps_[b].price;
    spent.error -= sums_[spent.rows[b]] * steps_[b].fall;
  }
  spent.error = std::max(spent.error, 0.0);
  return spent;
}

BitAllocation::Spent BitAllocation::within(Index max_price) const {
  LOEWNER_ASSERT(max_price >= least_price());
  // The number of rows whose gain by step b is at least this; these rows come first.
  const auto count = [&](std::size_t b, auto&& is_enough) {
    return std::ranges::partition_point(energies_, [&](double e) { return is_enough(steps_[b].gain_for_price(e)); }) -
           energies_.begin();
  };
  const auto price_above = [&](double gain) {
    Index price = least_price();
    for (std::size_t b = 0; b < steps_.size(); ++b) {
      price += steps_[b].price * count(b, [&](double g) { return g > gain; });
    }
    return price;
  };
  const double last = detail::first_double_that([&](double gain) { return price_above(gain) <= max_price; });
  Index rest = max_price - price_above(last);
  std::vector<Index> rows;
  bool all_fit = true;
  for (std::size_t b = 0; b < steps_.size(); ++b) {
    const Index above = count(b, [&](double g) { return g > last; });
    const Index equal = count(b, [&](double g) { return g >= last; }) - above;
    const Index taken = all_fit ? std::min(equal, rest / steps_[b].price) : 0;
    all_fit = all_fit && taken == equal;
    rest -= taken * steps_[b].price;
    rows.push_back(above + taken);
  }
  return spend(std::move(rows));
}

std::vector<std::uint8_t> BitAllocation::steps(const Spent& spent) const {
  std::vector<std::uint8_t> steps(falling_.size(), 0);
  for (const Index rows : spent.rows) {
    for (Index i = 0; i < rows; ++i) ++steps[falling_[i]];
  }
  return steps;
}

}  // namespace loewner
