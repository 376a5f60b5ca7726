// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "loewner/base/error.hpp"
#include "loewner/compress/workers.hpp"
#include "support/compression.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

class CompressRefuses : public test::Compression {};

TEST_F(CompressRefuses, AQuantizedModel) {
  Json config = test::encoder_config();
  config["quantization_config"] = {{"quant_method", "gptq"}};
  folder_.write("model/config.json", config.dump());
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)compress(options()); }),
                  "is already quantized (quant_method 'gptq')");
}

TEST_F(CompressRefuses, FactorsThatOverflowAHalf) {
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
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)make_share(o, {.worker = 0, .count = 1}); }),
                  "the factors do not fit in f16");
  EXPECT_FALSE(fs::exists(folder_.path() / "out.partial" / "parts" / "0"));
  fs::remove_all(folder_.path() / "out.partial");
  o.factor_format = NumberFormat::bf16;
  EXPECT_NO_THROW((void)compress(o));
}

TEST_F(CompressRefuses, BadOptionsBeforeAnyFileIsRead) {
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
  EXPECT_CONTAINS(refusal([](auto& o) { o.output.clear(); }), "expected an output folder");
}

class CompressOnto : public test::Compression {
 protected:
  std::string refusal(const fs::path& output) {
    auto o = options();
    o.output = output;
    o.if_exists = IfExists::overwrite;
    const auto message = test::message_of<InvalidArgument>([&] { (void)compress(o); });
    EXPECT_EQ(test::differing_files(test::files_of(model_), before_), test::kNone);
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
