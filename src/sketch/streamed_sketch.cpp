// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/streamed_sketch.hpp"

#include <string>

namespace loewner {

StreamedSketch::StreamedSketch(const SparseSignEmbedding& embedding, Index cols)
    : embedding_(embedding), sums_(embedding.rows(), cols) {}

void StreamedSketch::add_rows(Index first, const RowMatrix& rows) {
  const Index n = embedding_.cols(), count = rows.rows();
  require(first >= 0 && first <= n && count <= n - first && rows.cols() == sums_.cols(), [&] {
    return "StreamedSketch: the block must lie inside the " + std::to_string(n) + " x " + std::to_string(sums_.cols()) +
           " matrix and have all columns, got " + std::to_string(count) + " x " + std::to_string(rows.cols()) +
           " from row " + std::to_string(first) + " on";
  });
  require_finite(rows, "StreamedSketch: the block of rows");
  embedding_.accumulate(first, rows, sums_.view());
}

void StreamedSketch::merge(const StreamedSketch& other) {
  const auto& a = embedding_;
  const auto& b = other.embedding_;
  const bool same = a.seed() == b.seed() && a.rows() == b.rows() && a.nonzeros() == b.nonzeros() &&
                    a.cols() == b.cols() && sums_.cols() == other.sums_.cols();
  require(same, [&] {
    const auto describe = [](const SparseSignEmbedding& s, Index cols) {
      return "seed " + std::to_string(s.seed()) + ", " + std::to_string(s.rows()) + " x " + std::to_string(s.cols()) +
             ", " + std::to_string(s.nonzeros()) + " nonzeros, " + std::to_string(cols) + " columns";
    };
    return "StreamedSketch: merged sketches must have the same embedding, got (" + describe(a, sums_.cols()) +
           ") and (" + describe(b, other.sums_.cols()) + ")";
  });
  for (Index i = 0; i < sums_.rows() * sums_.cols(); ++i) sums_.data()[i] += other.sums_.data()[i];
}

Matrix<double> StreamedSketch::result() const {
  Matrix<double> result = sums_.clone();
  for (Index i = 0; i < result.rows() * result.cols(); ++i) result.data()[i] *= embedding_.scale();
  return result;
}

}  // namespace loewner
