// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lewis_weights.hpp"

#include <cmath>

#include "tables.hpp"

namespace loewner {
namespace {

// Arguments: columns and 100 p. certificate_excess is relative to the limit rank^|1/p - 1/2| of exact weights.
void lewis_weights_of_table(benchmark::State& state) {
  const Index cols = state.range(0), rows = 8192;
  const double p = static_cast<double>(state.range(1)) / 100;
  const auto a = bench::embedding_like(rows, cols);
  LewisWeights result;
  for (auto _ : state) result = lewis_weights(DenseRows(a.view()), {.norm_exponent = p});
  state.counters["iterations"] = result.iterations;
  state.counters["certificate_excess"] =
      result.certificate / std::pow(static_cast<double>(result.rank), std::abs(1 / p - 0.5)) - 1;
}

BENCHMARK(lewis_weights_of_table)
    ->Name("lewis_weights")
    ->ArgsProduct({{128, 384, 768}, {100, 150, 400}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace loewner
