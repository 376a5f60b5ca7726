// SPDX-License-Identifier: Apache-2.0
// Moments that a session keeps, and the file that it writes of them.
#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/model/moments_file.hpp"
#include "support/compression.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"
#include "support/threads.hpp"

namespace loewner::moments_store_test {
namespace {

namespace fs = std::filesystem;

class KeptMoments : public test::Compression {
 protected:
  CompressOptions linear() const {
    CompressOptions o = options();
    o.selection = Selection::linear;
    o.keep = 0.25;  // with more, every tensor has its most bits
    o.method = Method::codes;
    o.save_moments = moments_;
    return o;
  }
  static Matrix<double> as_stored(Matrix<double> a) {
    for (Index i = 0; i < a.rows() * a.cols(); ++i) a.data()[i] = static_cast<float>(a.data()[i]);
    return a;
  }
  static InputMoments moments(Index inputs, std::uint64_t seed, double correction = 0) {
    return {.second = as_stored(test::second_moment(inputs, seed)),
            .cross = as_stored(test::second_moment(inputs, seed + 1)),
            .correction = correction,
            .tokens = 3 * inputs};
  }
  // A calibrated run: each layer is planned by some moments and encoded with others.
  void run(CompressSession& session) const {
    const std::vector<Index> inputs = {24, 96};
    std::map<std::size_t, double> importance = {{0, 3.0}, {1, 1.0}};
    for (std::size_t i = 0; i < 2; ++i) {
      const InputMoments plan = moments(inputs[i], 1 + i);
      session.keep_moments(i, MomentsUse::plan, plan);
      session.survey(i, &plan);
    }
    session.keep_importance({.of_tensors = importance, .record = {{"a", 1}}});
    session.plan(importance);
    for (std::size_t i = 0; i < 2; ++i) {
      const InputMoments code = moments(inputs[i], 5 + i, 0.3);
      session.keep_moments(i, MomentsUse::code, code);
      session.encode(i, &code);
    }
    session.finish();
  }

  fs::path moments_ = folder_.path() / "moments.safetensors";
};

std::vector<double> values_of(const Matrix<double>& a) {
  return {a.data(), a.data() + a.rows() * a.cols()};
}

TEST_F(KeptMoments, GiveTheSameBytesForAnyNumberOfThreads) {
  {
    CompressSession session(linear());
    run(session);
  }
  const auto weights = files().at("model.safetensors");
  for (const int threads : {1, 2}) {
    const test::ThreadCount scope(threads);
    CompressOptions again = linear();
    again.output = folder_.path() / "again";
    again.save_moments.clear();
    again.moments = moments_;
    again.if_exists = IfExists::overwrite;
    compress(again);
    EXPECT_TRUE(files("again").at("model.safetensors") == weights) << threads;
  }
}

// Control: the moments of the plan decide the bytes, those of the codes the codes.
TEST_F(KeptMoments, BothUsesDecideTheBytes) {
  {
    CompressSession session(linear());
    run(session);
  }
  const auto weights = files().at("model.safetensors");
  const MomentsFile file = MomentsFile::open(moments_);
  for (const bool drops_plan : {true, false}) {
    MomentsDescription description = file.description();
    std::map<std::string, MomentsArrays> arrays;
    for (const auto& [name, tokens] : description.tokens) arrays.emplace(name, file.arrays(name));
    for (auto& [name, layer] : description.layers) {
      if (!drops_plan) layer.inputs = layer.planned_by;
      layer.planned_by.clear();
      if (!drops_plan) layer.correction = 0;
    }
    const fs::path other = folder_.path() / "other.safetensors";
    write_moments_file(other, arrays, description);
    CompressOptions again = linear();
    again.output = folder_.path() / "again";
    again.save_moments.clear();
    again.moments = other;
    again.if_exists = IfExists::overwrite;
    compress(again);
    EXPECT_FALSE(files("again").at("model.safetensors") == weights) << drops_plan;
  }
}

TEST_F(KeptMoments, AreFoundByTheSessionThatResumes) {
  const InputMoments kept = moments(24, 3, 0.25);
  {
    CompressSession session(linear());
    session.keep_moments(0, MomentsUse::code, kept);
    session.keep_importance({.of_tensors = {{1, 0.1}}, .record = {{"note", "x"}}});
    session.keep_parts();
  }
  CompressOptions o = linear();
  o.if_exists = IfExists::resume;
  CompressSession session(o);
  EXPECT_FALSE(session.kept_moments(0, MomentsUse::plan).has_value());
  const auto found = session.kept_moments(0, MomentsUse::code);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(values_of(found->second), values_of(kept.second));
  EXPECT_EQ(values_of(found->cross), values_of(kept.cross));
  EXPECT_EQ(found->correction, 0.25);
  EXPECT_EQ(found->tokens, 72);
  EXPECT_EQ(session.kept_importance()->of_tensors.at(1), 0.1);
  EXPECT_EQ(session.kept_importance()->record.at("note"), "x");
  session.keep_moments(0, MomentsUse::code, moments(24, 4));  // in their place
  EXPECT_NE(values_of(session.kept_moments(0, MomentsUse::code)->second), values_of(kept.second));
}

TEST_F(KeptMoments, ADryRunKeepsNone) {
  CompressOptions o = linear();
  o.dry_run = true;
  CompressSession session(o);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { session.keep_moments(0, MomentsUse::plan, moments(24, 1)); }),
                  "a dry run");
}

}  // namespace
}  // namespace loewner::moments_store_test
