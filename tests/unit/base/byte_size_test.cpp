// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/byte_size.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

TEST(ByteSize, UnitsArePowersOf1000And1024) {
  EXPECT_EQ(parse_byte_size("budget", "24MB"), 24'000'000);
  EXPECT_EQ(parse_byte_size("budget", "1.5 GB"), 1'500'000'000);
  EXPECT_EQ(parse_byte_size("budget", "0.5gib"), std::int64_t{1} << 29);
  EXPECT_EQ(parse_byte_size("budget", "300 MiB"), std::int64_t{300} << 20);
  EXPECT_EQ(parse_byte_size("budget", "7kB"), 7000);
}

TEST(ByteSize, ANumberAloneIsANumberOfBytes) {
  EXPECT_EQ(parse_byte_size("budget", "2000000000"), 2'000'000'000);
  EXPECT_EQ(parse_byte_size("budget", "1e9"), 1'000'000'000);
}

TEST(ByteSize, OtherTextsAreRefusedWithTheNameOfTheOption) {
  for (const char* bad : {"", "GB", "1 parsec", "-1", "0", "nan", "inf", "1e300GB", "1GBs", "1 GB 2"}) {
    EXPECT_EQ(test::message_of<InvalidArgument>([&] { (void)parse_byte_size("--budget", bad); }),
              "--budget: expected a size such as 1.5GB, got '" + std::string(bad) + "'");
  }
}

}  // namespace
}  // namespace loewner
