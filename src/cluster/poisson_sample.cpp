// SPDX-License-Identifier: Apache-2.0
#include "cluster/poisson_sample.hpp"

#include <algorithm>

#include "linalg/gathered_rows.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner::detail {

PoissonSample poisson_sample(const RowSource& a, std::span<const double> weights, Index expected_count,
                             RandomStream& random) {
  const std::vector<double> energy = row_energies(a, weights);
  double total = 0;
  for (const double e : energy) total += e;
  const auto n = static_cast<double>(a.rows()), m = static_cast<double>(expected_count);
  std::vector<Index> chosen;
  PoissonSample sample;
  for (Index i = 0; i < a.rows(); ++i) {
    const double share = total > 0 ? 0.5 / n + 0.5 * energy[i] / total : 1 / n;
    const double p = expected_count >= a.rows() ? 1 : m * share;
    if (random.uniform() >= p) continue;
    chosen.push_back(i);
    sample.weights.push_back(weights[i] / std::min(1.0, p));
  }
  sample.rows = Matrix<float>::uninitialized(static_cast<Index>(chosen.size()), a.cols());
  gather_rows(a, chosen, sample.rows.view());
  return sample;
}

}  // namespace loewner::detail
