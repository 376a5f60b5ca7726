// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/row_sample.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "detail/gathered_rows.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

// The factor c for which the chances min(1, c energy) add up to count; infinity when all rows of any energy are taken.
double chance_for_energy(std::vector<double> energies, Index count) {
  std::ranges::sort(energies, std::ranges::greater());
  double rest = std::accumulate(energies.rbegin(), energies.rend(), 0.0);
  for (Index certain = 0; certain < count; ++certain) {
    const double largest = energies[certain];
    if (!(rest > 0)) break;
    const double c = static_cast<double>(count - certain) / rest;
    if (c * largest <= 1) return c;
    rest -= largest;
  }
  return std::numeric_limits<double>::infinity();
}

struct Draw {
  std::vector<Index> rows;
  std::vector<double> chances;
};

Draw draw_rows(std::span<const double> energies, double c, double offset) {
  Draw draw;
  double passed = 0;  // the sum of the chances so far
  for (std::size_t i = 0; i < energies.size(); ++i) {
    if (!(energies[i] > 0)) continue;
    const double chance = std::min(1.0, c * energies[i]);
    const double mark = static_cast<double>(draw.rows.size()) + offset;
    passed += chance;
    if (chance < 1 && passed <= mark) continue;
    draw.rows.push_back(static_cast<Index>(i));
    draw.chances.push_back(chance);
  }
  return draw;
}

}  // namespace

RowSample sample_rows(const RowSource& a, std::span<const double> row_weights, std::span<const double> energies,
                      Index count, std::uint64_t seed) {
  LOEWNER_ASSERT(static_cast<Index>(energies.size()) == a.rows());
  require(count >= 1, [&] { return "sample_rows: count must be at least 1, got " + std::to_string(count); });
  const auto with_energy = std::ranges::count_if(energies, [](double energy) { return energy > 0; });
  const double c = with_energy <= count ? std::numeric_limits<double>::infinity()
                                        : chance_for_energy({energies.begin(), energies.end()}, count);
  const Draw draw = draw_rows(energies, c, RandomStream(seed, RandomPurpose::sampling).uniform());
  RowSample sample;
  sample.rows = Matrix<float>::uninitialized(static_cast<Index>(draw.rows.size()), a.cols());
  detail::gather_rows(a, draw.rows, sample.rows.view());
  for (std::size_t i = 0; i < draw.rows.size(); ++i) {
    const double weight = row_weights.empty() ? 1.0 : row_weights[draw.rows[i]];
    sample.weights.push_back(weight / draw.chances[i]);
    sample.missing += (1 - draw.chances[i]) / static_cast<double>(draw.rows.size());
  }
  return sample;
}

}  // namespace loewner
