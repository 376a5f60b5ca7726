// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "loewner/codec/codes.hpp"
#include "loewner/codec/encoded_product.hpp"
#include "loewner/codec/input_codes.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/codec/product.hpp"
#include "support/encoded_layers.hpp"
#include "support/instruction_sets.hpp"
#include "support/matrices.hpp"

namespace loewner::encoded_product_choice_test {
namespace {

TEST(EncodedProductChoice, IsPreferableForFewBitsWhereBytesAreMultipliedFast) {
  const auto few = test::layer_codes(200, 64, 3), many = test::layer_codes(200, 64, 7);
  EXPECT_EQ(encoded_product(*few, ProductSide::transposed)->is_preferable(), detail::isa() >= detail::Isa::avx2);
  EXPECT_FALSE(encoded_product(*many, ProductSide::transposed)->is_preferable());
  // Without a rotation of the inputs, single large ones would take most of the steps.
  EXPECT_FALSE(encoded_product(*few, ProductSide::plain)->is_preferable());
  const test::IsaLimit limit(detail::Isa::scalar);
  EXPECT_FALSE(encoded_product(*few, ProductSide::transposed)->is_preferable());
}

TEST(EncodedProductChoice, IsPreferableForIntegersAndForProductsOfManyRows) {
  const bool is_fast = detail::isa() >= detail::Isa::avx2;
  EXPECT_EQ(encoded_product(*test::layer_integers(20, 64, 4), ProductSide::transposed)->is_preferable(),
            detail::isa() >= detail::Isa::avx512_vnni);
  const Product wide(test::layer_codes(30, 20), test::layer_codes(20, 40)),
      tall(test::layer_codes(640, 20), test::layer_codes(20, 40));
  EXPECT_EQ(encoded_product(tall, ProductSide::transposed)->is_preferable(), is_fast);
  EXPECT_FALSE(encoded_product(wide, ProductSide::transposed)->is_preferable());
}

TEST(EncodedProductChoice, IsPreferableForFewBitsInBands) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 64, .seed = 1});
  const auto is_preferable = [&](std::uint8_t bits) {
    const CodeLadder ladder({{32, 1.0F}, {32, 1.0F}}, {{0, 0}, {bits, bits}});
    const auto w = encode_codes(DenseRows(a.view()), {.max_bytes = 4096, .ladder = ladder});
    return encoded_product(*w, ProductSide::transposed)->is_preferable();
  };
  EXPECT_EQ(is_preferable(4), detail::isa() >= detail::Isa::avx2);
  EXPECT_FALSE(is_preferable(8));
}

TEST(EncodedProductChoice, OtherStructuresHaveNone) {
  const auto a = test::gaussian_matrix({.rows = 20, .cols = 64, .seed = 1});
  EXPECT_FALSE(encoded_product(*test::layer_codes_in_bands(20, 64, CodesForm::separate), ProductSide::plain));
  EXPECT_FALSE(encoded_product(*test::layer_integers(20, 64, 8), ProductSide::plain));
  Integers::Shape groups = test::layer_integers(20, 64, 8)->shape();
  groups.group = 32;
  EXPECT_FALSE(encoded_product(Integers(std::make_shared<DenseRows>(a.view()), groups), ProductSide::transposed));
  const InputCodes by_cols(test::layer_codes(20, 64), InputSide::cols, 7),
      by_rows(test::layer_codes(20, 64), InputSide::rows, 7);
  EXPECT_FALSE(encoded_product(by_cols, ProductSide::plain));
  EXPECT_FALSE(encoded_product(by_rows, ProductSide::transposed));
}

}  // namespace
}  // namespace loewner::encoded_product_choice_test
