// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/staged_folder.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "loewner/base/error.hpp"
#include "support/checkpoints.hpp"
#include "support/messages.hpp"
#include "support/temporary_folder.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class StagedFolderAt : public testing::Test {
 protected:
  std::string refusal(const std::string& fingerprint, IfExists if_exists) const {
    return test::message_of<IoError>([&] { const StagedFolder staged(target_, fingerprint, if_exists); });
  }
  // A run that finished part `a` and was then stopped.
  void leave_unfinished(const std::string& fingerprint) const {
    StagedFolder staged(target_, fingerprint, IfExists::refuse);
    make_piece(staged);
    staged.keep_parts();
  }
  static void make_piece(const StagedFolder& staged) {
    staged.make_part("a", [](const fs::path& folder) { write(folder / "text", "piece"); });
  }
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  void publish(const std::string& text, IfExists if_exists = IfExists::refuse) const {
    StagedFolder staged(target_, "f", if_exists);
    write(staged.folder() / "file", text);
    staged.publish();
  }
  std::map<std::string, std::string> target_files() const { return test::files_of(target_); }

  test::TemporaryFolder parent_;
  fs::path target_ = parent_.path() / "out", stage_ = parent_.path() / "out.partial";
};

TEST_F(StagedFolderAt, AppearsCompleteAndLeavesNothingBesideIt) {
  {
    StagedFolder staged(target_, "f", IfExists::refuse);
    write(staged.folder() / "file", "text");
    make_piece(staged);
    EXPECT_FALSE(fs::exists(target_));
    staged.publish();
  }
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "text"}}));
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, ARunThatFailsLeavesNothing) {
  {
    const StagedFolder staged(target_, "f", IfExists::refuse);
    make_piece(staged);
    write(staged.folder() / "file", "text");
    EXPECT_TRUE(fs::exists(stage_));
  }
  EXPECT_FALSE(fs::exists(stage_));
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(StagedFolderAt, AStoppedRunWithoutAFinishedPartLeavesNothing) {
  {
    StagedFolder staged(target_, "f", IfExists::refuse);
    staged.keep_parts();
    const auto fail = [](const fs::path& folder) {
      write(folder / "text", "half a piece");
      throw Cancelled();
    };
    EXPECT_THROW(staged.make_part("a", fail), Cancelled);
    EXPECT_FALSE(staged.has_part("a"));
  }
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, APartThatWasKilledHalfwayIsMadeAgain) {
  leave_unfinished("f");
  parent_.write("out.partial/unfinished/other", "half a piece");
  const StagedFolder staged(target_, "f", IfExists::resume);
  staged.make_part("b", [](const fs::path& folder) { write(folder / "text", "whole"); });
  EXPECT_EQ(test::files_of(staged.part("b")), (std::map<std::string, std::string>{{"text", "whole"}}));
}

TEST_F(StagedFolderAt, FinishedPartsAreKeptForAResumedRun) {
  leave_unfinished("f");
  const StagedFolder staged(target_, "f", IfExists::resume);
  EXPECT_TRUE(staged.has_part("a"));
  EXPECT_FALSE(staged.has_part("b"));
}

TEST_F(StagedFolderAt, AResumedRunAssemblesTheFolderAgain) {
  leave_unfinished("f");
  parent_.write("out.partial/folder/file", "half of it");
  const StagedFolder staged(target_, "f", IfExists::resume);
  EXPECT_TRUE(fs::is_empty(staged.folder()));
}

TEST_F(StagedFolderAt, AnUnfinishedOutputIsNotChangedByDefault) {
  leave_unfinished("f");
  EXPECT_CONTAINS(refusal("f", IfExists::refuse), "out.partial: holds an unfinished output");
  EXPECT_TRUE(fs::exists(stage_ / "parts" / "a"));
}

TEST_F(StagedFolderAt, OtherWorkIsNotResumed) {
  leave_unfinished("f");
  EXPECT_CONTAINS(refusal("g", IfExists::resume), "was started from another model or with other options");
  EXPECT_TRUE(fs::exists(stage_ / "parts" / "a"));
}

TEST_F(StagedFolderAt, OverwritingDropsOtherWork) {
  leave_unfinished("f");
  const StagedFolder staged(target_, "g", IfExists::overwrite);
  EXPECT_FALSE(staged.has_part("a"));
}

TEST_F(StagedFolderAt, AStageWithoutAStateIsStartedAgain) {  // killed before the state was written
  parent_.write("out.partial/parts/a", "of whom?");
  const StagedFolder staged(target_, "f", IfExists::resume);
  EXPECT_FALSE(staged.has_part("a"));
}

TEST_F(StagedFolderAt, AnExistingTargetIsRefused) {
  parent_.write("out/file", "old");
  EXPECT_CONTAINS(refusal("f", IfExists::refuse), "out: already exists");
  EXPECT_CONTAINS(refusal("f", IfExists::resume), "out: already exists");
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "old"}}));
}

TEST_F(StagedFolderAt, OverwritingExchangesTheOldTargetForTheNew) {
  parent_.write("out/file", "old");
  parent_.write("out/other", "old");
  publish("new", IfExists::overwrite);
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "new"}}));
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, OverwritingLeavesTheOldTargetUntilTheNewIsComplete) {
  parent_.write("out/file", "old");
  {
    const StagedFolder staged(target_, "f", IfExists::overwrite);
    write(staged.folder() / "file", "half of it");
    EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "old"}}));
  }
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "old"}}));
}

TEST_F(StagedFolderAt, ATargetThatAppearsDuringTheRunIsNotReplaced) {
  StagedFolder staged(target_, "f", IfExists::refuse);
  parent_.write("out/file", "somebody else's");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { staged.publish(); }), "out: cannot be put in place");
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "somebody else's"}}));
}

TEST_F(StagedFolderAt, ATrailingSlashNamesTheSameTarget) {
  {
    StagedFolder staged(target_ / "", "f", IfExists::refuse);
    staged.publish();
  }
  EXPECT_TRUE(fs::is_directory(target_));
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, TheParentMustExist) {
  target_ = parent_.path() / "none" / "out";
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "none: the output's parent folder does not exist");
}

TEST_F(StagedFolderAt, AnInvalidStateFileIsNamed) {
  leave_unfinished("f");
  parent_.write("out.partial/state.json", "{");
  EXPECT_CONTAINS(refusal("f", IfExists::resume), "state.json");
}

TEST_F(StagedFolderAt, LeftoversOfAPublishedOutputAreRemoved) {
  publish("text");
  parent_.write("out.partial/parts/a", "piece");
  StagedFolder::remove_leftovers(target_);
  EXPECT_FALSE(fs::exists(stage_));
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "text"}}));
}

}  // namespace
}  // namespace loewner
