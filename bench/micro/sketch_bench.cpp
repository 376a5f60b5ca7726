// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/random.hpp"
#include "loewner/sketch/least_squares.hpp"
#include "loewner/sketch/residual_curve.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "tables.hpp"

namespace loewner {
namespace {

Matrix<double> uniform_matrix(Index rows, Index cols) {
  RandomStream random(1, RandomPurpose::test_data);
  Matrix<double> a = Matrix<double>::uninitialized(rows, cols);
  for (Index i = 0; i < rows * cols; ++i) a.data()[i] = random.uniform() - 0.5;
  return a;
}

// S A with m = 4 d rows.
void sketch(benchmark::State& state) {
  const Index n = state.range(0), d = state.range(1);
  const auto a = bench::embedding_like(n, d);
  const SparseSignEmbedding s(4 * d, n, state.range(2), 1);
  Matrix<double> sa;
  for (auto _ : state) sa = s.apply(a.view());
  state.SetBytesProcessed(state.iterations() * n * d * static_cast<Index>(sizeof(float)));
  double squares = 0;
  for (Index i = 0; i < sa.rows() * sa.cols(); ++i) squares += sa.data()[i] * sa.data()[i];
  state.counters["norm_ratio"] = std::sqrt(squares) / test::frobenius_norm(a.view());
}

void solve(benchmark::State& state) {
  const Index n = state.range(0), d = state.range(1);
  const auto a = uniform_matrix(n, d), b = uniform_matrix(n, 1);
  LeastSquaresResult result;
  for (auto _ : state) result = least_squares(RowMatrix(a.view()), b.view());
  state.counters["backward_error"] = result.backward_errors[0];
  state.counters["steps"] = result.report.iterations;
}

void residual_curve(benchmark::State& state) {
  const auto a = bench::embedding_like(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(estimate_residuals(a.view(), {.max_rank = state.range(2)}));
  const auto curve = estimate_residuals(a.view(), {.max_rank = state.range(2), .repetitions = 5});
  state.counters["relative_spread"] = curve.standard_deviations.back() / curve.residual.back();
}

BENCHMARK(sketch)->Args({100000, 384, 4})->Args({100000, 384, 8})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(solve)->Args({200000, 200})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(residual_curve)
    ->Args({2048, 2048, 32})
    ->Args({2048, 2048, 128})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace loewner
