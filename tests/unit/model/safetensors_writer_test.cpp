// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/model/safetensors.hpp"
#include "support/messages.hpp"
#include "support/temporary_folder.hpp"

namespace loewner {
namespace {

const std::vector<TensorDeclaration> kTwoTensors = {{"b.weight", DType::u8, {3}},
                                                    {"a \"quoted\" \u00e9", DType::i16, {0, 5}}};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "f.safetensors";
  SafetensorsWriter writer(path, kTwoTensors, {{"format", "pt"}});
  writer.write(bytes_of("x"));
  writer.write(bytes_of("yz"));
  writer.finish();
  const auto file = SafetensorsFile::open(path);
  ASSERT_EQ(file->tensors().size(), 2u);
  EXPECT_EQ(file->tensors()[0].name, kTwoTensors[0].name);
  EXPECT_EQ(file->tensors()[1].name, kTwoTensors[1].name);
  EXPECT_EQ(file->tensors()[1].shape, kTwoTensors[1].shape);
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->file_bytes(), writer.file_bytes());
  std::string data(3, '?');
  file->read(file->tensors()[0], 0, std::as_writable_bytes(std::span(data)));
  EXPECT_EQ(data, "xyz");
}

TEST(SafetensorsWriter, HeaderEndsOnAMultipleOfEightBytes) {
  for (const std::string name : {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    EXPECT_EQ(safetensors_header({{name, DType::u8, {1}}}).size() % 8, 0u);
  }
  EXPECT_EQ(safetensors_header({}).size(), 16u);
}

TEST(SafetensorsWriter, SizeIsKnownBeforeWriting) {
  EXPECT_EQ(data_bytes({{"a", DType::f32, {10, 3}}, {"b", DType::bf16, {7}}}), 134);
}

TEST(SafetensorsWriter, RefusesMoreAndFewerBytesThanDeclared) {
  const test::TemporaryFolder folder;
  SafetensorsWriter writer(folder.path() / "f.safetensors", kTwoTensors);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { writer.write(bytes_of("wxyz")); }),
                  "3 bytes were still declared, got 4");
  writer.write(bytes_of("xy"));
  EXPECT_THROW(writer.finish(), InvalidArgument);
  writer.write(bytes_of("z"));
  EXPECT_NO_THROW(writer.finish());
}

TEST(SafetensorsWriter, RefusesBadDeclarations) {
  const auto refusal = [](const std::vector<TensorDeclaration>& tensors) {
    return test::message_of<InvalidArgument>([&] { (void)safetensors_header(tensors); });
  };
  EXPECT_CONTAINS(refusal({{"", DType::u8, {}}}), "tensor names");
  EXPECT_CONTAINS(refusal({{"__metadata__", DType::u8, {}}}), "got '__metadata__'");
  EXPECT_CONTAINS(refusal({{"a", DType::u8, {}}, {"a", DType::u8, {}}}), "got 'a'");
  EXPECT_CONTAINS(refusal({{"\xff", DType::u8, {}}}), "UTF-8");
  EXPECT_CONTAINS(refusal({{"a", DType::u8, {-1}}}), "tensor 'a': sizes");
  EXPECT_CONTAINS(refusal({{"a", DType::f64, {Index{1} << 61}}}), "tensor 'a': sizes");
  const Index half = std::numeric_limits<Index>::max() / 2 + 1;
  EXPECT_CONTAINS(refusal({{"a", DType::u8, {half}}, {"b", DType::u8, {half}}}), "tensor 'b': sizes");
}

TEST(SafetensorsWriter, NamesPathAndReasonWhenTheFileCannotBeMade) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "none" / "f.safetensors";
  EXPECT_EQ(test::message_of<IoError>([&] { SafetensorsWriter(path, kTwoTensors); }),
            path.string() + ": cannot create: No such file or directory");
}

TEST(SafetensorsWriter, NamesPathAndReasonWhenTheDiskIsFull) {
  const std::filesystem::path full = "/dev/full";  // every write to it fails: no space left
  if (!std::filesystem::exists(full)) GTEST_SKIP() << "this system has no /dev/full";
  EXPECT_EQ(test::message_of<IoError>([&] { SafetensorsWriter(full, kTwoTensors); }),
            "/dev/full: cannot write: No space left on device");
}

TEST(SafetensorsWriter, NamesPathAndReasonWhenTheFileMayNotGrow) {
  const test::TemporaryFolder folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  SafetensorsWriter writer(folder.path() / "f.safetensors", {{"a", DType::u8, {1 << 20}}});
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto message = test::message_of<IoError>([&] { writer.write(std::vector<std::byte>(1 << 20)); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_CONTAINS(message, "f.safetensors: cannot write: File too large");
}

}  // namespace
}  // namespace loewner
