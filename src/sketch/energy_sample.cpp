// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/energy_sample.hpp"

#include <algorithm>
#include <string>

#include "linalg/gathered_rows.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "sketch/inclusion_factor.hpp"

namespace loewner {
namespace {

struct Draw {
  std::vector<Index> rows;
  std::vector<double> probabilities;
};

Draw draw_rows(std::span<const double> energies, double c, double offset) {
  Draw draw;
  double passed = 0;  // the sum of the probabilities so far
  for (std::size_t i = 0; i < energies.size(); ++i) {
    if (!(energies[i] > 0)) continue;
    const double probability = std::min(1.0, c * energies[i]);
    const double mark = static_cast<double>(draw.rows.size()) + offset;
    passed += probability;
    if (probability < 1 && passed <= mark) continue;
    draw.rows.push_back(static_cast<Index>(i));
    draw.probabilities.push_back(probability);
  }
  return draw;
}

}  // namespace

EnergySample sample_rows_by_energy(const RowSource& a, std::span<const double> row_weights,
                                   std::span<const double> energies, Index count, std::uint64_t seed) {
  LOEWNER_ASSERT(static_cast<Index>(energies.size()) == a.rows());
  require(count >= 1, [&] { return "sample_rows_by_energy: count must be at least 1, got " + std::to_string(count); });
  const double c = detail::inclusion_factor({energies.begin(), energies.end()}, count);
  const Draw draw = draw_rows(energies, c, RandomStream(seed, RandomPurpose::sampling).uniform());
  EnergySample sample;
  sample.rows = Matrix<float>::uninitialized(static_cast<Index>(draw.rows.size()), a.cols());
  detail::gather_rows(a, draw.rows, sample.rows.view());
  for (std::size_t i = 0; i < draw.rows.size(); ++i) {
    const double weight = row_weights.empty() ? 1.0 : row_weights[draw.rows[i]];
    sample.weights.push_back(weight / draw.probabilities[i]);
    sample.missing += (1 - draw.probabilities[i]) / static_cast<double>(draw.rows.size());
  }
  return sample;
}

}  // namespace loewner
