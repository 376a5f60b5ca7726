// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/encoded_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/input_codes.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/codec/product.hpp"
#include "support/encoded.hpp"
#include "support/encoded_layers.hpp"
#include "support/instruction_sets.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner::encoded_product_test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  const char* name;
  ProductSide side;
  std::unique_ptr<EncodedMatrix> (*matrix)(Index inputs, Index outputs);
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"codes, x W^T", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_codes(outputs, inputs);
       }},
      {"codes, x W", ProductSide::plain,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_codes(inputs, outputs);
       }},
      {"input_codes, x W^T", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return std::make_unique<InputCodes>(test::layer_codes(inputs, outputs), InputSide::cols, 7);
       }},
      {"input_codes, x W", ProductSide::plain,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return std::make_unique<InputCodes>(test::layer_codes(inputs, outputs), InputSide::rows, 7);
       }},
      {"input_codes without rotation", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return std::make_unique<InputCodes>(test::layer_codes(inputs, outputs), InputSide::cols, std::nullopt);
       }},
      {"codes in bands", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_codes_in_bands(outputs, inputs, CodesForm::separate);
       }},
      {"joined codes", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_codes_in_bands(outputs, inputs, CodesForm::joined);
       }},
      {"integers of 8 bits", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_integers(outputs, inputs, 8);
       }},
      {"integers of 4 bits", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         return test::layer_integers(outputs, inputs, 4);
       }},
      {"product", ProductSide::transposed,
       [](Index inputs, Index outputs) -> std::unique_ptr<EncodedMatrix> {
         const Index rank = (inputs + 1) / 2;
         return std::make_unique<Product>(test::layer_codes_in_bands(outputs, rank, CodesForm::joined),
                                          test::layer_codes(rank, inputs, 6));
       }},
  };
  return all;
}

// The product with the decoded matrix.
Matrix<float> exact(const EncodedMatrix& w, ProductSide side, MatrixView<const float> x) {
  const Matrix<float> decoded = w.decode();
  const Index outputs = side == ProductSide::transposed ? w.rows() : w.cols();
  Matrix<float> y(x.rows(), outputs);
  for (Index t = 0; t < x.rows(); ++t) {
    for (Index i = 0; i < outputs; ++i) {
      double sum = 0;
      for (Index j = 0; j < x.cols(); ++j) {
        sum += static_cast<double>(x(t, j)) *
               static_cast<double>(side == ProductSide::transposed ? decoded(i, j) : decoded(j, i));
      }
      y(t, i) = static_cast<float>(sum);
    }
  }
  return y;
}

Matrix<float> multiplied(const EncodedProduct& product, MatrixView<const float> x, int threads = 1) {
  Matrix<float> y = Matrix<float>::uninitialized(x.rows(), product.outputs());
  std::fill_n(y.data(), y.rows() * y.cols(), kNan);
  product.apply(x, {}, y.view(), threads);
  return y;
}

bool same_bits(const Matrix<float>& a, const Matrix<float>& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.rows() * a.cols()) * sizeof(float)) == 0;
}

double relative_distance(const Matrix<float>& a, const Matrix<float>& b) {
  return test::frobenius_distance(a.view(), b.view()) / std::max(test::frobenius_norm(b.view()), 1e-30);
}

// Both roundings have steps of 1 / 127 of a largest entry. Rows of sizes from 1 to 1 / 800 are the worst case: few of
// them carry the product. With 3100 inputs, three panels are decoded together, and the fourth alone.
TEST(EncodedProduct, IsThatOfTheDecodedMatrixUpToRounding) {
  for (const Case& one : cases()) {
    for (const auto& [inputs, outputs] :
         {std::pair<Index, Index>{1, 1}, {5, 3}, {48, 30}, {129, 65}, {64, 200}, {3100, 200}}) {
      const auto w = one.matrix(inputs, outputs);
      const auto product = encoded_product(*w, one.side);
      ASSERT_TRUE(product) << one.name;
      for (const Index count : {1, 7, 33, 50}) {
        const auto x = test::gaussian_matrix({.rows = count, .cols = inputs, .seed = 2});
        EXPECT_LT(relative_distance(multiplied(*product, x.view()), exact(*w, one.side, x.view())), 0.04)
            << one.name << ", " << inputs << " x " << outputs << ", " << count;
      }
      const Matrix<float> none(0, inputs);
      EXPECT_EQ(multiplied(*product, none.view()).rows(), 0);
    }
  }
}

// Negative control: a bound that the product with another matrix, or with other vectors, would also keep says nothing.
TEST(EncodedProduct, OfOtherVectorsIsFarOff) {
  const auto w = cases()[0].matrix(48, 30);
  const auto x = test::gaussian_matrix({.rows = 7, .cols = 48, .seed = 2}),
             other = test::gaussian_matrix({.rows = 7, .cols = 48, .seed = 3});
  EXPECT_GT(relative_distance(multiplied(*encoded_product(*w, cases()[0].side), x.view()),
                              exact(*w, cases()[0].side, other.view())),
            0.5);
}

TEST(EncodedProduct, HasTheSameBitsWithAnyThreadsAndInstructionSet) {
  const test::ThreadCount most(8);
  for (const Case& one : cases()) {
    const auto w = one.matrix(200, 300);
    const auto product = encoded_product(*w, one.side);
    for (const Index count : {1, 50, 300}) {
      const auto x = test::gaussian_matrix({.rows = count, .cols = 200, .seed = 2});
      const Matrix<float> expected = multiplied(*product, x.view());
      for (const int threads : {2, 8}) EXPECT_TRUE(same_bits(multiplied(*product, x.view(), threads), expected));
      for (const auto isa : test::kInstructionSets) {
        if (isa == detail::Isa::scalar && count > 50) continue;  // slow
        const test::IsaLimit limit(isa);
        EXPECT_TRUE(same_bits(multiplied(*product, x.view()), expected)) << one.name << ", " << static_cast<int>(isa);
      }
    }
  }
}

TEST(EncodedProduct, TakesZerosAndVectorsOfAnySize) {
  for (const Case& one : cases()) {
    const auto w = one.matrix(48, 30);
    const auto product = encoded_product(*w, one.side);
    for (const float size : {1e-42F, 1e-20F, 1e20F, 1e33F}) {
      auto x = test::gaussian_matrix({.rows = 3, .cols = 48, .seed = 2});
      for (float& value : x.row(1)) value *= size;
      std::ranges::fill(x.row(2), 0.0F);
      const Matrix<float> y = multiplied(*product, x.view()), expected = exact(*w, one.side, x.view());
      for (Index t = 0; t < 3; ++t) {
        double error = 0, norm = 0;
        for (Index i = 0; i < 30; ++i) {
          error += std::pow(static_cast<double>(y(t, i)) - static_cast<double>(expected(t, i)), 2);
          norm += std::pow(static_cast<double>(expected(t, i)), 2);
        }
        EXPECT_LE(std::sqrt(error), 0.03 * std::sqrt(norm) + 1e-42) << one.name << ", " << size << ", " << t;
      }
    }
  }
}

TEST(EncodedProduct, PropagatesEntriesThatAreNotFiniteAsADenseMatrixDoes) {
  for (const Case& one : cases()) {
    const auto w = one.matrix(48, 30);
    const auto product = encoded_product(*w, one.side);
    auto x = test::gaussian_matrix({.rows = 4, .cols = 48, .seed = 2});
    const Matrix<float> finite = multiplied(*product, x.view());
    x(1, 5) = kNan;
    x(3, 7) = -kInfinity;
    const Matrix<float> y = multiplied(*product, x.view()), expected = exact(*w, one.side, x.view());
    for (Index i = 0; i < 30; ++i) {
      EXPECT_EQ(y(0, i), finite(0, i));
      EXPECT_TRUE(std::isnan(y(1, i)));
      EXPECT_EQ(y(2, i), finite(2, i));
      // With two factors, infinite coordinates of both signs are added.
      const bool is_infinity = y(3, i) == expected(3, i) || w->structure() == "product";
      EXPECT_TRUE(std::isnan(expected(3, i)) || is_infinity) << one.name << ", " << i;
      EXPECT_FALSE(std::isfinite(y(3, i)));
    }
  }
}

// Against the plain instruction set, with arrays that must be copied for it and with arrays in memory.
TEST(EncodedProduct, OfRandomSizesIsThatOfThePlainKernels) {
  std::uint64_t state = 1;
  const auto next = [&](Index most) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<Index>(state >> 33) % most + 1;
  };
  for (int i = 0; i < 30; ++i) {
    const Case& one = cases()[i % cases().size()];
    const Index inputs = next(150), outputs = next(150);
    const auto w = one.matrix(inputs, outputs);
    const auto x = test::gaussian_matrix({.rows = next(20), .cols = inputs, .seed = state});
    const Matrix<float> y = multiplied(*encoded_product(*w, one.side), x.view());
    ArrayLookup without_memory = [lookup = test::arrays_of(*w)](std::string_view name) {
      StoredArray array = lookup(name);
      array.memory = nullptr;
      return array;
    };
    const auto copy = encoded_matrix_from_tensors(w->spec(), without_memory);
    const test::IsaLimit limit(detail::Isa::scalar);
    EXPECT_TRUE(same_bits(multiplied(*encoded_product(*copy, one.side), x.view()), y)) << inputs << " x " << outputs;
  }
}

// Their inputs are not rotated. With one byte for each entry, the large one would leave three steps for the others.
TEST(EncodedProduct, OfIntegersIsAccurateBesideALargeEntry) {
  const auto w = test::layer_integers(40, 256, 8);
  auto x = test::gaussian_matrix({.rows = 1, .cols = 256, .seed = 2});
  const Matrix<float> without = exact(*w, ProductSide::transposed, x.view());
  x(0, 130) = 100;
  const Matrix<float> y = multiplied(*encoded_product(*w, ProductSide::transposed), x.view());
  const Matrix<float> expected = exact(*w, ProductSide::transposed, x.view());
  EXPECT_LT(test::frobenius_distance(y.view(), expected.view()), 0.005 * test::frobenius_norm(without.view()));
}

void expect_error_of_16_bits(const Integers& w, Index count) {
  const auto x = test::gaussian_matrix({.rows = count, .cols = w.cols(), .seed = 2});
  const Matrix<float> expected = exact(w, ProductSide::transposed, x.view());
  for (const detail::Isa isa : test::kInstructionSets) {
    const test::IsaLimit limit(isa);
    const Matrix<float> y = multiplied(*encoded_product(w, ProductSide::transposed), x.view());
    EXPECT_LT(test::frobenius_distance(y.view(), expected.view()), 5e-5 * test::frobenius_norm(expected.view()))
        << w.cols() << " columns, " << count << " vectors";
  }
}

// Vectors have 16 bits and W is not rounded. One byte for each entry would give an error of about 1e-2. Rows of 256
// entries are multiplied where they lie.
TEST(EncodedProduct, OfIntegersHasTheErrorOf16Bits) {
  for (const int bits : {4, 8}) {
    for (const Index cols : {200, 256}) {
      for (const Index count : {1, 3}) expect_error_of_16_bits(*test::layer_integers(70, cols, bits), count);
    }
  }
}

TEST(EncodedProduct, RejectsVectorsOfAnotherLength) {
  const auto w = test::layer_codes(20, 64);
  const auto product = encoded_product(*w, ProductSide::transposed);
  const Matrix<float> x(3, 63);
  Matrix<float> y(3, 20);
  EXPECT_THROW(product->apply(x.view(), {}, y.view(), 1), InvalidArgument);
}

// Among them one that bytes cannot hold.
TEST(EncodedProduct, AddsABiasToAllVectors) {
  for (const Case& one : cases()) {
    const auto w = one.matrix(48, 30);
    const auto product = encoded_product(*w, one.side);
    const auto bias = test::gaussian_matrix({.rows = 1, .cols = 30, .seed = 5});
    for (const Index count : {1, 20}) {
      auto x = test::gaussian_matrix({.rows = count, .cols = 48, .seed = 2});
      x(count / 2, 3) = 1e32F;
      const Matrix<float> plain = multiplied(*product, x.view());
      Matrix<float> y(count, 30);
      product->apply(x.view(), bias.row(0), y.view(), 1);
      for (Index t = 0; t < count; ++t) {
        for (Index i = 0; i < 30; ++i) ASSERT_EQ(y(t, i), plain(t, i) + bias(0, i)) << one.name << ", " << t;
      }
      EXPECT_THROW(product->apply(x.view(), bias.row(0).first(29), y.view(), 1), InvalidArgument);
    }
  }
}

}  // namespace
}  // namespace loewner::encoded_product_test
