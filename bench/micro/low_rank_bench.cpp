// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/low_rank.hpp"

#include "tables.hpp"

namespace loewner {
namespace {

constexpr Index kVocabulary = 30522, kWidth = 384, kRank = 273;

// An array in memory instead of a mapped file.
StoredArray in_memory(const Matrix<float>& a, NumberFormat format) {
  const Index row_bytes = a.cols() * bytes_per_number(format);
  auto bytes = std::make_shared<std::vector<std::byte>>(a.rows() * row_bytes);
  for (Index i = 0; i < a.rows(); ++i) encode_numbers(a.row(i), format, bytes->data() + i * row_bytes);
  return {.name = "memory",
          .dtype = dtype_of(format),
          .rows = a.rows(),
          .cols = a.cols(),
          .read_rows = [bytes, row_bytes](Index first, Index count, std::byte* out) {
            std::copy_n(bytes->data() + first * row_bytes, count * row_bytes, out);
          }};
}

// Decodes the rows of a batch of tokens, like an embedding layer. relative_error: of the decoded rows, compared with the
// product of the factors before rounding.
void decode_rows(benchmark::State& state) {
  const auto format = static_cast<NumberFormat>(state.range(0));
  const auto left = test::gaussian_matrix({.rows = kVocabulary, .cols = kRank, .seed = 1});
  auto right = test::gaussian_matrix({.rows = kRank, .cols = kWidth, .seed = 2});
  std::vector<Index> tokens(static_cast<std::size_t>(state.range(1)));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<Index>(i * 7919 % kVocabulary);

  Matrix<float> chosen(static_cast<Index>(tokens.size()), kRank), out(chosen.rows(), kWidth);
  for (Index i = 0; i < chosen.rows(); ++i) std::ranges::copy(left.row(tokens[i]), chosen.row(i).begin());
  const auto expected = test::product(chosen.view(), std::as_const(right).view());

  const LowRank encoded(stored_rows(in_memory(left, format)), std::move(right), format);
  for (auto _ : state) {
    encoded.decode_rows(tokens, out.view());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(std::string(to_string(format)));
  state.SetItemsProcessed(state.iterations() * chosen.rows());
  state.counters["relative_error"] =
      test::frobenius_distance(out.view(), expected.view()) / test::frobenius_norm(expected.view());
}

BENCHMARK(decode_rows)
    ->ArgsProduct({{static_cast<int>(NumberFormat::f32), static_cast<int>(NumberFormat::f16)}, {16, 512}})
    ->UseRealTime();

}  // namespace
}  // namespace loewner
