// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/schatten_low_rank.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "tables.hpp"

namespace loewner {
namespace {

constexpr Index kRows = 8192, kCols = 1024, kRank = 32;

const Matrix<float>& table() {
  static const Matrix<float> a = bench::embedding_like(kRows, kCols);
  return a;
}

// Frobenius error of the best approximation of rank kRank.
double least_error() {
  static const double least = [] {
    const auto svd = truncated_svd(DenseRows(table().view()), {.rank = kRank});
    double sum = 0;
    for (Index i = kRank; i < kCols; ++i) sum += svd.singular_values[i] * svd.singular_values[i];
    return std::sqrt(sum);
  }();
  return least;
}

void report(benchmark::State& state, const KrylovSvd& svd) {
  state.counters["products"] = static_cast<double>(svd.products);
  state.counters["excess_error"] = svd.residual_norm / least_error() - 1;
}

// Arguments: 1 / eps, vectors per step.
void adaptive(benchmark::State& state) {
  const double eps = 1 / static_cast<double>(state.range(0));
  KrylovSvd svd;
  for (auto _ : state) {
    svd = block_krylov(MatrixOperator(table().view()), {.rank = kRank, .eps = eps, .block = state.range(1)});
  }
  report(state, svd);
}

// Argument: 1 / eps.
void two_block_sizes(benchmark::State& state) {
  const double eps = 1 / static_cast<double>(state.range(0));
  KrylovSvd svd;
  for (auto _ : state) svd = schatten_low_rank(MatrixOperator(table().view()), {.rank = kRank, .eps = eps});
  report(state, svd);
}

BENCHMARK(adaptive)
    ->Name("block_krylov/adaptive")
    ->ArgsProduct({{10, 100, 1000}, {8, 32}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(two_block_sizes)
    ->Name("block_krylov/two_block_sizes")
    ->Arg(2)
    ->Arg(10)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace loewner
