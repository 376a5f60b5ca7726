// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/model/moments_file.hpp"
#include "support/compression.hpp"
#include "support/messages.hpp"
#include "support/moments.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr const char *kWide = "encoder.layer.0.dense.weight", *kNarrow = "encoder.layer.1.dense.weight";

class CompressWithMoments : public test::Compression {
 protected:
  CompressWithMoments() {
    description_.model = hex_text(Checkpoint::open(model_).fingerprint());
    description_.layers = {{kWide, {.inputs = "a"}}, {kNarrow, {.inputs = "b"}}};
    write_moments();
  }
  void write_moments(std::uint64_t seed = 1) const {
    std::map<std::string, InputMoments> moments;
    moments.emplace("a", InputMoments{.second = test::second_moment(24, seed), .tokens = 72});
    moments.emplace("b", InputMoments{.second = test::second_moment(96, seed), .tokens = 288});
    write_moments_file(moments_, test::arrays_of(moments), description_);
  }
  CompressOptions with_moments() const {
    CompressOptions o = options();
    o.selection = Selection::all;
    o.keep = 0.4;
    o.method = Method::codes;
    o.moments = moments_;
    return o;
  }

  fs::path moments_ = folder_.path() / "moments.safetensors";
  MomentsDescription description_;
};

TEST_F(CompressWithMoments, TheErrorOfTheOutputsIsClaimed) {
  const auto report = compress(with_moments());
  const MomentsFile moments = MomentsFile::open(moments_);
  const auto model = Checkpoint::open(model_);
  const auto encoded = read_encoded_tensors(output());
  ASSERT_EQ(encoded.size(), 3u);
  EXPECT_FALSE(report.tensors[0].output_error.has_value());  // a table
  for (std::size_t i = 1; i < 3; ++i) {
    const auto& name = encoded[i].name;
    const double error = output_error(*model.rows_of(name), *encoded[i].matrix, moments.read(name), InputSide::cols);
    EXPECT_NEAR(*report.tensors[i].output_error, std::sqrt(error), 1e-12) << name;
  }
  EXPECT_EQ(report.notes, test::kNone);
}

TEST_F(CompressWithMoments, LayersWithoutMomentsAreNamed) {
  description_.layers.erase(kNarrow);
  write_moments();
  const auto report = compress(with_moments());
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_CONTAINS(report.notes[0],
                  "encoder.layer.1.dense.weight: no moments of their inputs are in moments.safetensors");
  EXPECT_FALSE(report.tensors[2].output_error.has_value());
}

TEST_F(CompressWithMoments, MomentsOfAnotherModelEndTheRun) {
  test::flip_bit(model_ / "model.safetensors", fs::file_size(model_ / "model.safetensors") - 1);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { compress(with_moments()); }), "was made for another model");
  EXPECT_FALSE(fs::exists(folder_.path() / "out"));
}

TEST_F(CompressWithMoments, OtherMomentsAreNotResumed) {
  auto o = with_moments();
  {
    CompressSession session(o);
    session.plan();
    session.encode(0, nullptr);
    session.keep_parts();
  }
  o.if_exists = IfExists::resume;
  EXPECT_TRUE(CompressSession(o).is_done(0));  // control; the session removes the part
  {
    CompressSession session(with_moments());
    session.plan();
    session.encode(0, nullptr);
    session.keep_parts();
  }
  write_moments(2);
  EXPECT_CONTAINS(test::message_of<IoError>([&] { CompressSession session(o); }), "with other options");
}

TEST_F(CompressWithMoments, ImportanceOfTheFileMovesBytes) {
  CompressOptions scarce = with_moments();
  scarce.keep = 0.25;  // with more, every tensor has its most bits
  const auto bytes_of_wide = [&] { return *CompressSession(scarce).plan()[1].max_bytes; };
  const Index before = bytes_of_wide();
  description_.importance[kWide] = 1e-6;
  write_moments();
  EXPECT_LT(bytes_of_wide(), before);
}

TEST_F(CompressWithMoments, TheFactorsOfMomentsCountAsMemory) {
  CompressOptions small = with_moments();
  small.max_memory = (Index{1} << 27) + 400'000;  // of a pass over the rows, and less than 6 matrices of 96 x 96
  CompressSession session(small);
  session.survey(2, nullptr);  // control
  const auto moments = session.stored_moments(2);
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { session.survey(2, &*moments); }),
                  "encoder.layer.1.dense.weight: 96 columns need about 128 MiB of memory");
}

TEST_F(CompressWithMoments, MomentsMustFitTheTensor) {
  CompressSession session(with_moments());
  const InputMoments narrow{.second = test::second_moment(5)};
  const auto message = [&](std::size_t tensor) {
    return test::message_of<InvalidArgument>([&] { session.survey(tensor, &narrow); });
  };
  EXPECT_CONTAINS(message(0), "embeddings.word_embeddings.weight: moments must be 24 x 24, got 5 x 5");
  EXPECT_CONTAINS(message(1), "encoder.layer.0.dense.weight: moments must be 24 x 24, got 5 x 5");
}

}  // namespace
}  // namespace loewner
