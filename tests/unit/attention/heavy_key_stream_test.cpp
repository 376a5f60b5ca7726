// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_key_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "loewner/attention/attend_selected.hpp"
#include "loewner/attention/heavy_keys.hpp"
#include "loewner/base/error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

constexpr double kEps = 0.05;
constexpr Index kKeySize = 8, kValueSize = 5;

Matrix<float> keys_of(Index n, std::uint64_t seed = 1) {
  auto keys = test::gaussian_matrix({n, kKeySize, seed});
  for (Index i = 0; i < n; i += 41) {
    for (float& x : keys.row(i)) x *= 6;
  }
  return keys;
}

HeavyKeyStream stream_of(MatrixView<const float> keys, MatrixView<const float> values, Index block, double power = 2) {
  HeavyKeyStream stream(kKeySize, kValueSize, {.power = power, .eps = kEps});
  for (Index first = 0; first < keys.rows(); first += block) {
    const Index count = std::min(block, keys.rows() - first);
    stream.push(keys.row_block(first, count), values.row_block(first, count));
  }
  return stream;
}

std::vector<Index> offline(MatrixView<const float> keys, double power = 2) {
  HeavyKeyOptions options;
  options.eps = kEps;
  options.power = power;
  return select_heavy_keys(keys, options).indices;
}

class HeavyKeyStreamBy : public testing::TestWithParam<Index> {};

TEST_P(HeavyKeyStreamBy, KeepsTheOfflineSelectionAfterEveryBlock) {
  const auto keys = keys_of(900), values = test::gaussian_matrix({900, kValueSize, 2});
  HeavyKeyStream stream(kKeySize, kValueSize, {.power = 2, .eps = kEps});
  for (Index first = 0; first < 900; first += GetParam()) {
    const Index count = std::min(GetParam(), 900 - first);
    stream.push(keys.view().row_block(first, count), values.view().row_block(first, count));
    if (first % 7 != 0) continue;
    EXPECT_EQ(stream.current().indices, offline(keys.view().row_block(0, first + count)));
  }
  const auto kept = stream.current();
  EXPECT_EQ(kept.indices, offline(keys.view()));
  for (Index i = 0; i < kept.keys.rows(); ++i) {
    EXPECT_TRUE(std::ranges::equal(kept.keys.row(i), keys.row(kept.indices[i])));
    EXPECT_TRUE(std::ranges::equal(kept.values.row(i), values.row(kept.indices[i])));
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, HeavyKeyStreamBy, testing::Values(1, 7, 64, 900));

// Negative control: scores that are not updated after arrival select other keys.
TEST(HeavyKeyStream, ScoresAtArrivalSelectOtherKeys) {
  const auto keys = keys_of(900);
  std::vector<Index> at_arrival;
  for (Index j = 0; j < 900; ++j) {
    const auto heavy = offline(keys.view().row_block(0, j + 1));
    if (std::ranges::binary_search(heavy, j)) at_arrival.push_back(j);
  }
  EXPECT_NE(at_arrival, offline(keys.view()));
}

TEST(HeavyKeyStream, SelectsTheSameKeysInReversedOrder) {
  const auto keys = keys_of(500), values = test::gaussian_matrix({500, kValueSize, 2});
  Matrix<float> reversed_keys(500, kKeySize), reversed_values(500, kValueSize);
  for (Index i = 0; i < 500; ++i) {
    std::ranges::copy(keys.row(i), reversed_keys.row(499 - i).begin());
    std::ranges::copy(values.row(i), reversed_values.row(499 - i).begin());
  }
  std::set<Index> found;
  for (const Index i : stream_of(reversed_keys.view(), reversed_values.view(), 13).current().indices) {
    found.insert(499 - i);
  }
  const auto expected = offline(keys.view());
  EXPECT_EQ(found, std::set<Index>(expected.begin(), expected.end()));
}

TEST(HeavyKeyStream, MergedStreamsEqualOneStream) {
  for (const double power : {2.0, 4.0}) {
    const auto keys = keys_of(600), values = test::gaussian_matrix({600, kValueSize, 2});
    auto first = stream_of(keys.view().row_block(0, 200), values.view().row_block(0, 200), 32, power);
    first.merge(stream_of(keys.view().row_block(200, 400), values.view().row_block(200, 400), 32, power));
    EXPECT_EQ(first.num_keys(), 600);
    EXPECT_EQ(first.current().indices, offline(keys.view(), power));
  }
}

TEST(HeavyKeyStream, HeldKeysStayWithinTheBound) {
  const auto keys = keys_of(20000), values = test::gaussian_matrix({20000, kValueSize, 2});
  HeavyKeyStream stream(kKeySize, kValueSize, {.power = 2, .eps = kEps});
  std::size_t largest = 0;
  for (Index first = 0; first < 20000; first += 100) {
    stream.push(keys.view().row_block(first, 100), values.view().row_block(first, 100));
    largest = std::max(largest, stream.to_bytes().size());
  }
  const std::size_t bound = 2 * 160 + 100;  // keys: 2 rank / eps and a block
  EXPECT_LE(largest, 80 + 8 * kKeySize * kKeySize + bound * (8 + 4 * (kKeySize + kValueSize)));
}

TEST(HeavyKeyStream, AttendsWithTheDenominatorOfAllKeys) {
  for (const double power : {2.0, 4.0}) {
    const auto keys = keys_of(700), values = test::gaussian_matrix({700, kValueSize, 2}),
               queries = test::gaussian_matrix({20, kKeySize, 3});
    const auto stream = stream_of(keys.view(), values.view(), 50, power);
    const auto expected =
        attend_selected(queries.view(), keys.view(), values.view(), offline(keys.view(), power), power);
    const auto found = stream.attend(queries.view());
    EXPECT_LT(test::frobenius_distance(found.view(), expected.output.view()),
              1e-6 * test::frobenius_norm(expected.output.view()));
  }
}

TEST(HeavyKeyStream, RestoredStreamContinuesIdentically) {
  const auto keys = keys_of(600), values = test::gaussian_matrix({600, kValueSize, 2});
  auto stream = stream_of(keys.view().row_block(0, 300), values.view().row_block(0, 300), 20);
  auto back = HeavyKeyStream::from_bytes(stream.to_bytes());
  EXPECT_EQ(back.to_bytes(), stream.to_bytes());
  for (auto* one : {&stream, &back}) one->push(keys.view().row_block(300, 300), values.view().row_block(300, 300));
  EXPECT_EQ(back.to_bytes(), stream.to_bytes());
  EXPECT_EQ(back.current().indices, offline(keys.view()));
}

TEST(HeavyKeyStream, RejectsInvalidBytes) {
  const auto keys = keys_of(50), values = test::gaussian_matrix({50, kValueSize, 2});
  const std::string bytes = stream_of(keys.view(), values.view(), 10).to_bytes();
  const auto refusal = [](const std::string& broken) {
    return test::message_of<IoError>([&] { (void)HeavyKeyStream::from_bytes(broken); });
  };
  const auto with = [&](std::size_t offset, auto value) {
    std::string changed = bytes;
    std::memcpy(changed.data() + offset, &value, sizeof(value));
    return refusal(changed);
  };
  EXPECT_CONTAINS(refusal(""), "must begin with LWHEAVY1");
  for (std::size_t size = 8; size < bytes.size(); size += 13) EXPECT_FALSE(refusal(bytes.substr(0, size)).empty());
  EXPECT_CONTAINS(refusal(bytes + "x"), "continue after the last value");
  EXPECT_CONTAINS(with(8, 3.0), "power must be even");
  EXPECT_CONTAINS(with(16, 2.0), "eps must be in (0, 1]");
  EXPECT_CONTAINS(with(24, Index{1} << 40), "does not fit the size");
  EXPECT_CONTAINS(with(32, Index{1} << 62), "value_cols in [0, 65536]");
  EXPECT_CONTAINS(with(40, Index{-1}), "indices must ascend");
  EXPECT_CONTAINS(with(48, Index{1} << 61), "does not fit the size");
  EXPECT_CONTAINS(with(56, std::numeric_limits<double>::quiet_NaN()), "Gram matrix must be finite");
  EXPECT_CONTAINS(with(56, -5.0), "must not have negative eigenvalues");
}

TEST(HeavyKeyStream, RejectsInvalidArguments) {
  HeavyKeyStream stream(kKeySize, kValueSize, {.power = 2, .eps = kEps});
  auto keys = keys_of(4);
  const auto values = test::gaussian_matrix({4, kValueSize, 2}), few = test::gaussian_matrix({3, kValueSize, 2});
  EXPECT_THROW(stream.push(keys.view(), few.view()), InvalidArgument);
  EXPECT_THROW(stream.merge(HeavyKeyStream(kKeySize, kValueSize, {.power = 2, .eps = 0.5})), InvalidArgument);
  EXPECT_THROW(HeavyKeyStream(kKeySize, kValueSize, {.power = 3, .eps = kEps}), InvalidArgument);
  EXPECT_THROW(HeavyKeyStream(kKeySize, kValueSize, {.power = 2, .eps = 0}), InvalidArgument);
  keys(2, 1) = std::numeric_limits<float>::infinity();
  EXPECT_THROW(stream.push(keys.view(), values.view()), InvalidArgument);
  EXPECT_EQ(stream.num_keys(), 0);
}

}  // namespace
}  // namespace loewner
