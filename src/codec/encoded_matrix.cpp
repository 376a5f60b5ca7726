// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/encoded_matrix.hpp"

#include <algorithm>

#include "linalg/blas.hpp"
#include "loewner/model/json.hpp"

namespace loewner {

void EncodedMatrix::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  Matrix<float> buffer;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::ranges::copy(read_rows(indices[i], 1, buffer).row(0), out.row(static_cast<Index>(i)).begin());
  }
}

Matrix<float> EncodedMatrix::decode() const {
  return read_all(*this);
}

void EncodedMatrix::apply(MatrixView<const float> x, MatrixView<float> y) const {
  for_each_row_block(*this, [&](Index, Index first, MatrixView<const float> w) {
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, x, w, 0.0F, y.col_block(first, w.rows()));
  });
}

Index EncodedMatrix::bytes() const {
  Index sum = 0;
  for (const auto& array : to_tensors()) sum += array.bytes();
  return sum;
}

Json EncodedMatrix::spec() const {
  Json spec = {{"structure", structure()}, {"rows", rows()}, {"cols", cols()}};
  spec.update(spec_fields());
  return spec;
}

}  // namespace loewner
