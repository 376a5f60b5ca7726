// SPDX-License-Identifier: Apache-2.0
// compress() and verify() with sensitivities of a table's channels and counts of a text.
#include <gtest/gtest.h>

#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/codec/channel_metric.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/moments_file.hpp"
#include "loewner/model/row_weights.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"

namespace loewner::pipeline_channels_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTable = "embeddings.word_embeddings.weight";
constexpr Index kChannels = 24;

class CompressWithSensitivities : public test::Compression {
 protected:
  CompressWithSensitivities() {
    description_.model = hex_text(Checkpoint::open(model_).fingerprint());
    description_.layers = {{kTable, {.inputs = "t"}}};
  }
  void write(Matrix<double> g) const {
    std::map<std::string, InputMoments> moments;
    moments.emplace("t", InputMoments{.second = std::move(g), .tokens = 72});
    write_moments_file(moments_, test::arrays_of(moments), description_, counts_);
  }
  CompressOptions with(Method method, const std::string& name = "out") const {
    CompressOptions o = options(name);
    o.method = method;
    o.moments = moments_;
    o.if_exists = IfExists::overwrite;
    return o;
  }
  VerifyReport check() const { return verify(output_, model_, {}, {.moments = moments_}); }

  fs::path moments_ = folder_.path() / "moments.safetensors", output_ = folder_.path() / "out";
  MomentsDescription description_;
  std::vector<std::int64_t> counts_;
};

Matrix<double> identity(double value) {
  Matrix<double> g(kChannels, kChannels);
  for (Index i = 0; i < kChannels; ++i) g(i, i) = value;
  return g;
}

TEST_F(CompressWithSensitivities, EqualSensitivitiesChangeNoByte) {
  for (const Method method : {Method::coded_svd, Method::svd, Method::subspaces, Method::codes}) {
    write(identity(3));
    compress(with(method));
    CompressOptions without = with(method, "other");
    without.moments.clear();
    compress(without);
    EXPECT_EQ(files("out").at("model.safetensors"), files("other").at("model.safetensors")) << to_string(method);
    write(test::second_moment(kChannels));  // control
    compress(with(method));
    if (method == Method::codes) continue;  // has no right factor
    EXPECT_NE(files("out").at("model.safetensors"), files("other").at("model.safetensors")) << to_string(method);
  }
}

TEST_F(CompressWithSensitivities, TheErrorInTheMetricIsClaimedAndVerified) {
  write(test::second_moment(kChannels));
  const MomentsFile file = MomentsFile::open(moments_);
  const InputMoments moments = file.read(kTable);
  const ChannelMetric metric(moments.second.view());
  for (const Method method : {Method::svd, Method::lp, Method::subspaces, Method::codes, Method::int8}) {
    const auto report = compress(with(method));
    const auto encoded = read_encoded_tensors(output());
    const auto table = Checkpoint::open(model_).rows_of(kTable);
    const auto weights =
        row_weights(parse_row_weights("zipf:" + Json(info_of(method).zipf_exponent).dump()), model_, table->rows());
    ASSERT_TRUE(report.tensors[0].output_error.has_value()) << to_string(method);
    EXPECT_NEAR(*report.tensors[0].output_error, channel_error(*table, *encoded[0].matrix, metric, weights.values),
                1e-9);
    const auto verified = check();
    EXPECT_TRUE(verified.holds()) << to_json(verified).dump(2);
    EXPECT_EQ(verified.tensors[0].output_error, report.tensors[0].output_error);
    EXPECT_EQ(verified.tensors[0].certificate.has_value(), method == Method::lp) << to_string(method);
    EXPECT_FALSE(report.tensors[0].lp_error_svd.has_value());
  }
}

TEST_F(CompressWithSensitivities, OtherSensitivitiesAreDetected) {
  write(test::second_moment(kChannels));
  compress(with(Method::lp));
  write(test::second_moment(kChannels, 9));
  const auto report = check();
  EXPECT_FALSE(report.holds());
  ASSERT_FALSE(report.tensors[0].failures.empty());
  EXPECT_CONTAINS(report.tensors[0].failures[0], "output_error is claimed to be");
}

TEST_F(CompressWithSensitivities, WithoutTheMomentsFileThePlainErrorIsChecked) {
  write(test::second_moment(kChannels));
  compress(with(Method::svd));
  const auto report = verify(output_, model_);
  EXPECT_TRUE(report.holds());
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_CONTAINS(report.notes[0], "output errors of 1 tensor are not checked");
}

TEST_F(CompressWithSensitivities, AreRefusedByNameIfTheyAreNotFiniteOrOfAnotherSize) {
  Matrix<double> g = test::second_moment(kChannels);
  g(2, 4) = std::numeric_limits<double>::quiet_NaN();
  write(g.clone());
  EXPECT_CONTAINS(test::message_of<IoError>([&] { compress(with(Method::svd)); }), "second.t");
  write(test::second_moment(kChannels + 1));
  EXPECT_CONTAINS(test::message_of<IoError>([&] { compress(with(Method::svd)); }), kTable);

  CompressOptions o = with(Method::svd);
  o.moments.clear();
  CompressSession session(o);
  session.plan();
  const InputMoments broken{.second = std::move(g)}, wide{.second = test::second_moment(kChannels + 1)};
  const InputMoments crossed{.second = test::second_moment(kChannels), .cross = test::second_moment(kChannels)};
  const auto refusal = [&](const InputMoments& moments) {
    return test::message_of<InvalidArgument>([&] { session.encode(0, &moments); });
  };
  EXPECT_CONTAINS(refusal(broken), std::string(kTable) + ": ChannelMetric: sensitivities must be finite");
  EXPECT_CONTAINS(refusal(wide), std::string(kTable) + ": moments must be 24 x 24, got 25 x 25");
  EXPECT_CONTAINS(refusal(crossed), "have no correction");
  EXPECT_FALSE(fs::exists(output_));
}

TEST_F(CompressWithSensitivities, KeptOnesGiveTheSameWeightsAgain) {
  CompressOptions o = with(Method::svd);
  o.moments.clear();
  o.save_moments = moments_;
  o.token_counts = {0, 0, 0, 0, 0, 7, 3, 1};
  {
    CompressSession session(o);
    const InputMoments moments{.second = test::second_moment(kChannels), .tokens = 5};
    session.keep_moments(0, MomentsUse::plan, moments);
    const auto kept = session.kept_moments(0, MomentsUse::plan);
    session.plan();
    session.encode(0, &*kept);
    session.finish();
  }
  compress(with(Method::svd, "again"));
  EXPECT_EQ(files("out").at("model.safetensors"), files("again").at("model.safetensors"));
}

TEST_F(CompressWithSensitivities, CountsOfTheTextWeighTheRows) {
  counts_ = {0, 0, 0, 0, 0, 70, 3, 1};
  write(test::second_moment(kChannels));
  const auto report = compress(with(Method::svd));
  EXPECT_CONTAINS(report.tensors[0].row_weights, "token counts and zipf");
  const auto verified = check();
  EXPECT_TRUE(verified.holds()) << to_json(verified).dump(2);
  EXPECT_EQ(verified.notes, test::kNone);
  const auto blind = verify(output_, model_);
  EXPECT_TRUE(blind.holds());
  EXPECT_CONTAINS(blind.notes[0], "they need the calibration text's counts");
  counts_[5] = 7;  // control
  write(test::second_moment(kChannels));
  EXPECT_FALSE(check().holds());
}

}  // namespace
}  // namespace loewner::pipeline_channels_test
