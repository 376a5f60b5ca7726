// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/trellis_quantizer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/dispatch.hpp"
#include "codec/trellis_levels.hpp"
#include "loewner/base/error.hpp"
#include "support/matrices.hpp"

namespace loewner::trellis_quantizer_test {
namespace {

struct Coded {
  std::vector<std::uint8_t> planes;
  std::vector<float> decoded;
};

Coded coded(std::span<const float> x, int bits) {
  const auto cols = static_cast<Index>(x.size());
  Coded result{std::vector<std::uint8_t>(TrellisQuantizer::bytes(cols, bits)), std::vector<float>(x.size())};
  const TrellisPart part{.x = x, .bits = bits, .planes = result.planes.data()};
  TrellisQuantizer(cols).encode({&part, 1});
  decode_trellis(result.planes.data(), bits, result.decoded);
  return result;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum;
}

class TrellisQuantizerAt : public testing::TestWithParam<int> {};

// 200 vectors of 384 entries: the mean is accurate to about 2 %.
TEST_P(TrellisQuantizerAt, HasTheDocumentedDistortion) {
  const auto x = test::gaussian_matrix({.rows = 200, .cols = 384, .seed = 1});
  double error = 0;
  for (Index i = 0; i < x.rows(); ++i) error += squared_distance(x.row(i), coded(x.row(i), GetParam()).decoded);
  const double distortion = error / static_cast<double>(x.rows() * x.cols());
  EXPECT_NEAR(distortion / kTrellisDistortion[GetParam()], 1, 0.04);
  EXPECT_GT(distortion, std::pow(4.0, -GetParam()));  // the rate-distortion bound
}

// The mean squared error of decoded entries that are rounded to `count` steps up to the largest level.
double rounding_error(std::span<const float> decoded, float largest, float count) {
  const double step = static_cast<double>(largest) / count;
  double sum = 0;
  for (const float x : decoded) sum += std::pow(x - step * std::clamp(std::round(x / step), -127.0, 127.0), 2);
  return sum / static_cast<double>(decoded.size());
}

// docs/design/kernels.md states these shares. Negative control: steps of a 127th of the largest level.
TEST_P(TrellisQuantizerAt, LevelsAreNearWholeSteps) {
  constexpr double kShares[] = {0, 8.3e-9, 1.02e-5, 4.3e-4, .0048, .0285, .177, .9, 3.34};
  const auto x = test::gaussian_matrix({.rows = 1, .cols = 65536, .seed = 3});
  const auto decoded = coded(x.row(0), GetParam()).decoded;
  const float largest = trellis_levels(GetParam()).back();
  const auto share = [&](float count) {
    return rounding_error(decoded, largest, count) / kTrellisDistortion[GetParam()];
  };
  const float steps = detail::kLargestInSteps[GetParam() - 1];
  EXPECT_NEAR(share(steps) / kShares[GetParam()], 1, 0.1) << share(steps);
  EXPECT_GT(share(127), 1.2 * share(steps)) << share(127);
  const detail::ByteLevels& bytes = detail::kByteLevels[GetParam()];
  for (std::size_t i = 0; i < trellis_levels(GetParam()).size(); ++i) {
    const double level = trellis_levels(GetParam())[i], most = 127 * static_cast<double>(bytes.step);
    EXPECT_NEAR((bytes.values[i] - 128) * static_cast<double>(bytes.step), std::clamp(level, -most, most),
                0.501 * static_cast<double>(bytes.step));
  }
}

// Negative control: scalar quantizers with the same number of bits.
TEST_P(TrellisQuantizerAt, BeatsTheBestScalarQuantizer) {
  constexpr double kLloydMax[] = {1, .3634, .1175, .03454, .009497, .002499, .00064, .000163, .0000411};
  EXPECT_LT(kTrellisDistortion[GetParam()], 0.8 * kLloydMax[GetParam()]);
}

// Compares with all paths of a short vector.
TEST_P(TrellisQuantizerAt, FindsTheBestCode) {
  const Index cols = std::max(2, 12 / GetParam());
  const auto x = test::gaussian_matrix({.rows = 5, .cols = cols, .seed = 2});
  for (Index i = 0; i < x.rows(); ++i) {
    double best = HUGE_VAL;
    for (unsigned code = 0; code < 1u << (cols * GetParam()); ++code) {
      std::vector<std::uint8_t> planes(TrellisQuantizer::bytes(cols, GetParam()));
      const Index plane = (cols + 7) / 8;
      for (Index t = 0; t < cols; ++t) {
        for (int b = 0; b < GetParam(); ++b) {
          planes[b * plane + t / 8] |= static_cast<std::uint8_t>((code >> (t * GetParam() + b) & 1u) << (t % 8));
        }
      }
      std::vector<float> decoded(cols);
      decode_trellis(planes.data(), GetParam(), decoded);
      best = std::min(best, squared_distance(x.row(i), decoded));
    }
    EXPECT_NEAR(squared_distance(x.row(i), coded(x.row(i), GetParam()).decoded), best, 1e-5);
  }
}

TEST_P(TrellisQuantizerAt, GivesTheSameBitsOnEveryInstructionSet) {
  for (const Index cols : {1, 7, 8, 9, 100, 385}) {
    const auto x = test::gaussian_matrix({.rows = 1, .cols = cols, .seed = 3});
    const Coded best = coded(x.row(0), GetParam());
    for (const auto isa : {detail::Isa::scalar, detail::Isa::avx2, detail::Isa::avx_vnni, detail::Isa::avx512}) {
      detail::limit_isa(isa);
      const Coded limited = coded(x.row(0), GetParam());
      detail::limit_isa(detail::Isa::amx);
      EXPECT_EQ(limited.planes, best.planes) << cols;
      EXPECT_EQ(limited.decoded, best.decoded) << cols;
    }
  }
}

TEST_P(TrellisQuantizerAt, FindsTheNearestLevelsOfExtremeEntries) {
  const std::vector<float> x(20, 100.0F);
  const Coded result = coded(x, GetParam());
  for (std::size_t i = 9; i < x.size(); ++i) EXPECT_GT(result.decoded[i], 1) << i;
}

INSTANTIATE_TEST_SUITE_P(Bits, TrellisQuantizerAt, testing::Range(1, 9));

TEST(TrellisQuantizer, RejectsOtherNumbersOfBits) {
  for (const int bits : {0, 9}) {
    const TrellisPart part{.x = {}, .bits = bits};
    EXPECT_THROW(TrellisQuantizer(8).encode({&part, 1}), InvalidArgument) << bits;
  }
}

// Parts of 8 entries: the memory of the trellis reaches over 8 entries, so paths that begin again in each
// part lose much of its gain.
TEST(TrellisQuantizer, OnePathThroughShortPartsBeatsAPathForEach) {
  constexpr Index kPart = 8, kParts = 16;
  constexpr int kBits = 2;
  const auto x = test::gaussian_matrix({.rows = 100, .cols = kPart * kParts, .seed = 4});
  TrellisQuantizer quantizer(x.cols());
  double joined = 0, separate = 0;
  for (Index i = 0; i < x.rows(); ++i) {
    std::vector<std::uint8_t> planes(TrellisQuantizer::bytes(x.cols(), kBits));
    std::vector<TrellisPart> parts;
    std::vector<float> decoded(x.cols());
    for (Index first = 0; first < x.cols(); first += kPart) {
      parts.push_back({x.row(i).subspan(first, kPart), kBits, planes.data() + first / 8 * kBits});
      separate += squared_distance(parts.back().x, coded(parts.back().x, kBits).decoded);
    }
    quantizer.encode(parts);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const std::uint8_t before = p > 0 ? parts[p - 1].planes[0] : std::uint8_t{0};
      decode_trellis(parts[p].planes, kBits, std::span(decoded).subspan(p * kPart, kPart), before);
    }
    joined += squared_distance(x.row(i), decoded);
  }
  EXPECT_LT(joined, 0.9 * separate);
  EXPECT_NEAR(joined / static_cast<double>(x.rows() * x.cols()) / kTrellisDistortion[kBits], 1, 0.06);
}

}  // namespace
}  // namespace loewner::trellis_quantizer_test
