// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/archetypes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/structures.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::archetypes_test {
namespace {

constexpr Index kPerRow = 3;

// Rows that are scaled mixtures of three of k Gaussian archetypes. There are more dimensions than
// archetypes, so the mixture of a row is unique. Hundreds of archetypes take milliseconds a row.
struct Mixtures {
  Matrix<float> archetypes, rows;
  std::vector<double> scales;

  explicit Mixtures(Index k) : archetypes(test::gaussian_matrix({k, k + 12, 1})), rows(k > 100 ? 60 : 300, k + 12) {
    RandomStream random(2, RandomPurpose::test_data);
    for (Index i = 0; i < rows.rows(); ++i) {
      std::array<double, kPerRow> weights{};
      for (double& w : weights) w = 0.1 + random.uniform();
      const double sum = std::accumulate(weights.begin(), weights.end(), 0.0), scale = 0.5 + 10 * random.uniform();
      scales.push_back(scale);
      for (Index m = 0; m < kPerRow; ++m) {
        const auto archetype = archetypes.row((i * 7 + m * (k / kPerRow)) % k);
        for (Index j = 0; j < cols(); ++j) {
          rows(i, j) += static_cast<float>(scale * weights[m] / sum) * archetype[j];
        }
      }
    }
  }

  Index count() const { return rows.rows(); }
  Index cols() const { return rows.cols(); }
};

double length_of(std::span<const float> row) {
  return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

// Error bound for a row with scale 1. Each of t weights has an error below 1 / 255 and moves the
// mixture by at most that times the longest archetype. Archetypes and scale keep 11 bits. The
// duality gap of the codes adds 1e-3.
double rounding_bound(const Mixtures& mixtures) {
  double longest = 0;
  for (Index k = 0; k < mixtures.archetypes.rows(); ++k) {
    longest = std::max(longest, length_of(mixtures.archetypes.row(k)));
  }
  return (kPerRow / 255.0 + 2 * 0x1p-11 + 1e-3) * longest;
}

std::unique_ptr<Archetypes> encoded(const Mixtures& mixtures) {
  return encode_archetypes(DenseRows(mixtures.rows.view()), mixtures.archetypes.view(), kPerRow);
}

std::unique_ptr<Archetypes> with_codes(const Mixtures& mixtures, Index bytes) {
  const auto mixed = encoded(mixtures);
  Matrix<float> rest = read_all(*mixed);
  for (Index i = 0; i < mixtures.count(); ++i) {
    for (Index j = 0; j < mixtures.cols(); ++j) rest(i, j) = mixtures.rows(i, j) - rest(i, j);
  }
  return mixed->with_residual(encode_codes(DenseRows(rest.view()), {.max_bytes = bytes}));
}

class ArchetypesOf : public testing::TestWithParam<Index> {};
INSTANTIATE_TEST_SUITE_P(OneAndTwoBytesAnIndex, ArchetypesOf, testing::Values(12, 256, 300));

TEST_P(ArchetypesOf, RecoversMixturesUpToTheRoundingOfWeights) {
  const Mixtures mixtures(GetParam());
  const Matrix<float> decoded = read_all(*encoded(mixtures));
  for (Index i = 0; i < mixtures.count(); ++i) {
    std::vector<float> left(mixtures.cols());
    for (Index j = 0; j < mixtures.cols(); ++j) left[j] = decoded(i, j) - mixtures.rows(i, j);
    EXPECT_LE(length_of(left), mixtures.scales[i] * rounding_bound(mixtures)) << i;
  }
}

TEST_P(ArchetypesOf, HasTheBytesOfItsShape) {
  const Mixtures mixtures(GetParam());
  const auto archetypes = encoded(mixtures);
  EXPECT_EQ(archetypes->bytes(), archetypes->shape().bytes());
  const Index index_bytes = GetParam() <= 256 ? 1 : 2;
  EXPECT_EQ(archetypes->bytes(),
            mixtures.count() * (kPerRow * (index_bytes + 1) + 2) + 2 * GetParam() * mixtures.cols());
}

TEST_P(ArchetypesOf, RoundTripsAndDecodesSelectedRows) {
  const Mixtures mixtures(GetParam());
  for (const bool coded : {false, true}) {
    const auto archetypes = coded ? with_codes(mixtures, mixtures.count() * mixtures.cols() / 2) : encoded(mixtures);
    const auto again = test::read_back(*archetypes);
    const Matrix<float> all = read_all(*archetypes);
    std::vector<Index> rows;
    for (Index i = 0; i < 280; ++i) rows.push_back(i * 7 % mixtures.count());
    Matrix<float> picked(280, mixtures.cols());
    again->decode_rows(rows, picked.view());
    for (Index i = 0; i < 280; ++i) EXPECT_TRUE(std::ranges::equal(picked.row(i), all.row(rows[i]))) << i;
    EXPECT_EQ(test::stored_bytes(*again), test::stored_bytes(*archetypes));
    EXPECT_EQ(again->spec(), archetypes->spec());
  }
}

TEST(Archetypes, ResidualCodesLowerTheError) {
  Mixtures mixtures(12);
  const auto noise = test::gaussian_matrix({mixtures.count(), mixtures.cols(), 9});
  for (Index i = 0; i < mixtures.count(); ++i) {
    for (Index j = 0; j < mixtures.cols(); ++j) mixtures.rows(i, j) += noise(i, j);
  }
  const auto left_by = [&](const EncodedMatrix& matrix) {
    const Matrix<float> decoded = read_all(matrix);
    return test::frobenius_distance(decoded.view(), mixtures.rows.view());
  };
  EXPECT_LT(left_by(*with_codes(mixtures, mixtures.count() * mixtures.cols() / 2)), 0.2 * left_by(*encoded(mixtures)));
}

TEST(Archetypes, EncodesZeroRowsAndNegatedMixtures) {
  Mixtures mixtures(12);
  std::ranges::fill(mixtures.rows.row(5), 0.0F);
  Matrix<float> archetypes(2, mixtures.cols()), rows(2, mixtures.cols());
  archetypes(0, 0) = archetypes(1, 1) = 1;
  rows(0, 0) = -3;
  const auto behind = read_all(*encode_archetypes(DenseRows(rows.view()), archetypes.view(), 2));
  EXPECT_LE(test::frobenius_norm(behind.view()), 3);  // at most the error of a zero row
  const auto decoded = read_all(*encoded(mixtures));
  for (const float x : decoded.row(5)) EXPECT_EQ(x, 0.0F);
}

TEST(Archetypes, GivesTheSameBytesForAnyNumberOfThreads) {
  const Mixtures mixtures(48);
  const auto bytes = [&](int threads) {
    const test::ThreadCount scope(threads);
    return test::stored_bytes(*with_codes(mixtures, mixtures.count() * mixtures.cols() / 2));
  };
  const auto one = bytes(1);
  EXPECT_EQ(bytes(2), one);
  EXPECT_EQ(bytes(8), one);
}

TEST(Archetypes, RejectsBadArguments) {
  const Mixtures mixtures(12);
  const DenseRows rows(mixtures.rows.view());
  const auto refusal = [&](MatrixView<const float> archetypes, Index per_row) {
    return test::message_of<InvalidArgument>([&] { (void)encode_archetypes(rows, archetypes, per_row); });
  };
  EXPECT_CONTAINS(refusal(mixtures.archetypes.view(), 0), "per_row must be in [1, 255], got 0");
  EXPECT_CONTAINS(refusal(mixtures.archetypes.view(), 256), "got 256");
  const Matrix<float> narrow(4, 3);
  EXPECT_CONTAINS(refusal(narrow.view(), 1), "must be 1 to 65536 rows of 24 columns, got 4 x 3");
  const auto other = test::gaussian_matrix({mixtures.count(), mixtures.cols() + 8, 1});
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] {
                    (void)encoded(mixtures)->with_residual(
                        encode_codes(DenseRows(other.view()), {.max_bytes = mixtures.count() * mixtures.cols()}));
                  }),
                  "the residual must have the shape");
}

TEST(Archetypes, RejectsBadSpecifications) {
  const auto archetypes = with_codes(Mixtures(12), 300 * 12);
  const auto refusal = [&](const std::string& pointer, const Json& value) {
    Json spec = archetypes->spec();
    spec[Json::json_pointer(pointer)] = value;
    return test::message_of<IoError>([&] { (void)test::read_back(*archetypes, spec); });
  };
  EXPECT_CONTAINS(refusal("/archetypes", 0), "archetypes must be in [1, 65536], got 0");
  EXPECT_CONTAINS(refusal("/archetypes", 65537), "got 65537");
  EXPECT_CONTAINS(refusal("/archetypes", 13), "array 'archetypes' must be 13 x 24");
  EXPECT_CONTAINS(refusal("/per_row", 0), "per_row must be in [1, 255], got 0");
  EXPECT_CONTAINS(refusal("/per_row", 256), "got 256");
  EXPECT_CONTAINS(refusal("/per_row", 4), "array 'indices' must be 300 x 4");
  EXPECT_CONTAINS(refusal("/scale_exponent", 201), "scale_exponent must be in [-200, 200]");
  EXPECT_CONTAINS(refusal("/rows", 0), "rows and cols must be at least 1");
  EXPECT_CONTAINS(refusal("/rows", 299), "must be 299 x 3");
  EXPECT_CONTAINS(refusal("/residual/structure", "archetypes"), "the structure of 'residual' must be codes");
  EXPECT_CONTAINS(refusal("/residual/cols", 23), "");
  EXPECT_CONTAINS(refusal("/residual", 3), "structure");
}

// The arrays of a valid matrix, one of them with changed bytes.
std::string refusal_of(const Archetypes& archetypes, const std::string& name,
                       const std::function<void(std::vector<std::byte>&)>& change) {
  auto arrays = archetypes.to_tensors();
  const auto array = std::ranges::find(arrays, name, &StoredArray::name);
  std::vector<std::byte> bytes(static_cast<std::size_t>(array->bytes()));
  array->read_rows(0, array->rows, bytes.data());
  change(bytes);
  const Index row_bytes = array->bytes() / array->rows;
  array->read_rows = [bytes, row_bytes](Index first, Index count, std::byte* out) {
    std::copy_n(bytes.begin() + first * row_bytes, count * row_bytes, out);
  };
  return test::message_of<IoError>([&] {
    (void)encoded_matrix_from_tensors(archetypes.spec(), [&](std::string_view wanted) {
      return *std::ranges::find(arrays, wanted, &StoredArray::name);
    });
  });
}

TEST(Archetypes, RejectsBadArrays) {
  const Mixtures mixtures(300);
  const auto archetypes = encoded(mixtures);
  const auto refusal = [&](const std::string& name, const std::function<void(std::vector<std::byte>&)>& change) {
    return refusal_of(*archetypes, name, change);
  };
  const auto at = [](std::size_t i, int value) {
    return [=](std::vector<std::byte>& bytes) { bytes[i] = static_cast<std::byte>(value); };
  };
  EXPECT_CONTAINS(refusal("weights", [](auto& bytes) { bytes[4] ^= std::byte{1}; }),
                  "array 'weights': row 1 must add up to 255, got 25");
  EXPECT_CONTAINS(refusal("indices", at(13, 2)), "array 'indices': row 2 must have indices below 300, got ");
  EXPECT_CONTAINS(refusal("scales", at(7, 0x7c)), "array 'scales': entry 3 must be finite");
  EXPECT_CONTAINS(refusal("archetypes", at(3, 0xfc)), "array 'archetypes': entry 1 must be finite");
}

}  // namespace
}  // namespace loewner::archetypes_test
