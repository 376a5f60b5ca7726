// SPDX-License-Identifier: Apache-2.0
#include "model/config_file.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"
#include "support/messages.hpp"

namespace loewner::detail {
namespace {

std::string again(const std::string& text) {
  return text_of_config(parse_config(text, "config.json"));
}

TEST(ConfigFile, NumbersThatPythonWritesAreKept) {
  for (const std::string number : {"NaN", "Infinity", "-Infinity", "1000000000000000000000000000000",
                                   "-9223372036854775809", "18446744073709551616", "1e400", "-1e400"}) {
    EXPECT_EQ(again("{\"a\":" + number + "}"), "{\n  \"a\": " + number + "\n}\n");
    EXPECT_EQ(again("{\"a\":[0.5, " + number + ", 1]}"),
              "{\n  \"a\": [\n    0.5,\n    " + number + ",\n    1\n  ]\n}\n");
  }
}

TEST(ConfigFile, OtherTextsAreAsBefore) {
  for (const std::string text :
       {R"({"a": "NaN", "b": "x\"Infinity", "c": 18446744073709551615, "d": -9223372036854775808})",
        R"({"Infinity": 1e-5, "e": [true, null, 1.0], "f": {"g": "\u0001number:1"}})"}) {
    const Json expected = parse_json_object(text, "config.json");
    EXPECT_EQ(parse_config(text, "config.json"), expected);
    if (!expected.contains("f")) {
      EXPECT_EQ(again(text), expected.dump(2) + "\n");
    }
  }
}

TEST(ConfigFile, WhatPythonRefusesIsRefused) {
  for (const std::string text : {"{\"a\": nan}", "{\"a\": +Infinity}", "{\"a\": 01e999}", "{NaN: 1}",
                                 "{\"a\": Infinity", "{\"a\": 1.e999}", "NaN"}) {
    EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)parse_config(text, "config.json"); }),
                    "config.json: must be");
  }
}

TEST(ConfigFile, EqualValuesHaveOneCanonicalText) {
  const std::string text = R"({"b": [1, 2.50, -0], "a": {"z": 1e-05, "y": NaN, "x": "1.0 \u00e9\n"}})";
  const std::string canonical = "{\"a\":{\"x\":\"1.0 \u00e9\\n\",\"y\":NaN,\"z\":1e-05},\"b\":[1,2.50,-0]}";
  const Json kept = detail::parse_config_keeping_numbers(text, "config.json");
  EXPECT_EQ(detail::canonical_text(kept), canonical);
}

TEST(ConfigFile, TheCanonicalTextIsThatOfTheWrittenFile) {
  Json config = {{"seed", 18446744073709551615u}, {"error", 0.1234567890123456789}, {"tiny", 5e-324}, {"n", 1e15}};
  config.update(detail::parse_config(R"({"big": 123456789012345678901234567890, "inf": -Infinity})", "config.json"));
  const Json read = detail::parse_config_keeping_numbers(detail::text_of_config(config), "config.json");
  EXPECT_EQ(detail::canonical_text(read), detail::canonical_text(config));
}

}  // namespace
}  // namespace loewner::detail
