// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/plan/encode.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class CompressWithin : public test::Compression {};

TEST_F(CompressWithin, KeepCountsEveryByteOfATensor) {
  for (const double keep : {0.2, 0.5, 0.8}) {
    auto o = options();
    o.keep = keep;
    o.if_exists = IfExists::overwrite;
    const auto report = compress(o);
    const auto& tensor = report.tensors.at(0);
    EXPECT_LE(static_cast<double>(tensor.bytes_after), keep * static_cast<double>(tensor.bytes_before));
    const auto written = output();
    const Json& spec = written.config().at("quantization_config").at("tensors").at(test::kTable);
    const auto arrays = read_encoded_tensors(written).at(0).array_names;
    EXPECT_EQ(tensor.bytes_after, stored_bytes(written, arrays) + static_cast<Index>(spec.dump().size()));
  }
}

// The bytes of all selected tensors together, metadata included.
Index bytes_after(const CompressReport& report) {
  Index sum = 0;
  for (const auto& tensor : report.tensors) sum += tensor.bytes_after;
  return sum;
}

class CompressTogether : public test::Compression {
 protected:
  CompressOptions together(const std::string& output = "out") const {
    CompressOptions o = options(output);
    o.keep.reset();
    o.selection = Selection::all;
    o.factor_format = NumberFormat::f16;
    o.method = Method::svd;
    return o;
  }
};

TEST_F(CompressTogether, OneBudgetIsSharedAndMet) {
  auto o = together();
  o.keep = 0.6;
  const auto report = compress(o);
  Index before = 0;
  for (const auto& tensor : report.tensors) before += tensor.bytes_before;
  EXPECT_GT(report.tensors.size(), 1u);
  EXPECT_LE(bytes_after(report), static_cast<Index>(0.6 * static_cast<double>(before)));
  EXPECT_GT(bytes_after(report), static_cast<Index>(0.5 * static_cast<double>(before)));  // and used
}

TEST_F(CompressTogether, BitsAreBitsPerWeight) {
  auto o = together();
  o.bits = 12;
  const auto report = compress(o);
  Index weights = 0;
  for (const auto& tensor : report.tensors) weights += tensor.rows * tensor.cols;
  EXPECT_LE(bytes_after(report), 12 * weights / 8);
}

TEST_F(CompressTogether, ABudgetCountsAllWeightFiles) {
  auto o = together();
  o.budget = Checkpoint::open(model_).weight_bytes() * 6 / 10;
  const auto report = compress(o);
  EXPECT_LE(report.weights_after, *o.budget);
  EXPECT_GT(report.weights_after, *o.budget * 8 / 10);  // and used
}

TEST_F(CompressTogether, ABudgetThatIsTooSmallNamesTheSmallestSize) {
  auto o = together();
  o.bits = 0.01;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)compress(o); }), "the smallest encodings take");
}

TEST_F(CompressWithin, MeetsTheLargestErrorAfterRounding) {
  auto o = options();
  o.keep.reset();
  o.max_error = 0.3;
  EXPECT_LE(compress(o).tensors.at(0).errors.weighted_relative_error, 0.3);
}

TEST_F(CompressWithin, ATableReadFromItsFileInEveryPassGivesTheSameBytes) {
  constexpr Index kRows = 600'000, kCols = 16;  // float32 rows that exceed the memory given below
  test::write_checkpoint(folder_, "model", {{"model_type", "bert"}, {"vocab_size", kRows}},
                         {{{.declaration = {test::kTable, DType::f16, {kRows, kCols}}, .seed = 1}}});
  auto o = options();
  o.method = Method::svd;
  o.factor_format = NumberFormat::f16;
  compress(o);
  const auto in_memory = files();
  fs::remove_all(folder_.path() / "out");
  o.max_memory = Index{140} << 20;
  compress(o);
  EXPECT_EQ(test::differing_files(files(), in_memory), test::kNone);
}

TEST_F(CompressWithin, AutoLeavesOutMethodsThatNeedMoreMemory) {
  auto o = options();
  o.dry_run = true;
  EXPECT_EQ(compress(o).notes, test::kNone);  // control: no method is left out
  o.max_memory = (Index{1} << 27) + 12 * 24 * 24 * Index{sizeof(double)};
  const auto report = compress(o);
  ASSERT_EQ(report.notes.size(), 2u);
  EXPECT_CONTAINS(report.notes[0], "embeddings.word_embeddings.weight: method lp is left out, it needs about");
  EXPECT_CONTAINS(report.notes[1], "embeddings.word_embeddings.weight: method archetypes is left out, it needs about");
}

TEST_F(CompressWithin, MatricesTooWideForANamedMethodAreLeftAsTheyAre) {
  auto o = options();
  o.selection = Selection::all;
  o.method = Method::svd;
  const auto wide = [](const TensorReport& tensor) { return tensor.cols > 24; };
  auto report = compress(o);
  ASSERT_TRUE(std::ranges::any_of(report.tensors, wide) && !std::ranges::all_of(report.tensors, wide));
  o.output = folder_.path() / "little";
  o.max_memory = solver_bytes(Method::svd, 24);
  report = compress(o);
  EXPECT_TRUE(std::ranges::none_of(report.tensors, wide));
  EXPECT_CONTAINS(report.notes.at(0), "96 columns need about");
  EXPECT_CONTAINS(report.notes.at(0), "left as it is");
  o.output = folder_.path() / "named";
  o.include = {"layer.1"};
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)compress(o); }), "columns need about");
}

TEST_F(CompressWithin, TooLittleMemoryIsRefusedWithTheAmountNeeded) {
  auto o = options();
  o.max_memory = 1;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)compress(o); }),
                  "embeddings.word_embeddings.weight: 24 columns need about");
}

}  // namespace
}  // namespace loewner
