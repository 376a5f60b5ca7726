// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/compress_session.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/verify.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class Session : public test::Compression {
 protected:
  CompressOptions whole_model() const {
    CompressOptions o = options();
    o.selection = Selection::all;
    o.keep = 0.55;
    o.method = Method::codes;
    return o;
  }
  bool left_something() const { return fs::exists(folder_.path() / "out.partial" / "state.json"); }
};

std::vector<float> values_of(const Matrix<float>& a) {
  return {a.data(), a.data() + a.rows() * a.cols()};
}

std::vector<std::size_t> numbers(const CompressSession& session) {
  std::vector<std::size_t> all(session.tensors().size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

void save_all_parts(const CompressOptions& options) {
  CompressSession session(options);
  session.plan();
  for (const auto i : numbers(session)) session.encode(i, nullptr);
  session.keep_parts();
}

TEST_F(Session, EncodingInAnyOrderGivesTheBytesOfCompress) {
  compress(whole_model());
  const auto expected = files();
  fs::remove_all(folder_.path() / "out");
  CompressSession session(whole_model());
  session.plan();
  auto order = numbers(session);
  std::ranges::reverse(order);
  for (const auto i : order) session.encode(i, nullptr);
  session.finish();
  EXPECT_EQ(test::differing_files(files(), expected), test::kNone);
}

TEST_F(Session, SeveralThreadsMayEncode) {
  compress(whole_model());
  const auto expected = files();
  fs::remove_all(folder_.path() / "out");
  CompressSession session(whole_model());
  session.plan();
  std::vector<std::thread> threads;
  for (const auto i : numbers(session)) threads.emplace_back([&session, i] { session.encode(i, nullptr); });
  for (auto& thread : threads) thread.join();
  session.finish();
  EXPECT_EQ(test::differing_files(files(), expected), test::kNone);
}

TEST_F(Session, DecodesWhatTheOutputStores) {
  CompressSession session(whole_model());
  session.plan();
  std::vector<Matrix<float>> decoded;
  for (const auto i : numbers(session)) {
    session.encode(i, nullptr);
    decoded.push_back(session.decoded(i));
  }
  session.finish();
  const auto stored = read_encoded_tensors(output());
  ASSERT_EQ(stored.size(), decoded.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(values_of(read_all(*stored[i].matrix)), values_of(decoded[i])) << stored[i].name;
  }
}

TEST_F(Session, ATriedEncodingIsNotKept) {
  CompressSession session(whole_model());
  session.plan();
  const Index bytes = session.tensors()[1].tensor->info->bytes() / 8;
  const TriedEncoding tried = session.try_encoding(1, bytes, nullptr);
  EXPECT_LE(tried.bytes, bytes);
  EXPECT_EQ(tried.decoded.rows(), session.tensors()[1].rows());
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)session.decoded(1); }), "is not encoded yet");
  session.encode(1, nullptr);  // control
  EXPECT_NE(values_of(session.decoded(1)), values_of(tried.decoded));
}

TEST_F(Session, ImportanceMovesBytes) {
  CompressOptions scarce = whole_model();
  scarce.keep = 0.25;  // with more, every tensor has its most bits
  CompressSession session(scarce);
  const Index before = *session.plan()[1].max_bytes;
  const Index after = *session.plan({{1, 1e-9}})[1].max_bytes;
  EXPECT_LT(after, before);
  EXPECT_EQ(*session.plan()[1].max_bytes, before);  // planning can be repeated
}

TEST_F(Session, APlanIsOneOfTheCandidates) {
  CompressSession session(whole_model());
  const auto plans = session.plan();
  for (const auto i : numbers(session)) {
    const auto offers = session.candidates(i);
    EXPECT_TRUE(std::ranges::any_of(offers, [&](const Candidate& offer) {
      return offer.point.bytes == plans[i].max_bytes && offer.point.error == plans[i].predicted_error;
    })) << i;
  }
}

TEST_F(Session, KeptPartsAreResumed) {
  compress(whole_model());
  const auto expected = files();
  fs::remove_all(folder_.path() / "out");
  auto o = whole_model();
  Matrix<float> first;
  {
    CompressSession session(o);
    session.plan();
    session.encode(2, nullptr);
    first = session.decoded(2);
    session.keep_parts();
  }
  o.if_exists = IfExists::resume;
  CompressSession session(o);
  EXPECT_FALSE(session.is_done(1));
  ASSERT_TRUE(session.is_done(2));
  EXPECT_EQ(values_of(session.decoded(2)), values_of(first));
  session.plan();
  for (const auto i : numbers(session)) {
    if (!session.is_done(i)) session.encode(i, nullptr);
  }
  const auto report = session.finish();
  EXPECT_EQ(test::differing_files(files(), expected), test::kNone);
  EXPECT_EQ(report.notes, std::vector{session.tensors()[2].name() + " was finished by an earlier run"});
}

// Saved parts are measured when they are saved; the output of one session measures those in memory.
TEST_F(Session, ErrorsOfSavedPartsHold) {
  auto o = whole_model();
  save_all_parts(o);
  o.if_exists = IfExists::resume;
  CompressSession session(o);
  session.plan();
  const auto report = session.finish();
  EXPECT_GT(report.tensors.at(0).errors.relative_error, 0);
  EXPECT_TRUE(verify(o.output, o.model).holds());
}

TEST_F(Session, APartThatChangedIsNotAssembled) {
  auto o = whole_model();
  save_all_parts(o);
  const fs::path file = folder_.path() / "out.partial" / "parts" / "2" / "arrays.safetensors";
  test::flip_bit(file, fs::file_size(file) - 1);
  o.if_exists = IfExists::resume;
  {
    CompressSession session(o);
    session.plan();
    EXPECT_CONTAINS(test::message_of<IoError>([&] { session.finish(); }),
                    session.tensors()[2].name() + ": its part has changed since it was made");
    session.keep_parts();
  }
  EXPECT_FALSE(fs::exists(o.output));
  test::flip_bit(file, fs::file_size(file) - 1);  // control
  CompressSession session(o);
  session.plan();
  session.finish();
  EXPECT_TRUE(verify(o.output, o.model).holds());
}

TEST_F(Session, OtherWorkIsNotResumed) {
  auto o = whole_model();
  {
    CompressSession session(o, "one text");
    session.plan();
    session.encode(0, nullptr);
    session.keep_parts();
  }
  o.if_exists = IfExists::resume;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { CompressSession session(o, "another text"); }),
                  "from another model or with other options");
  EXPECT_TRUE(CompressSession(o, "one text").is_done(0));  // control
}

TEST_F(Session, LeavesNothingWithoutFinish) {
  {
    CompressSession session(whole_model());
    session.plan();
    session.encode(0, nullptr);
  }
  EXPECT_FALSE(left_something());
  EXPECT_FALSE(fs::exists(folder_.path() / "out"));
}

// The signal that ends the C++ program stops every parallel loop from then on, also those that save.
TEST_F(Session, KeepsPartsWhileAScopeWantsToStop) {
  {
    CompressSession session(whole_model());
    session.plan();
    session.encode(0, nullptr);
    const CancellationScope stop([] { return true; });
    session.keep_parts();
  }
  EXPECT_TRUE(left_something());
}

TEST_F(Session, CallsInTheWrongOrderAreRefused) {
  CompressSession session(whole_model());
  const auto message = [](auto&& call) { return test::message_of<InvalidArgument>(call); };
  EXPECT_CONTAINS(message([&] { session.encode(0, nullptr); }), "CompressSession: plan() comes first");
  EXPECT_CONTAINS(message([&] { session.finish(); }), "plan() comes first");
  EXPECT_CONTAINS(message([&] { session.survey(99, nullptr); }), "got number 99");
  EXPECT_CONTAINS(message([&] { session.plan({{0, -1.0}}); }), "must be positive and finite, got -1");
  session.plan();
  EXPECT_CONTAINS(message([&] { session.finish(); }), "is not encoded yet");
  session.encode(0, nullptr);
  EXPECT_CONTAINS(message([&] { session.encode(0, nullptr); }), "is encoded already");
}

TEST_F(Session, ADryRunPredictsAndWritesNothing) {
  auto o = whole_model();
  o.dry_run = true;
  CompressSession session(o);
  const auto plans = session.plan();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { session.encode(0, nullptr); }), "a dry run");
  const auto report = session.finish();
  EXPECT_EQ(report.tensors.size(), plans.size());
  EXPECT_EQ(report.tensors[1].bytes_after, *plans[1].max_bytes);
  EXPECT_FALSE(left_something());
}

TEST_F(Session, TheCalibrationIsInTheConfigurationAndInTheReport) {
  CompressSession session(whole_model());
  session.plan();
  for (const auto i : numbers(session)) session.encode(i, nullptr);
  const std::string name = session.tensors()[1].name();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] {
                    session.finish({}, {{"x.weight", Json::object()}});
                  }),
                  "tensor 'x.weight' is not encoded");
  const auto report = to_json(session.finish({{"tokens", 7}}, {{name, {{"correction", 0.5}}}}));
  EXPECT_EQ(report.at("calibration"), Json({{"tokens", 7}}));
  EXPECT_EQ(report.at("tensors").at(1).at("calibration"), Json({{"correction", 0.5}}));
  EXPECT_FALSE(report.at("tensors").at(0).contains("calibration"));
  const Json stored = output().config().at("quantization_config");
  EXPECT_EQ(stored.at("tensors").at(name).at("calibration"), Json({{"correction", 0.5}}));
}

}  // namespace
}  // namespace loewner
