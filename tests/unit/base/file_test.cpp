// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "loewner/base/error.hpp"
#include "support/messages.hpp"
#include "support/temporary_folder.hpp"

namespace loewner::detail {
namespace {

TEST(File, ReplacedFilesHaveTheNewTextAndLeaveNoTemporaryFile) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a.json", "old");
  replace_file(path, "new text");
  EXPECT_EQ(read_text_file(path, 100), "new text");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, AFailedReplacementKeepsTheOldFile) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a.json", "old");
  std::filesystem::create_directory(folder.path() / "a.json.partial");  // the temporary file cannot be made
  EXPECT_CONTAINS(test::message_of<IoError>([&] { replace_file(path, "new"); }), "cannot create: Is a directory");
  EXPECT_EQ(read_text_file(path, 100), "old");
}

TEST(File, TextAboveTheLimitIsRefused) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a.json", "12345");
  EXPECT_EQ(read_text_file(path, 5), "12345");
  EXPECT_EQ(test::message_of<IoError>([&] { (void)read_text_file(path, 4); }),
            path.string() + ": must have at most 4 bytes, got 5");
}

TEST(File, NamedPipesAreRefusedWithoutWaiting) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)File::open_for_reading(path); }), "must be a regular file");
}

}  // namespace
}  // namespace loewner::detail
