// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/subspaces.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/tolerance.hpp"

namespace loewner::subspaces_test {
namespace {

constexpr Index kRows = 120, kCols = 40;
constexpr std::array<Index, 4> kDimensions = {7, 0, 12, 3};

// Left blocks and bases of four clusters with interleaved rows, and the matrix that they encode.
struct Factors {
  ClusterLabels labels = ClusterLabels(kRows);
  std::vector<Matrix<float>> left, right;
  Matrix<float> product = Matrix<float>(kRows, kCols);

  Factors() {
    std::vector<std::vector<Index>> rows(kDimensions.size());
    for (Index i = 0; i < kRows; ++i) {
      labels[i] = static_cast<std::uint8_t>(i * 5 % 7 % 4);
      rows[labels[i]].push_back(i);
    }
    for (std::size_t l = 0; l < kDimensions.size(); ++l) {
      const auto size = static_cast<Index>(rows[l].size());
      left.push_back(test::gaussian_matrix({.rows = size, .cols = kDimensions[l], .seed = 1 + l}));
      right.push_back(test::gaussian_matrix({.rows = kDimensions[l], .cols = kCols, .seed = 9 + l}));
      const auto decoded = test::product(left[l].view(), right[l].view());
      for (Index p = 0; p < size; ++p) std::ranges::copy(decoded.row(p), product.row(rows[l][p]).begin());
    }
  }

  Subspaces encoded(NumberFormat format = NumberFormat::f32) const {
    std::vector<Subspaces::Cluster> clusters;
    for (std::size_t l = 0; l < left.size(); ++l) {
      clusters.push_back({std::make_shared<DenseRows>(left[l].view()), right[l].clone()});
    }
    return {labels, kCols, std::move(clusters), format};
  }
};

TEST(Subspaces, DecodesEveryRowFromTheSubspaceOfItsCluster) {
  const Factors f;
  const auto decoded = read_all(f.encoded());
  EXPECT_LE(test::frobenius_distance(decoded.view(), f.product.view()), test::rounding_tolerance(f.product.view()));
}

TEST(Subspaces, ReadsAnyBlockOfRows) {
  const Factors f;
  Matrix<float> buffer;
  const auto rows = f.encoded().read_rows(33, 20, buffer);
  EXPECT_LE(test::frobenius_distance(rows, f.product.view().row_block(33, 20)),
            test::rounding_tolerance(f.product.view()));
}

TEST(Subspaces, DecodesSelectedRowsInAnyOrderAndTwice) {
  const Factors f;
  const std::array<Index, 6> indices = {119, 0, 63, 63, 1, 7};
  Matrix<float> rows(6, kCols), expected(6, kCols);
  f.encoded().decode_rows(indices, rows.view());
  for (Index i = 0; i < 6; ++i) std::ranges::copy(f.product.row(indices[i]), expected.row(i).begin());
  EXPECT_LE(test::frobenius_distance(rows.view(), expected.view()), test::rounding_tolerance(f.product.view()));
}

TEST(Subspaces, AppliesItsDecodedRows) {
  const Factors f;
  const auto x = test::gaussian_matrix({.rows = 9, .cols = kCols, .seed = 3});
  const Subspaces encoded = f.encoded();
  Matrix<float> through_factors(9, kRows), through_rows(9, kRows);
  encoded.apply(x.view(), through_factors.view());
  encoded.EncodedMatrix::apply(x.view(), through_rows.view());  // the default: decode and multiply
  EXPECT_LE(test::frobenius_distance(through_factors.view(), through_rows.view()),
            test::rounding_tolerance(through_rows.view()));
}

TEST(Subspaces, StoresAsManyNumbersAsTheExampleOfThePaper) {  // 20 x 10, j = 3, k = 2: n j + k j d
  ClusterLabels labels(20);
  for (Index i = 0; i < 20; ++i) labels[i] = static_cast<std::uint8_t>(i % 2);
  const auto left = test::gaussian_matrix({.rows = 10, .cols = 3, .seed = 1});
  std::vector<Subspaces::Cluster> clusters(2);
  for (auto& cluster : clusters) cluster = {std::make_shared<DenseRows>(left.view()), Matrix<float>(3, 10)};
  const Subspaces toy(labels, 10, std::move(clusters), NumberFormat::f32);
  EXPECT_EQ(toy.bytes(), 120 * 4 + 20);  // and one byte per row for its cluster
  EXPECT_EQ(Subspaces::bytes_of_numbers(20, 120, NumberFormat::f32), toy.bytes());
}

class SubspacesIn : public testing::TestWithParam<NumberFormat> {};

TEST_P(SubspacesIn, RoundTrips) {
  const Factors f;
  const Subspaces encoded = f.encoded(GetParam());
  const auto once = test::read_back(encoded);
  const auto twice = test::read_back(*once);
  EXPECT_EQ(once->spec(), encoded.spec());
  EXPECT_EQ(once->bytes(), encoded.bytes());
  const auto a = read_all(*once), b = read_all(*twice);
  EXPECT_TRUE(std::equal(a.data(), a.data() + kRows * kCols, b.data()));
}

TEST_P(SubspacesIn, SpecifiesShapeDimensionsAndFormat) {
  const Json spec = Factors().encoded(GetParam()).spec();
  const Json expected = {{"structure", "subspaces"},
                         {"rows", kRows},
                         {"cols", kCols},
                         {"dimensions", kDimensions},
                         {"sizes", {35, 34, 34, 17}},
                         {"format", to_string(GetParam())}};
  EXPECT_EQ(spec, expected);
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, SubspacesIn,
                         testing::Values(NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16),
                         [](const auto& type) { return std::string(to_string(type.param)); });

TEST(Subspaces, StoresNoArraysForADimensionOfZero) {
  std::vector<std::string> names;
  const Subspaces encoded = Factors().encoded();
  for (const auto& array : encoded.to_tensors()) names.push_back(array.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"cluster", "left_0", "right_0", "left_2", "right_2", "left_3", "right_3"}));
}

TEST(Subspaces, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto left = test::gaussian_matrix({.rows = 15000, .cols = 5, .seed = 4});
  const auto x = test::gaussian_matrix({.rows = 3, .cols = 33, .seed = 6});
  ClusterLabels labels(30000);
  for (Index i = 0; i < 30000; ++i) labels[i] = static_cast<std::uint8_t>(i % 2);
  std::vector<Subspaces::Cluster> clusters;
  for (const std::uint64_t seed : {7, 8}) {
    clusters.push_back(
        {std::make_shared<DenseRows>(left.view()), test::gaussian_matrix({.rows = 5, .cols = 33, .seed = seed})});
  }
  const Subspaces encoded(labels, 33, std::move(clusters), NumberFormat::f32);
  const auto results = [&](int threads) { return test::results_with_threads(encoded, x.view(), threads); };
  const auto one = results(1);
  EXPECT_EQ(results(2), one);
  EXPECT_EQ(results(8), one);
}

TEST(Subspaces, RejectsFactorsThatDoNotFitTheClusters) {
  const auto left = test::gaussian_matrix({.rows = 4, .cols = 3, .seed = 1});
  const auto encode = [&](ClusterLabels labels, Index dimension) {
    std::vector<Subspaces::Cluster> clusters(1);
    clusters[0] = {std::make_shared<DenseRows>(left.view()), Matrix<float>(dimension, 6)};
    return Subspaces(std::move(labels), 6, std::move(clusters), NumberFormat::f32);
  };
  EXPECT_NO_THROW((void)encode({0, 0, 0, 0}, 3));
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] {
                    (void)encode({0, 0, 0}, 3);
                  }),
                  "cluster 0 must be 3 x 3 and 3 x 6, got 4 x 3 and 3 x 6");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encode({0, 0, 0, 0}, 2); }), "must be 4 x 2");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] {
                    (void)encode({0, 1, 0, 0}, 3);
                  }),
                  "row 1 must be in one of 1 clusters, got 1");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)Subspaces({}, 6, {}, NumberFormat::f32); }),
                  "the number of clusters must be in [1, 256], got 0");
}

// The error about a specification with one changed field (null: removed).
std::string refusal(const std::string& field, const Json& value) {
  const Factors f;
  return test::refusal_of_field(f.encoded(), field, value);
}

TEST(Subspaces, RejectsASpecificationWithoutOneField) {
  for (const char* field : {"structure", "rows", "cols", "dimensions", "sizes", "format"}) {
    EXPECT_CONTAINS(refusal(field, nullptr), std::string("field '") + field + "'");
  }
}

TEST(Subspaces, NamesWrongFields) {
  EXPECT_CONTAINS(refusal("dimensions", 3), "field 'dimensions' must be a list of 1 to 256 integers, got 3");
  EXPECT_CONTAINS(refusal("dimensions", Json::array()), "'dimensions' must be a list of 1 to 256 integers, got []");
  EXPECT_CONTAINS(refusal("dimensions", Json(std::vector<int>(257, 1))), "'dimensions' must be a list of 1 to 256");
  EXPECT_CONTAINS(refusal("dimensions", {7, -1, 12, 3}), "must hold integers in [0, 40], got -1");
  EXPECT_CONTAINS(refusal("dimensions", {7, 41, 12, 3}), "must hold integers in [0, 40], got 41");
  EXPECT_CONTAINS(refusal("dimensions", {7, 0.5, 12, 3}), "must hold integers in [0, 40], got 0.5");
  EXPECT_CONTAINS(refusal("dimensions", {7, std::uint64_t{1} << 63, 12, 3}), "must hold integers in [0, 40]");
  EXPECT_CONTAINS(refusal("dimensions", {{"a", 1}}), "field 'dimensions' must be a list");
  EXPECT_CONTAINS(refusal("sizes", {1, 2, 3}), "must have as many entries as 'dimensions', 4, got 3");
  EXPECT_CONTAINS(refusal("sizes", {1, 2, 3, 121}), "field 'sizes' must hold integers in [0, 120], got 121");
  EXPECT_CONTAINS(refusal("rows", -1), "field 'rows' must be a non-negative integer, got -1");
  EXPECT_CONTAINS(refusal("format", "int8"), "format must be f32, f16 or bf16, got 'int8'");
}

TEST(Subspaces, RejectsArraysThatDoNotFit) {
  EXPECT_CONTAINS(refusal("rows", 121), "array 'cluster' must be 121 x 1, got 120 x 1");
  EXPECT_CONTAINS(refusal("dimensions", {6, 0, 12, 3}), "array 'left_0' must be");
  EXPECT_CONTAINS(refusal("dimensions", {7, 1, 12, 3}), "array 'left_1' is missing");
  EXPECT_CONTAINS(refusal("cols", 41), "array 'right_0' must be 7 x 41, got 7 x 40");
  EXPECT_CONTAINS(refusal("format", "f16"), "array 'left_0' must be of type F16, got F32");
}

// The error of from_tensors if the label of row 0 is changed from 0.
std::string refusal_of_label(int label) {
  const Factors f;
  const Subspaces encoded = f.encoded();
  const auto lookup = [arrays = test::arrays_of(encoded), label](std::string_view name) {
    StoredArray array = arrays(name);
    if (name != "cluster") return array;
    array.read_rows = [inner = array.read_rows, label](Index first, Index count, std::byte* out) {
      inner(first, count, out);
      if (first == 0) out[0] = static_cast<std::byte>(label);
    };
    return array;
  };
  return test::message_of<IoError>([&] { (void)encoded_matrix_from_tensors(encoded.spec(), lookup); });
}

TEST(Subspaces, RejectsALabelWithoutCluster) {
  EXPECT_CONTAINS(refusal_of_label(4), "array 'cluster' must hold numbers below 4, got 4 for row 0");
  EXPECT_CONTAINS(refusal_of_label(255), "got 255 for row 0");
}

TEST(Subspaces, RejectsLabelsThatContradictTheSizes) {
  EXPECT_CONTAINS(refusal_of_label(2), "array 'cluster' must hold the number 0 35 times, got it 34 times");
}

}  // namespace
}  // namespace loewner::subspaces_test
