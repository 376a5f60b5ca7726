// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <memory>

#include "loewner/codec/codes.hpp"
#include "loewner/codec/integers.hpp"
#include "support/matrices.hpp"

namespace loewner::test {

inline Matrix<float> rows_of_all_sizes(Index rows, Index cols) {
  auto a = gaussian_matrix({.rows = rows, .cols = cols, .seed = 1});
  for (Index i = 0; i < rows; ++i) {
    for (float& x : a.row(i)) x *= std::pow(0.8F, static_cast<float>(i % 30));
  }
  return a;
}

/// With 3 bits on average, rows have from 0 to more than 4 bits.
inline std::unique_ptr<Codes> layer_codes(Index rows, Index cols, double bits = 3) {
  const Matrix<float> a = rows_of_all_sizes(rows, cols);
  const auto bytes = static_cast<Index>(bits * static_cast<double>(rows * ((cols + 7) / 8)));
  return encode_codes(DenseRows(a.view()), {.max_bytes = Codes::bytes_at(rows, cols, bytes, true)});
}

/// Codes in two bands, whose rows have steps of all heights.
inline std::unique_ptr<Codes> layer_codes_in_bands(Index rows, Index cols, CodesForm form) {
  const Matrix<float> a = rows_of_all_sizes(rows, cols);
  const Index first = cols / 3 / 8 * 8;
  const CodeLadder::Band rest{cols - first, 1.0F};
  const CodeLadder ladder = first == 0 ? CodeLadder({rest}, {{0}, {3}, {5}})
                                       : CodeLadder({{first, 2.0F}, rest}, {{0, 0}, {2, 0}, {4, 3}, {5, 4}});
  const Index bytes = ladder.bytes(static_cast<int>(ladder.steps().size()) - 1) * rows * 4 / 5;
  return encode_codes(DenseRows(a.view()),
                      {.max_bytes = Codes::bytes_at(rows, cols, bytes, true, form), .ladder = ladder, .form = form});
}

inline std::unique_ptr<Integers> layer_integers(Index rows, Index cols, int bits) {
  const auto a = std::make_shared<Matrix<float>>(gaussian_matrix({.rows = rows, .cols = cols, .seed = 1}));
  const std::shared_ptr<const RowSource> source(new DenseRows(a->view()),
                                                [a](const RowSource* rows_of_a) { delete rows_of_a; });
  return std::make_unique<Integers>(source, integers_shape(*source, bits));
}

}  // namespace loewner::test
