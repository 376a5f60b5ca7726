// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_index.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

std::string index_refusal(const std::string& json) {
  const auto message = test::message_of<IoError>([&] { (void)parse_safetensors_index(json, "i.json"); });
  EXPECT_TRUE(message.starts_with("i.json: ")) << message;
  return message;
}

TEST(SafetensorsIndex, ReadsWhatItWrites) {
  const SafetensorsIndex index{.weight_map = {{"a", "x.safetensors"}, {"b", "y.safetensors"}},
                               .metadata = {{"total_size", 12}}};
  const auto again = parse_safetensors_index(to_text(index), "i.json");
  EXPECT_EQ(again.weight_map, index.weight_map);
  EXPECT_EQ(again.metadata, index.metadata);
}

TEST(SafetensorsIndex, RejectsShardNamesThatLeaveTheFolder) {
  for (const std::string name : {"/etc/x.safetensors", "..safetensors/..", "a\\\\b.safetensors", "../x.safetensors",
                                 "x..safetensors", "x.bin", "", "x\\n.safetensors", "x\\u0000.safetensors"}) {
    EXPECT_CONTAINS(index_refusal(R"({"weight_map":{"t":")" + name + R"("}})"),
                    "tensor 't': shard must be a path in the folder")
        << name;
  }
}

TEST(SafetensorsIndex, RejectsAWeightMapOfAnotherKind) {
  EXPECT_CONTAINS(index_refusal("{}"), "weight_map must be an object");
  EXPECT_CONTAINS(index_refusal(R"({"weight_map":{}})"), "weight_map must be an object with at least one tensor");
  EXPECT_CONTAINS(index_refusal(R"({"weight_map":[]})"), "weight_map must be an object");
  EXPECT_CONTAINS(index_refusal(R"({"weight_map":{"t":1}})"), "tensor 't': shard must be a string, got number");
  EXPECT_CONTAINS(index_refusal(R"({"metadata":1,"weight_map":{"t":"x.safetensors"}})"), "metadata must be an object");
}

TEST(SafetensorsIndex, RejectsTensorsThatAreThereTwice) {
  EXPECT_CONTAINS(index_refusal(R"({"weight_map":{"t":"x.safetensors","t":"y.safetensors"}})"),
                  "key 't' must not be repeated");
}

}  // namespace
}  // namespace loewner
