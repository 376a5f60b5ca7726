// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/hash64.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loewner {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string hash_of(std::string_view text) {
  Hash64 hash;
  hash.add(bytes(text));
  return hash.hex();
}

// The values are those of xxhsum -H64 of xxHash 0.8.1.
TEST(Hash64, IsXxh64) {
  EXPECT_EQ(hash_of(""), "ef46db3751d8e999");
  EXPECT_EQ(hash_of("a"), "d24ec4f1a98c6e5b");
  EXPECT_EQ(hash_of("abc"), "44bc2cf5ad770999");
  EXPECT_EQ(hash_of("Nobody inspects the spammish repetition"), "fbcea83c8a378bf1");
}

TEST(Hash64, DoesNotDependOnTheSplitIntoParts) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += static_cast<char>(i * i);
  for (std::size_t first = 0; first <= text.size(); first += 7) {
    for (std::size_t second = first; second <= text.size(); second += 11) {
      Hash64 hash;
      hash.add(bytes(std::string_view(text).substr(0, first)));
      hash.add(bytes(std::string_view(text).substr(first, second - first)));
      hash.add(bytes(std::string_view(text).substr(second)));
      ASSERT_EQ(hash.hex(), hash_of(text)) << first << " " << second;
    }
  }
}

TEST(Hash64, EveryFlippedBitChangesIt) {
  std::string text = "0123456789012345678901234567890123456789012345678901234567890123456789";
  const std::string before = hash_of(text);
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    const auto mask = static_cast<char>(1 << bit % 8);
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ mask);
    EXPECT_NE(hash_of(text), before) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ mask);
  }
}

TEST(Hash64, TextsCountWithTheirLengths) {
  Hash64 a, b;
  a.add(std::string_view("ab"));
  a.add(std::string_view("c"));
  b.add(std::string_view("a"));
  b.add(std::string_view("bc"));
  EXPECT_NE(a.value(), b.value());
}

}  // namespace
}  // namespace loewner
