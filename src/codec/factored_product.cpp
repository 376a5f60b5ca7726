// SPDX-License-Identifier: Apache-2.0
#include "codec/factored_product.hpp"

#include <algorithm>
#include <utility>

#include "codec/byte_product.hpp"
#include "linalg/blas.hpp"

namespace loewner::detail {
namespace {

constexpr Index kRowsPerTask = 64;

// Rows of W for each column from which on the product with the right factor takes little of the time.
constexpr Index kLeastRowsPerCol = 16;

}  // namespace

void FactoredProduct::apply(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                            int threads) const {
  require_shapes(*this, x, bias, y);
  Matrix<float> coordinates = Matrix<float>::uninitialized(x.rows(), product_.rank());
  for_each_on(threads, (x.rows() + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
    const Index first = task * kRowsPerTask, size = std::min(kRowsPerTask, x.rows() - first);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, x.row_block(first, size), product_.right(), 0.0F,
               coordinates.view().row_block(first, size));
  });
  by_left_->apply(std::as_const(coordinates).view(), bias, y, threads);
}

bool FactoredProduct::is_preferable() const {
  return by_left_->is_preferable() && product_.rows() >= kLeastRowsPerCol * product_.cols();
}

}  // namespace loewner::detail
