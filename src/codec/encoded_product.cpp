// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/encoded_product.hpp"

#include "codec/codes_product.hpp"
#include "linalg/blas.hpp"
#include "loewner/codec/input_codes.hpp"

namespace loewner {
namespace {

using detail::CodesProduct;

void multiply_densely(const EncodedMatrix& w, ProductSide side, MatrixView<const float> x, MatrixView<float> y) {
  const Matrix<float> decoded = w.decode();
  const auto op = side == ProductSide::transposed ? blas::Op::transpose : blas::Op::none;
  blas::gemm(blas::Op::none, op, 1.0F, x, decoded.view(), 0.0F, y);
}

}  // namespace

std::unique_ptr<EncodedProduct> encoded_product(const EncodedMatrix& w, ProductSide side) {
  const auto* const by_input = dynamic_cast<const InputCodes*>(&w);
  const auto* const codes = dynamic_cast<const Codes*>(by_input != nullptr ? &by_input->codes() : &w);
  if (codes == nullptr || !codes->ladder().is_plain() || codes->form() != CodesForm::separate) return nullptr;
  if (std::max(w.rows(), w.cols()) > detail::kMostInputs) return nullptr;
  std::optional<Rotation> rotation;
  auto rows = side == ProductSide::transposed ? CodesProduct::Rows::outputs : CodesProduct::Rows::inputs;
  if (by_input != nullptr) {
    const auto wanted = side == ProductSide::transposed ? InputSide::cols : InputSide::rows;
    if (by_input->inputs() != wanted) return nullptr;
    rows = CodesProduct::Rows::inputs;
    rotation = by_input->rotation();
  }
  return std::make_unique<CodesProduct>(
      *codes, rows, std::move(rotation),
      [&w, side](MatrixView<const float> x, MatrixView<float> y) { multiply_densely(w, side, x, y); });
}

}  // namespace loewner
