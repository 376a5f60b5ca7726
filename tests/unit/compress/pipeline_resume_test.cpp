// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr double kPlanned = 0.2;  // progress when the first tensor is encoded

class CompressResume : public test::Compression {};

TEST_F(CompressResume, AnInterruptedRunContinuesToTheSameBytes) {
  auto o = options();
  o.selection = Selection::all;
  o.keep = 0.55;
  o.method = Method::svd;
  o.factor_format = NumberFormat::f16;
  compress(o);
  const auto undisturbed = files();
  fs::remove_all(o.output);
  int tensors = 0;
  EXPECT_THROW(compress(o,
                        [&](std::string_view, double fraction) {
                          if (fraction >= kPlanned && ++tensors == 3) throw Cancelled();
                        }),
               Cancelled);
  EXPECT_FALSE(fs::exists(o.output));
  o.if_exists = IfExists::resume;
  const auto report = compress(o);
  EXPECT_EQ(test::differing_files(files(), undisturbed), test::kNone);
  EXPECT_EQ(std::ranges::count_if(report.notes, [](const auto& note) { return note.ends_with("an earlier run"); }), 2);
}

TEST_F(CompressResume, ResumingACompleteOutputChangesNothing) {
  auto o = options();
  const auto first = compress(o);
  const auto before = files();
  folder_.write("out.partial/parts/0.json", "left by a run that was killed after the rename");
  o.if_exists = IfExists::resume;
  const auto second = compress(o);
  EXPECT_EQ(test::differing_files(files(), before), test::kNone);
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial"));
  EXPECT_EQ(second.tensors.at(0).bytes_after, first.tensors.at(0).bytes_after);
  EXPECT_EQ(second.folder_after, first.folder_after);
}

TEST_F(CompressResume, OtherOptionsDoNotResume) {
  auto o = options();
  compress(o);
  o.keep = 0.6;
  o.if_exists = IfExists::resume;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)compress(o); }), "already exists");
}

TEST_F(CompressResume, AChangedModelIsNotResumed) {
  auto o = options();
  o.selection = Selection::all;
  o.keep = 0.55;
  o.factor_format = NumberFormat::f16;
  int tensors = 0;
  EXPECT_THROW(compress(o,
                        [&](std::string_view, double fraction) {
                          if (fraction >= kPlanned && ++tensors == 2) throw Cancelled();
                        }),
               Cancelled);
  test::flip_bit(model_ / "model.safetensors", fs::file_size(model_ / "model.safetensors") - 1);
  o.if_exists = IfExists::resume;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)compress(o); }), "from another model or with other options");
}

}  // namespace
}  // namespace loewner
