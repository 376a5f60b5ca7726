// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/truncated_svd.hpp"

#include <numeric>

#include "loewner/linalg/gram.hpp"
#include "tables.hpp"

namespace loewner {
namespace {

// Squared error of the projection on the subspace, from the Gram matrix, over the least squared error of rank k, minus 1.
double excess_error(const Matrix<float>& a, const RightSingularVectors& svd) {
  const Matrix<double> g = gram(DenseRows(a.view()));
  double left = 0, least = 0;
  for (Index i = 0; i < g.rows(); ++i) left += g(i, i);
  for (Index k = 0; k < svd.vt.rows(); ++k) {
    for (Index i = 0; i < g.rows(); ++i) {
      left -= svd.vt(k, i) * std::inner_product(svd.vt.row(k).begin(), svd.vt.row(k).end(), g.row(i).begin(), 0.0);
    }
  }
  for (std::size_t j = svd.vt.rows(); j < svd.singular_values.size(); ++j) {
    least += svd.singular_values[j] * svd.singular_values[j];
  }
  return left / least - 1;
}

template <SvdRoute route>
void truncated_svd_of_table(benchmark::State& state) {
  const Index cols = state.range(0), rows = 8192, rank = cols * 7 / 10;
  const auto a = bench::embedding_like(rows, cols);
  RightSingularVectors svd;
  for (auto _ : state) svd = truncated_svd(DenseRows(a.view()), {.rank = rank, .route = route});
  state.counters["excess_error"] = excess_error(a, svd);
}

BENCHMARK(truncated_svd_of_table<SvdRoute::gram>)
    ->Name("truncated_svd/gram")
    ->Arg(128)
    ->Arg(384)
    ->Arg(768)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(truncated_svd_of_table<SvdRoute::direct>)
    ->Name("truncated_svd/direct")
    ->Arg(128)
    ->Arg(384)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace loewner
