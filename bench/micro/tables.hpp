// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <cmath>

#include "loewner/base/matrix.hpp"
#include "loewner/base/parallel.hpp"
#include "support/matrices.hpp"

namespace loewner::bench {

/// Shape like an embedding table: heavy-tailed entries whose columns decay by 1 / 1000 from the first to the last.
inline Matrix<float> embedding_like(Index rows, Index cols) {
  const double ratio = std::pow(1e-3, 1 / static_cast<double>(cols));
  return test::student_t_with_decay({.rows = rows, .cols = cols, .seed = 1}, 5, ratio);
}

/// Flops per second, from the flops of one iteration.
inline void report_flops(benchmark::State& state, double flops) {
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace loewner::bench
