// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <cmath>

#include "loewner/base/matrix.hpp"
#include "loewner/base/parallel.hpp"
#include "support/matrices.hpp"

namespace loewner::bench {

/// A matrix like an embedding table: heavy-tailed entries, scales of the columns that decay geometrically from 1 to 1e-3.
inline Matrix<float> embedding_like(Index rows, Index cols) {
  const double ratio = std::pow(1e-3, 1 / static_cast<double>(cols));
  return test::student_t_with_decay({.rows = rows, .cols = cols, .seed = 1}, 5, ratio);
}

/// Flops per second, from the flops of one iteration.
inline void report_flops(benchmark::State& state, double flops) {
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace loewner::bench
