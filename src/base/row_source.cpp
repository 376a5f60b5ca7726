// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/row_source.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

void copy_rows(MatrixView<const float> rows, Index first, Matrix<float>& all) {
  for (Index i = 0; i < rows.rows(); ++i) std::ranges::copy(rows.row(i), all.row(first + i).begin());
}

// The exponent bits: all ones in NaN and infinity.
constexpr std::uint32_t kExponent = 0x7f800000;

}  // namespace

Index rows_per_block(Index cols) {
  return std::max<Index>(16, (Index{1} << 18) / std::max<Index>(1, cols));
}

Index num_row_blocks(const RowSource& a) {
  const Index per_block = rows_per_block(a.cols());
  return (a.rows() + per_block - 1) / per_block;
}

void for_each_row_block(const RowSource& a, const std::function<void(Index, Index, MatrixView<const float>)>& body) {
  const Index per_block = rows_per_block(a.cols());
  parallel_for(num_row_blocks(a), [&](Index block) {
    const Index first = block * per_block;
    Matrix<float> buffer;
    body(block, first, a.read_rows(first, std::min(per_block, a.rows() - first), buffer));
  });
}

double sum_over_row_blocks(const RowSource& a, const std::function<double(Index, MatrixView<const float>)>& body) {
  std::vector<double> parts(num_row_blocks(a));
  for_each_row_block(a,
                     [&](Index block, Index first, MatrixView<const float> rows) { parts[block] = body(first, rows); });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

Matrix<float> read_all(const RowSource& a) {
  Matrix<float> all = Matrix<float>::uninitialized(a.rows(), a.cols());
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) { copy_rows(rows, first, all); });
  return all;
}

void require_finite_rows(MatrixView<const float> rows, Index first, const std::string& what) {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    std::uint32_t special = 0;  // a reduction, so that the loop has no branch per entry
    for (const float x : row)
      special |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent);
    if (special == 0) continue;
    const auto bad = std::ranges::find_if_not(row, [](float x) { return std::isfinite(x); });
    throw InvalidArgument(what + " has a non-finite value at row " + std::to_string(first + i) + ", column " +
                          std::to_string(bad - row.begin()));
  }
}

void require_finite(const RowSource& a, const std::string& what) {
  for_each_row_block(a,
                     [&](Index, Index first, MatrixView<const float> rows) { require_finite_rows(rows, first, what); });
}

}  // namespace loewner
