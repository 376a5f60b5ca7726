// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/encoded_product.hpp"

#include <optional>
#include <utility>

#include "codec/banded_rows.hpp"
#include "codec/codes_product.hpp"
#include "codec/factored_product.hpp"
#include "codec/integer_rows.hpp"
#include "codec/parts_product.hpp"
#include "linalg/blas.hpp"
#include "loewner/codec/input_codes.hpp"

namespace loewner {
namespace {

using detail::BandedRows;
using detail::CodesProduct;
using detail::FactoredProduct;
using detail::IntegerRows;
using detail::PartsProduct;
using FloatProduct = detail::ByteProduct::FloatProduct;

// Whether each row is a vector of the kernels.
bool has_vectors(const Codes& codes) {
  return codes.ladder().is_plain() && codes.form() == CodesForm::separate;
}

void multiply_decoded(const EncodedMatrix& w, ProductSide side, MatrixView<const float> x, MatrixView<float> y) {
  const Matrix<float> decoded = w.decode();
  const auto op = side == ProductSide::transposed ? blas::Op::transpose : blas::Op::none;
  blas::gemm(blas::Op::none, op, 1.0F, x, decoded.view(), 0.0F, y);
}

// x W^T, or x W, with codes whose rows belong to inputs.
std::unique_ptr<EncodedProduct> product_with_input_codes(const InputCodes& w, ProductSide side,
                                                         FloatProduct in_floats) {
  if (w.inputs() != (side == ProductSide::transposed ? InputSide::cols : InputSide::rows)) return nullptr;
  const auto* const codes = dynamic_cast<const Codes*>(&w.codes());
  if (codes == nullptr || !has_vectors(*codes)) return nullptr;
  return std::make_unique<CodesProduct>(*codes, CodesProduct::Rows::inputs, w.rotation(), std::move(in_floats));
}

std::unique_ptr<EncodedProduct> product_with_codes(const Codes& w, ProductSide side, FloatProduct in_floats) {
  const bool by_output = side == ProductSide::transposed;
  if (has_vectors(w)) {
    const auto rows = by_output ? CodesProduct::Rows::outputs : CodesProduct::Rows::inputs;
    return std::make_unique<CodesProduct>(w, rows, std::nullopt, std::move(in_floats));
  }
  if (!by_output) return nullptr;
  return std::make_unique<PartsProduct>(std::make_unique<BandedRows>(w), std::move(in_floats));
}

}  // namespace

std::unique_ptr<EncodedProduct> encoded_product(const EncodedMatrix& w, ProductSide side) {
  if ((side == ProductSide::transposed ? w.cols() : w.rows()) > detail::kMostInputs) return nullptr;
  const FloatProduct in_floats = [&w, side](MatrixView<const float> x, MatrixView<float> y) {
    multiply_decoded(w, side, x, y);
  };
  if (const auto* codes = dynamic_cast<const InputCodes*>(&w)) return product_with_input_codes(*codes, side, in_floats);
  if (const auto* codes = dynamic_cast<const Codes*>(&w)) return product_with_codes(*codes, side, in_floats);
  if (side == ProductSide::plain) return nullptr;
  if (const auto* integers = dynamic_cast<const Integers*>(&w);
      integers != nullptr && IntegerRows::has_parts(*integers)) {
    return std::make_unique<PartsProduct>(std::make_unique<IntegerRows>(*integers), in_floats);
  }
  if (const auto* product = dynamic_cast<const Product*>(&w)) {
    auto by_left = encoded_product(product->left(), side);
    return by_left == nullptr ? nullptr : std::make_unique<FactoredProduct>(*product, std::move(by_left));
  }
  return nullptr;
}

}  // namespace loewner
