// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/staged_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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
  // An output of loewner, as its config.json says.
  void write_output(const std::string& name = "out") const {
    parent_.write(name + "/config.json", R"({"quantization_config":{"quant_method":"loewner"}})");
    parent_.write(name + "/file", "old");
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
  write_output();
  publish("new", IfExists::overwrite);
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "new"}}));
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, OverwritingLeavesTheOldTargetUntilTheNewIsComplete) {
  write_output();
  const auto before = target_files();
  {
    const StagedFolder staged(target_, "f", IfExists::overwrite);
    write(staged.folder() / "file", "half of it");
    EXPECT_EQ(target_files(), before);
  }
  EXPECT_EQ(target_files(), before);
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

TEST_F(StagedFolderAt, ASecondRunOnTheSameOutputIsRefused) {
  StagedFolder first(target_, "f", IfExists::refuse);
  write(first.folder() / "file", "text");
  for (const auto if_exists : {IfExists::refuse, IfExists::resume, IfExists::overwrite}) {
    const std::string message = refusal("f", if_exists);
    EXPECT_CONTAINS(message, "out: another run (process " + std::to_string(getpid()));
    EXPECT_CONTAINS(message, "is writing this output");
  }
  StagedFolder::remove_leftovers(target_);
  first.publish();
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "text"}}));
  EXPECT_FALSE(fs::exists(stage_));
  write_output();
  const StagedFolder later(target_, "f", IfExists::overwrite);  // control: the lock ends with the run
}

TEST_F(StagedFolderAt, ASecondRunThroughALinkIsRefused) {
  const StagedFolder first(target_, "f", IfExists::refuse);
  fs::create_directory_symlink(parent_.path(), parent_.path() / "link");
  target_ = parent_.path() / "link" / "out";
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "another run");
}

TEST_F(StagedFolderAt, ARunWhoseStageWasRemovedDoesNotPublish) {
  StagedFolder staged(target_, "f", IfExists::refuse);
  fs::remove_all(stage_);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { make_piece(staged); }), "out.partial: was removed or replaced");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { staged.publish(); }), "out.partial: was removed or replaced");
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(StagedFolderAt, ARunWhoseStageWasTakenAwayDoesNotTouchTheNextOne) {
  {
    StagedFolder first(target_, "f", IfExists::refuse);
    fs::rename(stage_, parent_.path() / "elsewhere");
    StagedFolder second(target_, "f", IfExists::refuse);
    write(second.folder() / "file", "second");
    EXPECT_THROW(make_piece(first), IoError);
    EXPECT_THROW(first.publish(), IoError);
    EXPECT_FALSE(std::ofstream(first.folder() / "file").is_open());  // the folder of the first is not in the new stage
    EXPECT_FALSE(second.has_part("a"));
    second.publish();
  }
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "second"}}));
}

TEST_F(StagedFolderAt, OverwritingRefusesWhatLoewnerDidNotWrite) {
  parent_.write("out/thesis.txt", "precious");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "it is a folder that loewner did not write, with the file");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "'thesis.txt'");
  parent_.write("out/config.json", R"({"quantization_config":{"quant_method":"gptq"}})");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "it is a folder that loewner did not write");
  parent_.write("out/config.json", "{");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "it is a folder that loewner did not write");
  EXPECT_EQ(target_files().at("thesis.txt"), "precious");
  EXPECT_FALSE(fs::exists(stage_));
}

TEST_F(StagedFolderAt, OverwritingRefusesRegularFilesAndPipes) {
  parent_.write("out", "precious");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "it is a regular file");
  fs::remove(target_);
  ASSERT_EQ(mkfifo(target_.c_str(), 0600), 0);
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "it is a named pipe");
  EXPECT_TRUE(fs::exists(target_));
}

TEST_F(StagedFolderAt, OverwritingReplacesAnEmptyFolder) {
  fs::create_directory(target_);
  publish("new", IfExists::overwrite);
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "new"}}));
}

TEST_F(StagedFolderAt, AForeignTargetThatAppearsMeanwhileIsNotOverwritten) {
  StagedFolder staged(target_, "f", IfExists::overwrite);
  parent_.write("out/thesis.txt", "precious");
  EXPECT_CONTAINS(test::message_of<IoError>([&] { staged.publish(); }), "it is a folder that loewner did not write");
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"thesis.txt", "precious"}}));
}

TEST_F(StagedFolderAt, AForeignStageIsNotRemoved) {
  parent_.write("out.partial/thesis.txt", "precious");
  for (const auto if_exists : {IfExists::refuse, IfExists::resume, IfExists::overwrite})
    EXPECT_CONTAINS(refusal("f", if_exists), "it holds 'thesis.txt', which loewner did not write");
  EXPECT_EQ(test::files_of(stage_), (std::map<std::string, std::string>{{"thesis.txt", "precious"}}));
  fs::remove_all(stage_);
  parent_.write("out.partial", "precious");
  EXPECT_CONTAINS(refusal("f", IfExists::overwrite), "must be free for the unfinished output");
  EXPECT_TRUE(fs::is_regular_file(stage_));
}

TEST_F(StagedFolderAt, ALinkStaysAndItsTargetIsReplaced) {
  write_output("real/place");
  fs::create_directory_symlink("real/place", target_);
  publish("new", IfExists::overwrite);
  EXPECT_TRUE(fs::is_symlink(target_));
  EXPECT_EQ(test::files_of(parent_.path() / "real" / "place"), (std::map<std::string, std::string>{{"file", "new"}}));
  EXPECT_EQ(std::ranges::distance(fs::directory_iterator(parent_.path() / "real")), 1);
}

TEST_F(StagedFolderAt, ADanglingLinkStaysAndItsTargetIsCreated) {
  fs::create_directory_symlink("elsewhere", target_);
  publish("new");
  EXPECT_TRUE(fs::is_symlink(target_));
  EXPECT_EQ(test::files_of(parent_.path() / "elsewhere"), (std::map<std::string, std::string>{{"file", "new"}}));
}

TEST_F(StagedFolderAt, ATargetThatAKillLeftInTheStageReturns) {  // between the two renames that replace an exchange
  parent_.write("out.partial/replaced/file", "old");
  EXPECT_CONTAINS(refusal("f", IfExists::refuse), "out: already exists");
  EXPECT_EQ(target_files(), (std::map<std::string, std::string>{{"file", "old"}}));
  EXPECT_FALSE(fs::exists(stage_));
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
