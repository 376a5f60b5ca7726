// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/codes.hpp"

#include <cstring>
#include <numeric>

#include "loewner/base/parallel.hpp"
#include "loewner/codec/trellis_quantizer.hpp"
#include "loewner/norms/lp_error.hpp"
#include "tables.hpp"

namespace loewner {
namespace {

constexpr Index kRows = 8192;

// Codes with about the same number of bits per entry in every row.
std::unique_ptr<Codes> codes_at(const Matrix<float>& a, Index bits) {
  return encode_codes(
      DenseRows(a.view()),
      {.max_bytes = Codes::bytes_at(a.rows(), a.cols(), TrellisQuantizer::bytes(a.cols(), bits) * a.rows(), true)});
}

void report(benchmark::State& state, Index cols) {
  state.SetItemsProcessed(state.iterations() * kRows);  // rows
  state.SetBytesProcessed(state.iterations() * kRows * cols * static_cast<Index>(sizeof(float)));
}

void encode_codes_of_rows(benchmark::State& state) {
  const Index cols = state.range(0);
  const auto a = bench::embedding_like(kRows, cols);
  std::unique_ptr<Codes> codes;
  for (auto _ : state) codes = codes_at(a, state.range(1));
  report(state, cols);
  state.counters["error"] = approximation_errors(DenseRows(a.view()), *codes, {}, 2).relative_error();
}

// Decodes rows in a scattered order, like the lookup of tokens, on one thread.
void decode_scattered_rows(benchmark::State& state) {
  const Index cols = state.range(0);
  const auto a = bench::embedding_like(kRows, cols);
  const auto codes = codes_at(a, state.range(1));
  std::vector<Index> rows(kRows);
  for (Index i = 0; i < kRows; ++i) rows[i] = i * 4099 % kRows;
  Matrix<float> out = Matrix<float>::uninitialized(kRows, cols);
  const int threads = num_threads();
  set_num_threads(1);
  codes->decode_rows(rows, out.view());  // the first time pays for the pages of `out`
  for (auto _ : state) codes->decode_rows(rows, out.view());
  set_num_threads(threads);
  report(state, cols);
  state.counters["error"] = approximation_errors(DenseRows(a.view()), *codes, {}, 2).relative_error();
}

// Reference: copies the same rows as float32.
void copy_scattered_rows(benchmark::State& state) {
  const Index cols = state.range(0);
  const auto a = bench::embedding_like(kRows, cols);
  Matrix<float> out(kRows, cols);
  for (auto _ : state) {
    for (Index i = 0; i < kRows; ++i) {
      std::memcpy(out.row(i).data(), a.row(i * 4099 % kRows).data(), static_cast<std::size_t>(cols) * sizeof(float));
    }
    benchmark::ClobberMemory();
  }
  report(state, cols);
}

BENCHMARK(encode_codes_of_rows)->ArgsProduct({{384, 768}, {1, 2, 4}})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(decode_scattered_rows)->ArgsProduct({{384, 768}, {1, 2, 3, 4, 6}})->Unit(benchmark::kMillisecond);
BENCHMARK(copy_scattered_rows)->Args({384})->Args({768})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loewner
