// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/product.hpp"

#include <array>
#include <string>

#include "codec/nested_matrix.hpp"
#include "codec/spec_field.hpp"
#include "linalg/blas.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerTask = 64;

constexpr std::array<std::string_view, 4> kFactors = {"codes", "joined_codes", "entropy_codes", "integers"};

}  // namespace

Product::Product(std::unique_ptr<EncodedMatrix> left, std::unique_ptr<EncodedMatrix> right)
    : left_(std::move(left)), right_(std::move(right)), decoded_right_(read_all(*right_)) {
  require(left_->cols() == right_->rows(), [&] {
    return "Product: the factors' inner sizes must agree, got " + std::to_string(left_->cols()) + " and " +
           std::to_string(right_->rows());
  });
}

std::unique_ptr<EncodedMatrix> Product::from_tensors(const Json& spec, const ArrayLookup& arrays) {
  auto left = detail::nested_matrix(spec, "left", kFactors, arrays),
       right = detail::nested_matrix(spec, "right", kFactors, arrays);
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols"),
              rank = detail::size_field(spec, "rank");
  if (left->rows() != rows || left->cols() != rank || right->rows() != rank || right->cols() != cols) {
    throw IoError("specification: the factors of a product must be rows x rank and rank x cols");
  }
  return std::make_unique<Product>(std::move(left), std::move(right));
}

std::vector<StoredArray> Product::to_tensors() const {
  std::vector<StoredArray> arrays;
  detail::add_nested_arrays(*left_, "left", arrays);
  detail::add_nested_arrays(*right_, "right", arrays);
  return arrays;
}

Json Product::spec_fields() const {
  return {{"rank", rank()}, {"left", left_->spec()}, {"right", right_->spec()}};
}

MatrixView<const float> Product::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  Matrix<float> left_buffer;
  const auto left = left_->read_rows(first, count, left_buffer);
  buffer = Matrix<float>::uninitialized(count, cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0F, left, decoded_right_.view(), 0.0F, buffer.view());
  return buffer.view();
}

void Product::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  const auto count = static_cast<Index>(indices.size());
  parallel_for((count + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
    const Index first = task * kRowsPerTask, size = std::min(kRowsPerTask, count - first);
    Matrix<float> left = Matrix<float>::uninitialized(size, rank());
    left_->decode_rows(indices.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size)), left.view());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0F, left.view(), decoded_right_.view(), 0.0F,
               out.row_block(first, size));
  });
}

}  // namespace loewner
