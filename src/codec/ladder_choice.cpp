// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/ladder_choice.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "codec/code_bands.hpp"

namespace loewner {
namespace {

// Cube roots of the numbers of rows on each step, 0 for step 0.
std::vector<double> density_of(const BitAllocation::Spent& spent) {
  std::vector<double> density(1, 0.0);
  for (std::size_t b = 0; b < spent.rows.size(); ++b) {
    const Index above = b + 1 < spent.rows.size() ? spent.rows[b + 1] : 0;
    density.push_back(std::cbrt(static_cast<double>(spent.rows[b] - above)));
  }
  return density;
}

// Step 0, and for each of equal parts of the density the step in its middle.
std::vector<int> stored_steps(const std::vector<double>& density) {
  double total = 0;
  for (const double value : density) total += value;
  const double part = total / static_cast<double>(CodeLadder::kMostStored - 1);
  std::vector<int> steps{0};
  double sum = 0, middle = part / 2;
  for (std::size_t step = 1; step < density.size(); ++step) {
    sum += density[step];
    if (density[step] == 0 || sum < middle) continue;
    steps.push_back(static_cast<int>(step));
    while (middle <= sum) middle += part;
  }
  return steps;
}

}  // namespace

LadderChoice::LadderChoice(std::span<const double> energies, std::span<const double> variances)
    : fine_(CodeLadder::for_variances(variances)), allocation_(detail::allocation_of(energies, fine_)), energy_(0) {
  for (const double energy : energies) energy_ += energy;
}

LadderChoice::Choice LadderChoice::within(Index code_bytes) const {
  const auto wished = allocation_.within(code_bytes);
  const CodeLadder ladder = fine_.at_steps(stored_steps(density_of(wished)));
  const BitAllocation allocation = allocation_.with_steps(ladder.distortion(), detail::prices_of(ladder));
  const auto spent = allocation.within(code_bytes);
  return {.ladder = ladder.up_to(spent.highest_step()),
          .code_bytes = spent.price,
          .error = energy_ > 0 ? spent.error / energy_ : 0.0,
          .shared = spent.price == 0 || spent.price < allocation.most_price()};
}

}  // namespace loewner
