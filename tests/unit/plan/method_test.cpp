// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/method.hpp"

#include <gtest/gtest.h>

#include <set>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

TEST(Method, NamesAreReadBackAndUnknownNamesAreNot) {
  for (const Method method : all_methods()) EXPECT_EQ(method_from_string(to_string(method)), method);
  EXPECT_EQ(method_from_string("pq"), std::nullopt);
}

TEST(Method, EveryMethodHasADescriptionAndItsOptionsHaveAFlag) {
  std::set<std::string_view> names, options;
  for (const Method method : all_methods()) {
    const MethodInfo& info = info_of(method);
    EXPECT_EQ(info.method, method);
    EXPECT_FALSE(info.description.empty()) << info.name;
    EXPECT_EQ(info.options.empty(), info.flag.empty()) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    for (const auto& option : info.options) {
      EXPECT_TRUE(options.insert(option.name).second) << option.name;
      EXPECT_LE(option.least, option.default_value.value_or(option.least)) << option.name;
      EXPECT_GE(option.most, option.default_value.value_or(option.most)) << option.name;
    }
  }
}

TEST(MethodOptions, AFlagSetsItsOptionsInOrderAndIsWrittenBack) {
  for (const std::string text : {"256:4", "256:6", "auto:6"}) {
    MethodOptions options;
    set_from_flag(Method::archetypes, text, options);
    EXPECT_EQ(flag_value(Method::archetypes, options), text);
  }
  MethodOptions options;
  set_from_flag(Method::archetypes, "12", options);
  EXPECT_EQ(options, (MethodOptions{{"num_archetypes", 12}}));
  EXPECT_EQ(flag_value(Method::archetypes, options), "12:4");
  EXPECT_EQ(flag_value(Method::subspaces, options), "");
  set_from_flag(Method::archetypes, "auto", options);
  EXPECT_EQ(options, MethodOptions{});
}

TEST(MethodOptions, AFlagOfAnotherFormIsRejected) {
  for (const std::string text : {"", "x", "1.5", "4:", "4:auto", "4:4:4", "4 "}) {
    MethodOptions options;
    EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { set_from_flag(Method::archetypes, text, options); }),
                    "--archetypes: expected K or K:T");
  }
}

TEST(MethodOptions, UnknownNamesAndValuesOutOfRangeAreRejected) {
  const auto refusal = [](const MethodOptions& options) {
    return test::message_of<InvalidArgument>([&] { require_usable(options); });
  };
  EXPECT_CONTAINS(refusal({{"num_subspaces", 0}}), "num_subspaces must be in [1, 256], got 0");
  EXPECT_CONTAINS(refusal({{"num_archetypes", 65537}}), "num_archetypes must be in [1, 65536], got 65537");
  EXPECT_CONTAINS(refusal({{"archetypes_per_row", 256}}), "archetypes_per_row must be in [1, 255], got 256");
  EXPECT_CONTAINS(refusal({{"num_centroids", 2}}), "no method has an option 'num_centroids'");
  require_usable({{"num_subspaces", 256}, {"num_archetypes", 1}, {"archetypes_per_row", 255}});
}

}  // namespace
}  // namespace loewner
