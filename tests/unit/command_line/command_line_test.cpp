// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <gtest/gtest.h>

#include "loewner/base/parallel.hpp"
#include "support/checkpoints.hpp"
#include "support/command_line_runs.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::cli {
namespace {

using test::run_line;

TEST(CommandLine, WrongArgumentsAreOneLineAndExitCode2) {
  for (const char* line : {"", "shrink", "compress", "compress m --keep half", "inspect m --unknown", "verify",
                           "completion tcsh", "eval m", "inspect m --threads 0"}) {
    const auto run = run_line(line);
    EXPECT_EQ(run.code, usage) << line;
    EXPECT_EQ(run.out, "");
    EXPECT_TRUE(run.err.starts_with("loewner: ")) << run.err;
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
}

TEST(CommandLine, AMessageNamesTheHelpOfItsCommand) {
  EXPECT_CONTAINS(run_line("verify").err, "(see loewner verify --help)");
  EXPECT_CONTAINS(run_line("").err, "(see loewner --help)");
}

TEST(CommandLine, CommandsOfThePythonPackageSayWhatInstallsThem) {
  const auto run = run_line("eval a b --task own.tsv");
  EXPECT_EQ(run.code, usage);
  EXPECT_EQ(run.err, "loewner: eval runs in the Python package: pip install \"loewner[eval]\"\n");
}

TEST(CommandLine, OnlyCompressTakesUrlsAndRunsThemInThePythonPackage) {
  const std::string line = "compress s3://bucket/model -o s3://bucket/out --keep 0.5";
  const auto alone = run_line(line);
  EXPECT_EQ(alone.code, usage);
  EXPECT_EQ(alone.err,
            "loewner: s3://bucket/model: URLs are for the Python package: pip install \"loewner[fsspec]\"\n");
  EXPECT_EQ(run_line(line, true).python_options.at("output"), "s3://bucket/out");
  EXPECT_CONTAINS(run_line(line + " --worker 0/2", true).err, "--worker 0/2 needs folders that all workers see");
  for (const char* other : {"verify s3://bucket/out", "expand s3://bucket/out -o dense", "eval m --task s3://bucket/t",
                            "compress m -o out --keep 0.5 --text s3://bucket/text"}) {
    EXPECT_CONTAINS(run_line(other, true).err, "is a URL; only MODEL, --output and --moments of compress may be URLs")
        << other;
  }
}

TEST(CommandLine, CommandsOfThePythonPackageGetTheirOptionsWithDefaults) {
  const auto run = run_line("eval a b --task x.tsv --task y.tsv --max-length 64 --quiet", true);
  EXPECT_EQ(run.code, done);
  const Json expected = {{"model", {"a", "b"}}, {"task", {"x.tsv", "y.tsv"}},
                         {"data", nullptr},     {"split", nullptr},
                         {"batch", 32},         {"max_length", 64},
                         {"draws", 1000},       {"index", "exact"},
                         {"seed", 0},           {"card", nullptr},
                         {"json", nullptr},     {"threads", nullptr},
                         {"quiet", true}};
  EXPECT_EQ(run.python_options, expected) << run.python_options;
  EXPECT_EQ(run_line("report small -o page.html", true).python_options.at("eval"), Json::array());
}

TEST(CommandLine, AnOptionThatACommandDoesNotObeyIsRefused) {
  for (const char* line : {"calibrate m --text t -o c --threads 2", "expand m -o d --json r.json",
                           "completion bash --threads 2", "completion bash --quiet"}) {
    EXPECT_EQ(run_line(line, true).code, usage) << line;
  }
  EXPECT_EQ(run_line("calibrate m --text t -o c --quiet", true).code, done);  // control
}

TEST(CommandLine, ASeedIsAWholeNumber) {
  test::TemporaryFolder folder;
  const std::string line = "compress " + test::write_encoder(folder).string() + " --keep 0.7 --dry-run --seed ";
  for (const char* const seed : {"-1", "18446744073709551616", "1.5", "x"}) {
    const auto run = run_line(line + seed);
    EXPECT_EQ(run.code, usage) << seed;
    EXPECT_CONTAINS(run.err, std::string("got '") + seed + "'");
  }
  EXPECT_EQ(run_line(line + "18446744073709551615").code, done);
}

TEST(CommandLine, EveryCommandOfTheCoreObeysThreads) {
  test::TemporaryFolder folder;
  const std::string model = test::write_encoder(folder).string(), out = (folder.path() / "out").string(),
                    dense = (folder.path() / "dense").string();
  const test::ThreadCount scope(1);
  for (const auto& [line, threads] :
       std::vector<std::pair<std::string, int>>{{"inspect " + model, 2},
                                                {"compress " + model + " -o " + out + " --keep 0.7", 3},
                                                {"verify " + out + " --against " + model, 4},
                                                {"expand " + out + " -o " + dense, 5}}) {
    const auto run = run_line(line + " --quiet --threads " + std::to_string(threads));
    EXPECT_EQ(run.code, done) << run.err;
    EXPECT_EQ(run.out, "");  // --quiet
    EXPECT_EQ(num_threads(), threads) << line;
  }
}

TEST(CommandLine, AStandardOutputThatCannotBeWrittenIsExitCode3) {
  std::ostringstream out, err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(run(test::words_of("--version"), {.out = out, .err = err}), bad_input);
  EXPECT_EQ(err.str(), "loewner: standard output: cannot be written\n");
}

TEST(CommandLine, AReportThatCannotBeWrittenLeavesTheOldOne) {
  test::TemporaryFolder folder;
  const std::string model = test::write_encoder(folder).string();
  folder.write("report.json/file", "old");  // a folder
  const auto run = run_line("inspect " + model + " --json " + (folder.path() / "report.json").string());
  EXPECT_EQ(run.code, bad_input);
  EXPECT_CONTAINS(run.err, "report.json: cannot be written");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "report.json" / "file"));
}

TEST(CommandLine, VerifyFailsWithExitCode5) {
  test::TemporaryFolder folder;
  const std::string model = test::write_encoder(folder).string(), out = (folder.path() / "out").string();
  ASSERT_EQ(run_line("compress " + model + " -o " + out + " --keep 0.7 --quiet").code, done);
  EXPECT_EQ(run_line("verify " + out + " --against " + model).code, done);
  const auto file = folder.path() / "out" / "model.safetensors";
  test::flip_bit(file, std::filesystem::file_size(file) - 1);
  const auto run = run_line("verify " + out + " --against " + model);
  EXPECT_EQ(run.code, not_verified);
  EXPECT_CONTAINS(run.out, "FAILED: tensor 'encoder.layer.1.dense.weight' differs from the original");
  EXPECT_EQ(run.err, "loewner: " + out + ": verification failed\n");
}

TEST(CommandLine, ColorsAreUsedOnlyWhereTheStreamWantsThem) {
  for (const char* line : {"--help", "compress --help", "shrink"}) {
    const auto plain = run_line(line, false, false), colored = run_line(line, false, true);
    EXPECT_EQ((plain.out + plain.err).find('\033'), std::string::npos) << line;
    EXPECT_NE((colored.out + colored.err).find('\033'), std::string::npos) << line;
  }
}

TEST(CommandLine, TheVersionNamesCommitAndBlas) {
  const auto run = run_line("--version");
  EXPECT_EQ(run.code, done);
  EXPECT_CONTAINS(run.out, std::string("loewner ") + LOEWNER_VERSION + " (commit ");
  EXPECT_CONTAINS(run.out, "OpenBLAS ");
  EXPECT_CONTAINS(run.out, " kernels\n");
}

}  // namespace
}  // namespace loewner::cli
