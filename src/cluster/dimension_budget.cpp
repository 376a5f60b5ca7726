// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/dimension_budget.hpp"

#include <algorithm>
#include <cstddef>

namespace loewner {
namespace {

struct Offer {
  double gain_per_number;
  std::size_t cluster;
};

// Within a cluster the gains decrease, so a stable sort keeps its dimensions in order.
std::vector<Offer> sorted_offers(std::span<const ClusterSpectrum> clusters, Index d) {
  std::vector<Offer> offers;
  for (std::size_t l = 0; l < clusters.size(); ++l) {
    const auto numbers = static_cast<double>(clusters[l].rows + d);
    for (const double gain : clusters[l].eigenvalues) {
      if (gain > 0) offers.push_back({gain / numbers, l});
    }
  }
  std::ranges::stable_sort(offers, std::ranges::greater{}, &Offer::gain_per_number);
  return offers;
}

double left_out(std::span<const ClusterSpectrum> clusters, std::span<const Index> dimensions) {
  double sum = 0;
  for (std::size_t l = 0; l < clusters.size(); ++l) {
    const auto& gains = clusters[l].eigenvalues;  // added in ascending order, which rounds a small tail least
    for (auto i = static_cast<Index>(gains.size()); i > dimensions[l]; --i) sum += std::max(0.0, gains[i - 1]);
  }
  return sum;
}

}  // namespace

DimensionBudget spend_on_dimensions(std::span<const ClusterSpectrum> clusters, Index d, Index max_numbers) {
  DimensionBudget result;
  result.dimensions.assign(clusters.size(), 0);
  std::vector<bool> closed(clusters.size());
  for (const auto& [gain_per_number, l] : sorted_offers(clusters, d)) {
    if (closed[l]) continue;
    const Index numbers = clusters[l].rows + d;
    if (result.numbers + numbers > max_numbers) {
      if (result.price == 0) result.price = gain_per_number;
      closed[l] = true;
      continue;
    }
    result.numbers += numbers;
    ++result.dimensions[l];
  }
  result.squared_error = left_out(clusters, result.dimensions);
  return result;
}

}  // namespace loewner
