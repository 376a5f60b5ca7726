// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <cmath>

#include "tables.hpp"

namespace loewner {
namespace {

double relative_distance(const Matrix<double>& g, const Matrix<double>& reference) {
  double difference = 0, norm = 0;
  for (Index i = 0; i < g.rows(); ++i) {
    for (Index j = 0; j < g.cols(); ++j) {
      difference += (g(i, j) - reference(i, j)) * (g(i, j) - reference(i, j));
      norm += reference(i, j) * reference(i, j);
    }
  }
  return std::sqrt(difference / norm);
}

// Reference: entry by entry in float64.
Matrix<double> plain_gram(const Matrix<float>& a) {
  Matrix<double> g(a.cols(), a.cols());
  for (Index r = 0; r < a.rows(); ++r) {
    for (Index i = 0; i < a.cols(); ++i) {
      const double x = a(r, i);
      for (Index j = 0; j < a.cols(); ++j) g(i, j) += x * static_cast<double>(a(r, j));
    }
  }
  return g;
}

template <auto Solve>
void gram_of_rows(benchmark::State& state) {
  const Index cols = state.range(0), rows = 8192;
  const auto a = bench::embedding_like(rows, cols);
  Matrix<double> g;
  for (auto _ : state) g = Solve(DenseRows(a.view()), {});
  bench::report_flops(state, static_cast<double>(rows) * static_cast<double>(cols) * static_cast<double>(cols));
  state.counters["relative_error"] = relative_distance(g, plain_gram(a));
}

BENCHMARK(gram_of_rows<gram>)->Name("gram")->Arg(128)->Arg(384)->Arg(768)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(gram_of_rows<gram_float32>)
    ->Name("gram_float32")
    ->Arg(128)
    ->Arg(384)
    ->Arg(768)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace loewner
