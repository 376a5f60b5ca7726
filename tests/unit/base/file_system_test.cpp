// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/folder_lock.hpp"
#include "loewner/base/error.hpp"
#include "support/messages.hpp"
#include "support/temporary_folder.hpp"

namespace loewner::detail {
namespace {

namespace fs = std::filesystem;

TEST(FileSystem, ACopyHasThePermissionsOfItsSource) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("run.sh", "text");
  for (const auto permissions :
       {fs::perms::owner_all, fs::perms::owner_read, fs::perms::owner_all | fs::perms::group_read}) {
    fs::permissions(file, permissions);
    const auto copy = folder.path() / ("copy" + std::to_string(static_cast<int>(permissions)));
    detail::copy_file(file, copy);
    EXPECT_EQ(fs::status(copy).permissions(), permissions);
    EXPECT_EQ(read_text_file(copy, 100), "text");
  }
}

TEST(FileSystem, ACopyReplacesNoFile) {
  const test::TemporaryFolder folder;
  const auto from = folder.write("a", "new"), to = folder.write("b", "old");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { detail::copy_file(from, to); }), "b: cannot create: File exists");
  EXPECT_EQ(read_text_file(to, 100), "old");
}

class TwoFolders : public testing::Test {
 protected:
  TwoFolders() {
    folder_.write("new/file", "new");
    folder_.write("old/file", "old");
  }
  std::string text(const char* name) const { return read_text_file(folder_.path() / name / "file", 100); }

  test::TemporaryFolder folder_;
  fs::path new_ = folder_.path() / "new", old_ = folder_.path() / "old", spare_ = folder_.path() / "spare";
};

TEST_F(TwoFolders, AreExchanged) {
  replace_folder(new_, old_, spare_);
  EXPECT_EQ(text("old"), "new");
}

TEST_F(TwoFolders, AreReplacedByTwoRenames) {
  replace_folder_by_renames(new_, old_, spare_);
  EXPECT_EQ(text("old"), "new");
  EXPECT_EQ(text("spare"), "old");
  EXPECT_FALSE(fs::exists(new_));
}

TEST_F(TwoFolders, AFailedSecondRenameIsUndone) {
  EXPECT_THROW(replace_folder_by_renames(folder_.path() / "none", old_, spare_), IoError);
  EXPECT_EQ(text("old"), "old");
  EXPECT_FALSE(fs::exists(spare_));
}

TEST(FileSystem, LinksAreFollowedToTheirEnd) {
  const test::TemporaryFolder folder;
  fs::create_symlink("b", folder.path() / "a");
  fs::create_symlink("c/d", folder.path() / "b");
  EXPECT_EQ(follow_links(folder.path() / "a"), folder.path() / "c/d");
  fs::create_symlink("loop", folder.path() / "loop");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)follow_links(folder.path() / "loop"); }),
                  "too many symbolic links");
}

TEST(FolderLock, OneAtATime) {
  const test::TemporaryFolder parent;
  const auto folder = parent.path() / "stage";
  auto first = FolderLock::try_acquire(folder);
  EXPECT_TRUE(first.holds());
  EXPECT_FALSE(FolderLock::try_acquire(folder).holds());
  EXPECT_CONTAINS(FolderLock::holder(folder), "process ");
  first.release();
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(FolderLock::try_acquire(folder).holds());
}

TEST(FolderLock, IsLostWithItsFolder) {
  const test::TemporaryFolder parent;
  const auto folder = parent.path() / "stage";
  auto first = FolderLock::try_acquire(folder);
  fs::rename(folder, parent.path() / "elsewhere");
  EXPECT_FALSE(first.holds());
  auto second = FolderLock::try_acquire(folder);
  EXPECT_TRUE(second.holds());
  first.release();
  EXPECT_TRUE(second.holds());  // the first removes nothing of the second
}

}  // namespace
}  // namespace loewner::detail
