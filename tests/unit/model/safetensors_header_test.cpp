// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_header.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

SafetensorsHeader parse(const std::string& json, Index data_bytes) {
  return parse_safetensors_header(json, data_bytes, "f.safetensors");
}

std::string refusal(const std::string& json, Index data_bytes) {
  const auto message = test::message_of<IoError>([&] { (void)parse(json, data_bytes); });
  EXPECT_TRUE(message.starts_with("f.safetensors: ")) << message;
  return message;
}

// A header with one tensor 'a' whose fields are given.
std::string tensor_a(const std::string& fields) {
  return R"({"a":{)" + fields + "}}";
}

TEST(SafetensorsHeader, ReadsTensorsInTheOrderOfTheirData) {
  const auto header = parse(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},"a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}}  )",
      16);
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_TRUE(header.tensors[0].shape.empty());
  EXPECT_EQ(header.tensors[1].name, "b");
  EXPECT_EQ(header.tensors[1].shape, (std::vector<Index>{2, 3}));
  EXPECT_EQ(header.tensors[1].dtype, DType::f16);
  EXPECT_EQ(header.tensors[1].bytes(), 12);
  EXPECT_EQ(header.metadata.at("format"), "pt");
}

TEST(SafetensorsHeader, AcceptsEmptyTensorsAndAnEmptyFile) {
  EXPECT_TRUE(parse("{}", 0).tensors.empty());
  const auto header = parse(
      R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"e":{"dtype":"I64","shape":[0,7],"data_offsets":[0,0]}})",
      4);
  EXPECT_EQ(header.tensors[0].name, "e");
}

TEST(SafetensorsHeader, RejectsTextThatIsNotAJsonObject) {
  EXPECT_CONTAINS(refusal("", 0), "must begin with '{'");
  EXPECT_CONTAINS(refusal(" {}", 0), "must begin with '{'");
  EXPECT_CONTAINS(refusal("{", 0), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal("{} x", 0), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal("{}{}", 0), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal(std::string("{}\0{", 4), 0), "NUL at byte 2");
}

TEST(SafetensorsHeader, RejectsNamesThatAreNotUtf8) {
  EXPECT_CONTAINS(refusal("{\"\xff\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal("{\"\xc0\xaf\":{}}", 0), "UTF-8 JSON");
  EXPECT_CONTAINS(refusal(R"({"\ud800":{}})", 0), "UTF-8 JSON");
}

TEST(SafetensorsHeader, RejectsRepeatedKeys) {
  const std::string a = R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]})";
  EXPECT_CONTAINS(refusal("{" + a + "," + a + "}", 4), "tensor 'a': must not be repeated");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4])"), 4),
                  "tensor 'a': field 'dtype' must not be repeated");
  EXPECT_CONTAINS(refusal(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
                  "tensor '__metadata__': key 'k' must not be repeated");
  EXPECT_CONTAINS(refusal(R"({"__metadata__":{},"__metadata__":{}})", 0), "must not be repeated");
}

TEST(SafetensorsHeader, RejectsMetadataThatAreNotStrings) {
  EXPECT_CONTAINS(refusal(R"({"__metadata__":{"k":1}})", 0), "key 'k' must map to a string, got a number");
  EXPECT_CONTAINS(refusal(R"({"__metadata__":{"k":{}}})", 0), "key 'k' must map to a string, got an object");
  EXPECT_CONTAINS(refusal(R"({"__metadata__":[]})", 0), "must be a JSON object, got an array");
}

TEST(SafetensorsHeader, RejectsTensorsWithMissingOrForeignFields) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","shape":[])"), 0), "tensor 'a': must have the fields");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","shape":[],"data_offsets":[0,4],"strides":[])"), 4),
                  "got 'strides'");
  EXPECT_CONTAINS(refusal(R"({"a":3})", 0), "tensor 'a': must be a JSON object, got a number");
  EXPECT_CONTAINS(refusal(R"({"a":null})", 0), "tensor 'a': must be a JSON object, got null");
}

TEST(SafetensorsHeader, RejectsUnknownTypesByNameOfTheTensor) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F31","shape":[],"data_offsets":[0,4])"), 4),
                  "tensor 'a': dtype must be a type of the format, got 'F31'");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":32,"shape":[],"data_offsets":[0,4])"), 4),
                  "dtype must be a string, got a number");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":["F32"],"shape":[],"data_offsets":[0,4])"), 4),
                  "dtype must be a string, got an array");
}

TEST(SafetensorsHeader, RejectsSizesThatAreNotNonNegativeIntegers) {
  for (const std::string size :
       {"-1", "1.0", "1e0", "true", "\"1\"", "null", "[1]", "{}", "9223372036854775808", "99999999999999999999"}) {
    const auto fields = R"("dtype":"U8","shape":[)" + size + R"(],"data_offsets":[0,1])";
    EXPECT_CONTAINS(refusal(tensor_a(fields), 1), "tensor 'a': shape must be an array of non-negative") << size;
    const auto offsets = R"("dtype":"U8","shape":[1],"data_offsets":[0,)" + size + "]";
    EXPECT_CONTAINS(refusal(tensor_a(offsets), 1), "tensor 'a': data_offsets must be an array of non-negative") << size;
  }
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"U8","shape":1,"data_offsets":[0,1])"), 1), "shape must be an array");
}

TEST(SafetensorsHeader, RejectsMoreDimensionsThanNumPyHas) {
  const auto with_dimensions = [](int count) {
    std::string shape = "1";
    for (int i = 1; i < count; ++i) shape += ",1";
    return tensor_a(R"("dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[0,1])");
  };
  EXPECT_CONTAINS(refusal(with_dimensions(65), 1), "tensor 'a': shape must have at most 64 dimensions, got more");
  EXPECT_EQ(parse(with_dimensions(64), 1).tensors.front().shape.size(), 64u);
}

TEST(SafetensorsHeader, RejectsOffsetsThatAreNotAPairInOrder) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"U8","shape":[1],"data_offsets":[0])"), 1),
                  "data_offsets must be two numbers, got 1");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"U8","shape":[1],"data_offsets":[0,1,2])"), 1),
                  "data_offsets must be two numbers, got more");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"U8","shape":[1],"data_offsets":[1,0])"), 1),
                  "must not decrease, got [1, 0]");
}

TEST(SafetensorsHeader, RejectsDataBeyondTheFile) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"U8","shape":[5],"data_offsets":[0,5])"), 4),
                  "tensor 'a': data must lie within the file's 4 bytes of data, got [0, 5]");
}

TEST(SafetensorsHeader, RejectsShapesThatDoNotMakeTheBytes) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4),
                  "tensor 'a': dtype and shape make 8 bytes, got data_offsets [0, 4]");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"), 8),
                  "tensor 'a': dtype and shape make 4 bytes, got data_offsets [0, 8]");
}

TEST(SafetensorsHeader, RejectsShapesWhoseProductOverflows) {
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"), 0),
                  "63 bits");
  EXPECT_CONTAINS(refusal(tensor_a(R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0])"), 0),
                  "63 bits");
}

TEST(SafetensorsHeader, RejectsHolesOverlapsAndUncoveredData) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(parse(two("[0,2]", "[2,4]"), 4).tensors.size(), 2u);
  EXPECT_CONTAINS(refusal(two("[0,2]", "[3,5]"), 5),
                  "tensor 'b': data must begin at 2, where the data before it end, got 3");
  EXPECT_CONTAINS(refusal(two("[0,2]", "[1,3]"), 3),
                  "tensor 'b': data must begin at 2, where the data before it end, got 1");
  EXPECT_CONTAINS(refusal(two("[1,3]", "[3,5]"), 5), "tensor 'a': data must begin at 0");
  EXPECT_CONTAINS(refusal(two("[0,2]", "[2,4]"), 9), "got 4 of 9 bytes");
  EXPECT_CONTAINS(refusal("{}", 1), "got 0 of 1 bytes");
}

TEST(SafetensorsHeader, DeepNestingIsRefusedWhereItBegins) {
  EXPECT_CONTAINS(refusal(R"({"a":)" + std::string(1'000'000, '['), 0),
                  "tensor 'a': must be a JSON object, got an array");
  EXPECT_CONTAINS(refusal(tensor_a(R"("shape":)" + std::string(1'000'000, '[')), 0), "shape must be an array");
}

TEST(SafetensorsHeader, HostileNamesAreShownInOneLine) {
  const std::string long_name(100'000, 'x');
  EXPECT_LT(refusal(R"({")" + long_name + R"(":1})", 0).size(), 400u);
  EXPECT_CONTAINS(refusal(R"({"a\nb\u001b":1})", 0), "tensor 'a?b?'");
}

}  // namespace
}  // namespace loewner
