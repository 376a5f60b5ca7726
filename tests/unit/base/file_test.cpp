// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(File, AFailedReplacementKeepsWhatWasThereAndLeavesNoTemporaryFile) {
  const test::TemporaryFolder folder;
  folder.write("a.json/file", "old");  // a folder is not replaced
  EXPECT_CONTAINS(test::message_of<IoError>([&] { replace_file(folder.path() / "a.json", "new"); }), "cannot replace");
  EXPECT_EQ(read_text_file(folder.path() / "a.json" / "file", 100), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, AReplacementKeepsPermissionsAndOtherFiles) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a.json", "old"), other = folder.write("a.json.partial", "the user's");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  replace_file(path, "new");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(read_text_file(other, 100), "the user's");
}

TEST(File, AUserFileIsReplacedThroughALinkAndWrittenIntoAPipe) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("report.json", "old"), link = folder.path() / "link", pipe = folder.path() / "pipe";
  std::filesystem::create_symlink("report.json", link);
  write_user_file(link, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(read_text_file(file, 100), "new");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_user_file(pipe, "text");
  char text[5] = {};
  EXPECT_EQ(::read(reader, text, 4), 4);
  ::close(reader);
  EXPECT_EQ(std::string(text), "text");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
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
