// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/json.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

std::string refusal(const std::string& text) {
  const auto sorted = test::message_of<IoError>([&] { (void)parse_sorted_json_object(text, "c.json"); });
  EXPECT_EQ(test::message_of<IoError>([&] { (void)parse_json_object(text, "c.json"); }), sorted);
  EXPECT_TRUE(sorted.starts_with("c.json: ")) << sorted;
  return sorted;
}

TEST(JsonObject, KeepsTheOrderOfItsFields) {
  EXPECT_EQ(parse_json_object(R"({"b":1,"a":{"d":[],"c":null}})", "c.json").dump(), R"({"b":1,"a":{"d":[],"c":null}})");
}

TEST(JsonObject, RejectsTextThatIsNotAJsonObject) {
  EXPECT_CONTAINS(refusal(""), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal("{} {}"), "UTF-8 JSON, got an error at byte 4");
  EXPECT_CONTAINS(refusal("[]"), "must be a JSON object, got array");
  EXPECT_CONTAINS(refusal("{\"a\":\"\xff\"}"), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal(std::string("{}\0", 3)), "NUL at byte 2");
  EXPECT_CONTAINS(refusal(R"({"a":1e999})"), "out of range");
}

TEST(JsonObject, RejectsRepeatedKeysWithinOneObjectOnly) {
  EXPECT_CONTAINS(refusal(R"({"a":{"b":1,"b":2}})"), "key 'b' must not be repeated");
  EXPECT_NO_THROW((void)parse_json_object(R"({"a":{"a":1},"b":{"a":[{"a":1},{"a":1}]}})", "c.json"));
}

TEST(JsonObject, RejectsDeepNesting) {
  const auto nested = [](int depth) { return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_NO_THROW((void)parse_json_object(nested(63), "c.json"));
  EXPECT_CONTAINS(refusal(nested(64)), "nested at most 64 deep");
  EXPECT_CONTAINS(refusal(nested(1'000'000)), "nested at most 64 deep");
}

TEST(JsonObject, OrderedObjectsHaveAKeyLimitAndSortedOnesHaveNone) {
  std::string text = "{";
  for (int i = 0; i <= 10'000; ++i) text += '"' + std::to_string(i) + "\":0,";
  text.back() = '}';
  EXPECT_EQ(parse_sorted_json_object(text, "c.json").size(), 10'001u);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)parse_json_object(text, "c.json"); }), "at most 10000 keys");
}

}  // namespace
}  // namespace loewner
