// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/checkpoints.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kNone;
constexpr double kPlanned = 0.2;  // of the progress bar, when the first tensor is encoded

class Compress : public testing::Test {
 protected:
  // The tables are small, so metadata weigh much: at 0.7 some 18 KB are left for the factors of a table of 29 KB.
  CompressOptions options(const std::string& output = "out") const {
    CompressOptions options;
    options.model = model_;
    options.output = folder_.path() / output;
    options.keep = 0.7;
    return options;
  }
  CompressOptions by_svd() const {
    CompressOptions o = options();
    o.method = Method::svd;
    return o;
  }
  std::map<std::string, std::string> files(const std::string& output = "out") const {
    return test::files_of(folder_.path() / output);
  }
  Checkpoint output() const { return Checkpoint::open(folder_.path() / "out"); }

  test::TemporaryFolder folder_;
  fs::path model_ = test::write_encoder(folder_);
};

TEST_F(Compress, WritesAFolderThatReadsBackWithTheErrorsItReports) {
  const auto report = compress(by_svd());
  const auto written = output();
  const auto tensors = read_encoded_tensors(written);
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, test::kTable);
  EXPECT_EQ(tensors[0].array_names,
            (std::vector<std::string>{"embeddings.word_embeddings.left", "embeddings.word_embeddings.right"}));
  const auto original = Checkpoint::open(model_);
  const double error =
      approximation_errors(*original.rows_of(test::kTable), *tensors[0].matrix, {}, 2).relative_error();
  EXPECT_GT(error, 0);
  EXPECT_DOUBLE_EQ(report.tensors.at(0).errors.relative_error, error);
}

TEST_F(Compress, KeepCountsEveryByteOfATensor) {
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

class CompressTogether : public Compress {
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

TEST_F(CompressTogether, ABudgetIsThatOfAllWeightFiles) {
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

TEST_F(Compress, MeetsTheLargestErrorAfterRounding) {
  auto o = options();
  o.keep.reset();
  o.max_error = 0.3;
  EXPECT_LE(compress(o).tensors.at(0).errors.weighted_relative_error, 0.3);
}

TEST_F(Compress, CopiesWhatItDoesNotEncodeByteForByte) {
  compress(options());
  auto before = test::files_of(model_), after = files();
  EXPECT_EQ(after.at("README.base.md"), before.at("README.md"));
  for (const char* same : {"vocab.txt", "1_Pooling/config.json"}) EXPECT_EQ(after.at(same), before.at(same)) << same;
  for (const auto& tensor : test::encoder_tensors()) {
    const std::string& name = tensor.declaration.name;
    if (name == test::kTable) continue;
    const std::string bytes = test::bytes_of(tensor);
    const auto offset = test::offset_of(folder_.path() / "out" / "model.safetensors", name);
    EXPECT_EQ(after.at("model.safetensors").substr(offset, bytes.size()), bytes) << name;
  }
}

TEST_F(Compress, KeepsTheConfigurationAndItsOrder) {
  compress(options());
  Json config = output().config();
  EXPECT_EQ(config.at("quantization_config").at("quant_method"), "loewner");
  config.erase("quantization_config");
  Json expected = test::encoder_config();
  expected["torch_dtype"] = "float32";  // stated because the first array of the file no longer tells it
  EXPECT_EQ(config.dump(), expected.dump());
}

TEST_F(Compress, ReportsTheBytesOfTheFiles) {
  const auto report = compress(options());
  const auto sum = [](const std::map<std::string, std::string>& files) {
    Index bytes = 0;
    for (const auto& [name, text] : files) bytes += static_cast<Index>(text.size());
    return bytes;
  };
  EXPECT_EQ(report.folder_before, sum(test::files_of(model_)));
  EXPECT_EQ(report.folder_after, sum(files()));
  EXPECT_EQ(report.weights_after, static_cast<Index>(files().at("model.safetensors").size()));
}

TEST_F(Compress, TheSameRunGivesTheSameBytes) {
  compress(options());
  const auto first = files();
  fs::remove_all(folder_.path() / "out");
  compress(options());
  EXPECT_EQ(test::differing_files(files(), first), kNone);
}

TEST_F(Compress, SameBytesForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 8}) {
    const test::ThreadCount scope(threads);
    auto o = options(std::to_string(threads) + "/out");
    fs::create_directory(folder_.path() / std::to_string(threads));
    o.selection = Selection::all;
    o.keep = 0.55;
    o.factor_format = NumberFormat::f16;
    compress(o);
  }
  EXPECT_EQ(test::differing_files(files("2/out"), files("1/out")), kNone);
  EXPECT_EQ(test::differing_files(files("8/out"), files("1/out")), kNone);
}

TEST_F(Compress, ATableReadFromItsFileInEveryPassGivesTheSameBytes) {
  constexpr Index kRows = 600'000, kCols = 16;  // as float32 more than the solver leaves of the memory given below
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
  EXPECT_EQ(test::differing_files(files(), in_memory), kNone);
}

TEST_F(Compress, AutoGoesOnWithoutTheMethodsThatMemoryHasNoRoomFor) {
  auto o = options();
  o.dry_run = true;
  EXPECT_EQ(compress(o).notes, kNone);  // control: with the machine's memory all are tried
  o.max_memory = (Index{1} << 27) + 12 * 24 * 24 * Index{sizeof(double)};
  const auto report = compress(o);
  ASSERT_EQ(report.notes.size(), 2u);
  EXPECT_CONTAINS(report.notes[0], "embeddings.word_embeddings.weight: without lp, which needs about");
  EXPECT_CONTAINS(report.notes[1], "embeddings.word_embeddings.weight: without archetypes, which needs about");
}

TEST_F(Compress, TooLittleMemoryIsRefusedWithTheAmountNeeded) {
  auto o = options();
  o.max_memory = 1;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)compress(o); }),
                  "embeddings.word_embeddings.weight: 24 columns need about");
}

TEST_F(Compress, AnInterruptedRunGoesOnToTheSameBytes) {
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
  EXPECT_EQ(test::differing_files(files(), undisturbed), kNone);
  EXPECT_EQ(std::ranges::count_if(report.notes, [](const auto& note) { return note.ends_with("an earlier run"); }), 2);
}

TEST_F(Compress, ResumingACompleteOutputChangesNothing) {
  auto o = options();
  const auto first = compress(o);
  const auto before = files();
  folder_.write("out.partial/parts/0.json", "left by a run that was killed after the rename");
  o.if_exists = IfExists::resume;
  const auto second = compress(o);
  EXPECT_EQ(test::differing_files(files(), before), kNone);
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial"));
  EXPECT_EQ(second.tensors.at(0).bytes_after, first.tensors.at(0).bytes_after);
  EXPECT_EQ(second.folder_after, first.folder_after);
}

TEST_F(Compress, OtherOptionsDoNotResume) {
  auto o = options();
  compress(o);
  o.keep = 0.6;
  o.if_exists = IfExists::resume;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)compress(o); }), "exists already");
}

TEST_F(Compress, AChangedModelIsNotResumed) {
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

TEST_F(Compress, ShardsAreReplacedShardByShard) {
  model_ = test::write_encoder(folder_, "sharded", 2);
  compress(by_svd());
  const auto before = Checkpoint::open(model_), after = output();
  EXPECT_EQ(files().at("model-00002-of-00002.safetensors"),
            test::files_of(model_).at("model-00002-of-00002.safetensors"));
  EXPECT_EQ(after.shard_of(after.at("embeddings.word_embeddings.left")).name,
            before.shard_of(before.at(test::kTable)).name);
  Index total = 0;
  for (const auto& tensor : after.tensors()) total += tensor.info->bytes();
  EXPECT_EQ(after.index_metadata().at("total_size"), total);
}

TEST_F(Compress, ATiedCopyIsLeftOut) {
  auto tensors = test::encoder_tensors();
  tensors.push_back({.declaration = {"cls.predictions.decoder.weight", DType::f32, {test::kTokens, test::kWidth}}});
  test::write_checkpoint(folder_, "model", test::encoder_config(), {tensors});
  compress(options());
  EXPECT_EQ(output().find("cls.predictions.decoder.weight"), nullptr);
  const Json spec = output().config().at("quantization_config").at("tensors").at(test::kTable);
  EXPECT_EQ(spec.at("tied"), Json::array({"cls.predictions.decoder.weight"}));
}

TEST_F(Compress, ADryRunPredictsAndWritesNothing) {
  auto o = options();
  o.dry_run = true;
  const auto planned = compress(o);
  EXPECT_FALSE(fs::exists(o.output));
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial"));
  o.dry_run = false;
  const auto made = compress(o);
  EXPECT_EQ(planned.tensors.at(0).rank, made.tensors.at(0).rank);
  EXPECT_NEAR(planned.tensors.at(0).predicted_error, made.tensors.at(0).errors.weighted_relative_error, 1e-5);
}

TEST_F(Compress, ProgressNeverGoesBackAndEndsAtOne) {
  double last = 0;
  compress(options(), [&](std::string_view, double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
  });
  EXPECT_EQ(last, 1);
}

TEST_F(Compress, AQuantisedModelIsRefused) {
  Json config = test::encoder_config();
  config["quantization_config"] = {{"quant_method", "gptq"}};
  folder_.write("model/config.json", config.dump());
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)compress(options()); }),
                  "is quantised already (quant_method 'gptq')");
}

TEST_F(Compress, FactorsThatOverflowAHalfAreRefused) {
  auto tensors = test::encoder_tensors();
  const Matrix<float> a = test::gaussian_matrix({.rows = test::kTokens, .cols = test::kWidth});
  const auto file = model_ / "model.safetensors";
  const auto offset = test::offset_of(file, test::kTable);
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(offset));
  for (Index i = 0; i < test::kTokens * test::kWidth; ++i) {
    const float huge = 1e6F * a.data()[i];
    stream.write(reinterpret_cast<const char*>(&huge), sizeof(huge));
  }
  stream.close();
  auto o = options();
  o.method = Method::svd;
  o.factor_format = NumberFormat::f16;
  o.keep = 0.4;
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)compress(o); }), "the factors do not fit in f16");
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial"));
  o.factor_format = NumberFormat::bf16;
  EXPECT_NO_THROW((void)compress(o));
}

TEST_F(Compress, BadOptionsAreRefusedBeforeAnythingIsRead) {
  const auto refusal = [&](auto change) {
    auto o = options();
    o.model = "nowhere";
    change(o);
    return test::message_of<InvalidArgument>([&] { (void)compress(o); });
  };
  EXPECT_CONTAINS(refusal([](auto& o) { o.max_error = 0.1; }), "exactly one of keep, bits, budget and max_error");
  EXPECT_CONTAINS(refusal([](auto& o) { o.keep.reset(); }), "exactly one of keep, bits, budget and max_error");
  for (const double bad : {0.0, 1.0, -0.5, std::nan("")}) {
    EXPECT_CONTAINS(refusal([&](auto& o) { o.keep = bad; }), "keep must be above 0 and below 1");
  }
  for (const double bad : {0.5, std::nan(""), HUGE_VAL}) {
    EXPECT_CONTAINS(refusal([&](auto& o) { o.norm_exponent = bad; }), "norm_exponent must be finite and at least 1");
  }
  EXPECT_CONTAINS(refusal([](auto& o) { o.output.clear(); }), "an output folder is needed");
}

class CompressOnto : public Compress {
 protected:
  std::string refusal(const fs::path& output) {
    auto o = options();
    o.output = output;
    o.if_exists = IfExists::overwrite;
    const auto message = test::message_of<InvalidArgument>([&] { (void)compress(o); });
    EXPECT_EQ(test::differing_files(test::files_of(model_), before_), kNone);
    return message;
  }
  std::map<std::string, std::string> before_ = test::files_of(model_);
};

TEST_F(CompressOnto, TheModelItselfIsRefused) {
  EXPECT_CONTAINS(refusal(model_), "the output must not be the model folder");
  EXPECT_CONTAINS(refusal(model_ / "" / ".." / "model"), "the output must not be the model folder");
}

TEST_F(CompressOnto, AFolderAroundOrInsideTheModelIsRefused) {
  EXPECT_CONTAINS(refusal(folder_.path()), "contain it or lie in it");
  EXPECT_CONTAINS(refusal(model_ / "out"), "contain it or lie in it");
}

}  // namespace
}  // namespace loewner
