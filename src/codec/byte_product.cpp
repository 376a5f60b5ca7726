// SPDX-License-Identifier: Apache-2.0
#include "codec/byte_product.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr Index kMostTokensOfChunk = 1024;      // each chunk decodes all weights
constexpr Index kMostBytesOfChunk = 640 << 10;  // its tokens stay in the cache beside a panel
constexpr Index kTokensOfLongVectors = 96;      // of a chunk, however long they are
constexpr Index kLeastTokensOfChunk = 32;       // with fewer the decoding, which each chunk repeats, would prevail
constexpr double kLeastWork = 1e7;              // products of bytes that are worth a thread: those of about 50 us
constexpr double kDecodingWork = 24;            // products of bytes in the time of decoding one entry

const ArgumentCheck kCheck("EncodedProduct");

}  // namespace

void for_each_on(int threads, Index count, const std::function<void(Index)>& body) {
  const Index tasks = std::min<Index>(threads, count);
  if (tasks > 1) {
    return parallel_for(tasks, [&](Index task) {
      for (Index i = task; i < count; i += tasks) body(i);
    });
  }
  for (Index i = 0; i < count; ++i) body(i);
}

void require_shapes(const EncodedProduct& product, MatrixView<const float> x, std::span<const float> bias,
                    MatrixView<const float> y) {
  kCheck.that(x.cols() == product.inputs() && y.cols() == product.outputs() && y.rows() == x.rows(), [&] {
    return "x must be m x " + text_of(product.inputs()) + " and y m x " + text_of(product.outputs()) + ", got " +
           shape_text(x.rows(), x.cols()) + " and " + shape_text(y.rows(), y.cols());
  });
  kCheck.that(bias.empty() || std::ssize(bias) == product.outputs(), [&] {
    return "bias must have " + text_of(product.outputs()) + " entries, got " + std::to_string(bias.size());
  });
}

void ByteProduct::apply(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                        int threads) const {
  require_shapes(*this, x, bias, y);
  const Index count = x.rows();
  if (count == 0) return;
  const double work = (static_cast<double>(count) + kDecodingWork) * static_cast<double>(inputs() * outputs());
  threads = static_cast<int>(std::clamp(work / kLeastWork, 1.0, static_cast<double>(std::max(threads, 1))));
  const bool is_cut_by_tokens = count >= threads * kLeastTokensOfChunk;
  const Index most = std::clamp(kMostBytesOfChunk / inputs(), kTokensOfLongVectors, kMostTokensOfChunk);
  const Index chunks = rounded_up((count + most - 1) / most, is_cut_by_tokens ? threads : 1);
  const Index size = (count + chunks - 1) / chunks;
  for_each_on(is_cut_by_tokens ? threads : 1, chunks, [&](Index chunk) {
    const Index first = std::min(chunk * size, count), rows = std::min(size, count - first);
    apply_to_chunk(x.row_block(first, rows), bias, y.row_block(first, rows), is_cut_by_tokens ? 1 : threads);
  });
}

void ByteProduct::multiply_in_floats(MatrixView<const float> x, std::span<const Index> which,
                                     MatrixView<float> y) const {
  const auto count = static_cast<Index>(which.size());
  if (count == 0) return;
  Matrix<float> from = Matrix<float>::uninitialized(count, inputs()),
                to = Matrix<float>::uninitialized(count, outputs());
  for (Index i = 0; i < count; ++i) std::ranges::copy(x.row(which[i]), from.row(i).begin());
  in_floats_(std::as_const(from).view(), to.view());
  for (Index i = 0; i < count; ++i) std::ranges::copy(to.row(i), y.row(which[i]).begin());
}

}  // namespace loewner::detail
