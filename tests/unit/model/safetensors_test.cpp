// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/number_format.hpp"
#include "loewner/model/safetensors_writer.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/safetensors_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

std::string file_refusal(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("f.safetensors", bytes);
  const auto message = test::message_of<IoError>([&] { (void)SafetensorsFile::open(path); });
  EXPECT_TRUE(message.starts_with(path.string() + ": ")) << message;
  return message;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string matrix_header(const std::string& dtype, Index rows, Index cols, Index bytes) {
  return R"({"m":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(rows) + "," + std::to_string(cols) +
         R"(],"data_offsets":[0,)" + std::to_string(bytes) + "]}}";
}

// The 2 x 2 matrix 'm' of a file with these data, read as float32 rows.
std::vector<float> rows_of(const std::string& dtype, const std::string& data) {
  const test::TemporaryFolder folder;
  const auto header = matrix_header(dtype, 2, 2, static_cast<Index>(data.size()));
  const auto file = SafetensorsFile::open(folder.write("f.safetensors", test::safetensors_bytes(header, data)));
  const auto all = read_all(TensorRows(file, *file->find("m")));
  return {all.data(), all.data() + 4};
}

TEST(SafetensorsFile, ReadsBytesOfATensorFromAnOffset) {
  const test::TemporaryFolder folder;
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})";
  const auto path = folder.write("f.safetensors", test::safetensors_bytes(header, "xyabcd"));
  const auto file = SafetensorsFile::open(path);
  std::string read(2, '?');
  file->read(*file->find("b"), 1, std::as_writable_bytes(std::span(read)));
  EXPECT_EQ(read, "bc");
  EXPECT_EQ(file->find("c"), nullptr);
  EXPECT_EQ(file->header_text(), header);
  EXPECT_EQ(file->file_bytes(), static_cast<Index>(8 + header.size() + 6));
}

TEST(SafetensorsFile, RejectsReadsOutsideTheTensor) {
  const test::TemporaryFolder folder;
  const auto file = SafetensorsFile::open(folder.write("f.safetensors", test::one_matrix_file("m", 2, 2)));
  std::vector<std::byte> out(8);
  EXPECT_THROW(file->read(*file->find("m"), 9, out), InvalidArgument);
  EXPECT_THROW(file->read(*file->find("m"), -1, out), InvalidArgument);
  EXPECT_THROW(file->read(*file->find("m"), std::numeric_limits<Index>::max(), out), InvalidArgument);
}

TEST(SafetensorsFile, RejectsFilesThatAreTooShortForTheirHeader) {
  EXPECT_CONTAINS(file_refusal(""), "8 bytes of header length, got 0 bytes");
  EXPECT_CONTAINS(file_refusal("1234567"), "8 bytes of header length, got 7 bytes");
  EXPECT_CONTAINS(file_refusal(test::safetensors_bytes(3, "{}")), "a header of 3 bytes and 2 bytes after its length");
}

TEST(SafetensorsFile, RejectsHeaderLengthsAboveTheLimit) {
  EXPECT_CONTAINS(file_refusal(test::safetensors_bytes(100'000'001, "{}")), "at most 100000000 bytes, got 100000001");
  EXPECT_CONTAINS(file_refusal(test::safetensors_bytes(std::numeric_limits<std::uint64_t>::max(), "{}")),
                  "at most 100000000 bytes");
}

TEST(SafetensorsFile, RejectsTruncatedData) {
  auto bytes = test::one_matrix_file("m", 2, 2);
  bytes.pop_back();
  EXPECT_CONTAINS(file_refusal(bytes), "tensor 'm': data must lie within the file's 15 bytes");
}

TEST(SafetensorsFile, MissingFilesAndFoldersAreNamed) {
  const test::TemporaryFolder folder;
  const auto missing = folder.path() / "none.safetensors";
  EXPECT_EQ(test::message_of<IoError>([&] { (void)SafetensorsFile::open(missing); }),
            missing.string() + ": cannot open: No such file or directory");
  EXPECT_EQ(test::message_of<IoError>([&] { (void)SafetensorsFile::open(folder.path()); }),
            folder.path().string() + ": must be a regular file");
}

TEST(SafetensorsFile, AFileCutShortAfterOpeningGivesAnErrorInsteadOfASignal) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("f.safetensors", test::one_matrix_file("m", 64, 64));
  const auto file = SafetensorsFile::open(path);
  std::filesystem::resize_file(path, 200);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)read_all(TensorRows(file, *file->find("m"))); }),
                  "file ends at byte 200");
}

TEST(TensorRows, ConvertsEveryFloatingPointType) {
  const std::vector<float> expected = {1.5f, -2.0f, 0.25f, 3.0f};
  EXPECT_EQ(rows_of("F32", bytes_of(expected)), expected);
  EXPECT_EQ(rows_of("F64", bytes_of(std::vector<double>{1.5, -2.0, 0.25, 3.0})), expected);
  std::vector<std::uint16_t> half, bfloat;
  for (const float x : expected) {
    half.push_back(float_to_half(x));
    bfloat.push_back(float_to_bfloat16(x));
  }
  EXPECT_EQ(rows_of("F16", bytes_of(half)), expected);
  EXPECT_EQ(rows_of("BF16", bytes_of(bfloat)), expected);
}

TEST(TensorRows, RejectsTensorsThatAreNoMatrixOfNumbers) {
  const test::TemporaryFolder folder;
  const std::string header =
      R"({"i":{"dtype":"I8","shape":[1,4],"data_offsets":[0,4]},"v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  const auto file = SafetensorsFile::open(folder.write("f.safetensors", test::safetensors_bytes(header, "12345678")));
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { TensorRows(file, *file->find("i")); }),
                  "tensor 'i' must be a matrix");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { TensorRows(file, *file->find("v")); }),
                  "got 1 dimensions of F32");
}

TEST(TensorRows, SameBitsForAnyNumberOfThreads) {
  const test::TemporaryFolder folder;
  const auto values = test::gaussian_matrix({.rows = 3000, .cols = 300, .seed = 5});
  const std::span<const float> all(values.data(), 3000 * 300);
  const auto path = folder.path() / "f.safetensors";
  SafetensorsWriter writer(path, {{"m", DType::f32, {3000, 300}}});
  writer.write(std::as_bytes(all));
  writer.finish();
  const auto file = SafetensorsFile::open(path);
  for (const int threads : {1, 2, 8}) {
    const test::ThreadCount scope(threads);
    const auto read = read_all(TensorRows(file, *file->find("m")));
    EXPECT_EQ(std::memcmp(read.data(), values.data(), all.size_bytes()), 0) << threads << " threads";
  }
}

TEST(TensorRows, KeepTheirFileOpen) {
  const test::TemporaryFolder folder;
  auto file = SafetensorsFile::open(folder.write("f.safetensors", test::one_matrix_file("m", 2, 2)));
  const TensorRows rows(file, *file->find("m"));
  file.reset();
  EXPECT_EQ(read_all(rows)(1, 1), 0.0f);
}

}  // namespace
}  // namespace loewner
