// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/low_rank.hpp"

#include <algorithm>
#include <string>

#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/blas.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
LowRank::LowRank(std::shared_ptr<const RowSource> left, Matrix<float> right, NumberFormat format)
    : left_(std::move(left)), right_(std::make_shared<OwnedRows>(std::move(right))), format_(format) {
  require(left_->cols() == right_->rows() && right_->rows() >= 1, [&] {
    return "LowRank: the factors' inner sizes must agree and be at least 1, got " + std::to_string(left_->cols()) +
           " and " + std::to_string(right_->rows());
  });
}

std::unique_ptr<EncodedMatrix> LowRank::from_tensors(const Json& spec, const ArrayLookup& arrays) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols"),
              rank = detail::size_field(spec, "rank");
  if (rank < 1) throw IoError("specification: field 'rank' must be at least 1, got " + std::to_string(rank));
  const NumberFormat format = detail::format_field(spec);
  const StoredArray left = arrays("left"), right = arrays("right");
  detail::require_array(left, dtype_of(format), rows, rank);
  detail::require_array(right, dtype_of(format), rank, cols);
  return std::make_unique<LowRank>(stored_rows(left), read_all(*stored_rows(right)), format);
}

Index LowRank::bytes_at_rank(Index rows, Index cols, Index rank, NumberFormat format) {
  return (rows + cols) * rank * bytes_per_number(format);
}

std::vector<StoredArray> LowRank::to_tensors() const {
  return {stored_as("left", left_, dtype_of(format_)), stored_as("right", right_, dtype_of(format_))};
}

Json LowRank::spec_fields() const {
  return {{"rank", rank()}, {"format", to_string(format_)}};
}

MatrixView<const float> LowRank::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  Matrix<float> left_buffer;
  const auto left = left_->read_rows(first, count, left_buffer);
  buffer = Matrix<float>::uninitialized(count, cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0F, left, right_->view(), 0.0F, buffer.view());
  return buffer.view();
}

void LowRank::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  Matrix<float> picked = Matrix<float>::uninitialized(static_cast<Index>(indices.size()), rank()), buffer;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::ranges::copy(left_->read_rows(indices[i], 1, buffer).row(0), picked.row(static_cast<Index>(i)).begin());
  }
  blas::gemm(blas::Op::none, blas::Op::none, 1.0F, picked.view(), right_->view(), 0.0F, out);
}

void LowRank::apply(MatrixView<const float> x, MatrixView<float> y) const {
  Matrix<float> inner = Matrix<float>::uninitialized(x.rows(), rank());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, x, right_->view(), 0.0F, inner.view());
  for_each_row_block(*left_, [&](Index, Index first, MatrixView<const float> left) {
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, inner.view(), left, 0.0F, y.col_block(first, left.rows()));
  });
}

}  // namespace loewner
