// SPDX-License-Identifier: Apache-2.0
#include "kernel/byte_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <span>
#include <vector>

#include "support/instruction_sets.hpp"

namespace loewner::detail {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// The number of the level of an entry, as docs/format.md defines it.
unsigned level_number(const CodedVector& vector, Index entries, Index t) {
  const Index plane_bytes = (entries + 7) / 8;
  const auto bit = [&](Index plane, Index at) {
    if (at < 0) return vector.before >> (8 + at) & 1U;
    return vector.planes[plane * plane_bytes + at / 8] >> (at % 8) & 1U;
  };
  unsigned window = 0;  // the newest bit lowest
  for (Index age = 0; age <= 8; ++age) window |= bit(0, t - age) << age;
  unsigned level = 2 * (std::popcount(window & 0515U) % 2) + std::popcount(window & 0362U) % 2;
  for (int i = 1; i < vector.bits; ++i) level |= bit(i, t) << (i + 1);
  return level;
}

// Coded vectors with 0 to 8 bits in turn, parts of others; exactly the bytes that kernels may read, behind one that does
// not count.
struct Vectors {
  Index entries;
  std::vector<std::uint8_t> levels = random_bytes(512, 1);  // none is 0: levels are within +-127
  std::vector<std::vector<std::uint8_t>> planes;
  std::vector<CodedVector> coded;

  Vectors(Index count, Index entries_of_each) : entries(entries_of_each) {
    for (Index i = 0; i < count; ++i) {
      const int bits = static_cast<int>(i % 9);
      planes.push_back(random_bytes(static_cast<std::size_t>(1 + bits * ((entries + 7) / 8) + 7), 2 + i));
      planes.back()[0] = 255;
      coded.push_back({planes.back().data() + 1, bits, levels.data(), static_cast<std::uint8_t>(89 * i)});
    }
    std::ranges::replace(levels, std::uint8_t{0}, std::uint8_t{1});
  }
  CodedVectors view(Index first, Index count) const { return {coded.data() + first, count, entries}; }
  std::uint8_t level(Index i, Index t) const {
    return coded[i].bits == 0 ? 128 : levels[level_number(coded[i], entries, t)];
  }
};

std::uint8_t in_panel(std::span<const std::uint8_t> panel, Index input, Index output) {
  const Index m = output % 16 / 4, l = output / 16, e = output % 4;
  return panel[256 * (input / 4) + 64 * m + 16 * l + 4 * e + input % 4];
}

class ByteKernelsOn : public testing::TestWithParam<Isa> {
 protected:
  test::IsaLimit limit_{GetParam()};
};

TEST_P(ByteKernelsOn, DecodePanelsOfOutputs) {
  for (const Index entries : {1, 7, 8, 9, 63, 64, 65, 385, 600}) {
    const Vectors outputs(70, entries);
    const Index padded = (entries + 63) / 64 * 64;
    std::vector<std::uint8_t> scratch(16 * padded), panel(64 * padded);
    for (const Index first : {0, 64}) {
      const Index count = std::min<Index>(64, 70 - first);
      byte_kernels().panel_of_outputs(outputs.view(first, count), scratch.data(), panel.data());
      for (Index i = 0; i < count; ++i) {
        for (Index t = 0; t < entries; ++t) {
          ASSERT_EQ(in_panel(panel, t, i), outputs.level(first + i, t)) << entries << ": " << i << ", " << t;
        }
      }
    }
  }
}

TEST_P(ByteKernelsOn, DecodeLevels) {
  for (const Index entries : {1, 9, 64, 600}) {
    const Vectors vectors(18, entries);
    std::vector<std::uint8_t> levels((entries + 63) / 64 * 64);
    for (Index i = 0; i < 18; ++i) {
      byte_kernels().decode_levels(vectors.coded[i], entries, levels.data());
      for (Index t = 0; t < entries; ++t)
        ASSERT_EQ(levels[t], vectors.level(i, t)) << entries << ": " << i << ", " << t;
    }
  }
}

TEST_P(ByteKernelsOn, UnpackCodesOf4Bits) {
  for (const Index count : {1, 64, 129, 300}) {
    const std::vector<std::uint8_t> packed = random_bytes((count + 1) / 2, 4);
    std::vector<std::uint8_t> levels(count + count % 2);
    byte_kernels().unpack_codes(packed.data(), count, levels.data());
    for (Index j = 0; j < count; ++j) {
      ASSERT_EQ(levels[j], 128 + (packed[j / 2] >> (j % 2 * 4) & 15U)) << count << ": " << j;
    }
  }
}

TEST_P(ByteKernelsOn, OrderRowsInPanels) {
  for (const Index inputs : {64, 192}) {
    const Index stride = inputs + 7;
    const std::vector<std::uint8_t> rows = random_bytes(64 * stride, 4);
    std::vector<std::uint8_t> panel(64 * inputs);
    byte_kernels().panel_of_rows(rows.data(), stride, inputs, panel.data());
    for (Index i = 0; i < 64; ++i) {
      for (Index t = 0; t < inputs; ++t) ASSERT_EQ(in_panel(panel, t, i), rows[i * stride + t]) << i << ", " << t;
    }
  }
}

TEST_P(ByteKernelsOn, DecodePanelsOfInputs) {
  for (const Index count : {1, 3, 8, 21}) {
    for (const Index entries : {1, 9, 64, 65, 200}) {
      const Vectors inputs(count, entries);
      const Index stride = 64 * ((count + 63) / 64 * 64), all = (entries + 63) / 64;
      for (const Index at_once : {Index{1}, all}) {
        std::vector<std::uint8_t> panels(stride * at_once);
        for (Index panel = 0; panel < all; panel += at_once) {
          byte_kernels().panels_of_inputs(inputs.view(0, count), 64 * panel, at_once, stride, panels.data());
          for (Index i = 0; i < count; ++i) {
            for (Index t = 64 * panel; t < std::min(64 * (panel + at_once), entries); ++t) {
              const Index of_call = t / 64 - panel;
              ASSERT_EQ(in_panel(std::span(panels).subspan(of_call * stride), i, t % 64), inputs.level(i, t))
                  << entries << ": " << i << ", " << t;
            }
          }
        }
      }
    }
  }
}

// From the bytes of whole blocks alone.
TEST_P(ByteKernelsOn, DecodeFloats) {
  std::vector<float> levels(512);
  for (std::size_t j = 0; j < levels.size(); ++j) levels[j] = static_cast<float>(j) - 100.5F;
  for (const Index entries : {64, 600, 1280}) {
    const Index whole = entries / 64 * 64, first = entries > 512 ? 64 : 0;
    for (int bits = 1; bits <= 8; ++bits) {
      const std::vector<std::uint8_t> planes = random_bytes(bits * ((entries + 7) / 8), bits);
      const CodedVector vector = {.planes = planes.data(), .bits = bits, .before = 0xb5};
      std::vector<float> out(whole - first);
      byte_kernels().decode(vector, entries, first, whole - first, levels.data(), out.data());
      for (Index t = first; t < whole; ++t) {
        ASSERT_EQ(out[t - first], levels[level_number(vector, entries, t)])
            << bits << " bits: " << t << " of " << entries;
      }
    }
  }
}

// Levels and tokens at both ends of their ranges, where sums of 16 bits would overflow.
TEST_P(ByteKernelsOn, MultiplyExactly) {
  std::mt19937 random(3);
  const auto extreme = [&] {
    return random() % 2 == 0 ? 127 : random() % 2 == 0 ? -127 : static_cast<int>(random() % 255) - 127;
  };
  for (const Index inputs : {1, 4, 65, 384}) {
    for (const Index count : {0, 1, 5, 6, 7, 13, 16, 37, 63}) {
      const Index padded = (inputs + 63) / 64 * 64;
      std::vector<std::uint8_t> panel(64 * padded);
      for (auto& level : panel) level = static_cast<std::uint8_t>(128 + extreme());
      std::vector<std::int8_t> tokens(count * padded);
      std::vector<std::int32_t> token_sums(count), sums(count * 64, -1);
      for (Index t = 0; t < count; ++t) {
        for (Index j = 0; j < inputs; ++j) {
          tokens[t * padded + j] = static_cast<std::int8_t>(extreme());
          token_sums[t] += tokens[t * padded + j];
        }
      }
      byte_kernels().multiply(panel.data(), inputs, {tokens.data(), padded, token_sums.data(), count}, sums.data());
      for (Index t = 0; t < count; ++t) {
        for (Index i = 0; i < 64; ++i) {
          std::int32_t sum = 0;
          for (Index j = 0; j < inputs; ++j) sum += tokens[t * padded + j] * (in_panel(panel, j, i) - 128);
          ASSERT_EQ(sums[t * 64 + i], sum) << inputs << ": " << t << ", " << i;
        }
      }
    }
  }
}

// A token with entries at both ends of their range.
struct Token {
  std::vector<std::int8_t> values;
  std::int32_t sum = 0;

  explicit Token(Index entries)
      : values(static_cast<std::size_t>((entries + kTokenEntries - 1) / kTokenEntries * kTokenEntries)) {
    std::mt19937 random(5);
    for (Index j = 0; j < entries; ++j) {
      values[j] = static_cast<std::int8_t>(random() % 3 == 0 ? 127 : -127 + static_cast<int>(random() % 200));
      sum += values[j];
    }
  }
  ByteTokens view() const { return {values.data(), static_cast<Index>(values.size()), &sum, 1}; }
};

// Parts of 64, 192 and 128 entries.
constexpr Index kPlaces[] = {0, 64, 256, 384};

int level_of(const LevelRows& rows, Index row, Index entry) {
  const std::uint8_t* const bytes = rows.bytes + row * rows.stride;
  return rows.bits == 8 ? bytes[entry] - 128 : bytes[entry / 2] >> (entry % 2 * 4) & 15;
}

// The sums of lane l, which has entries 4 l to 4 l + 3 of each 64, over all parts and bytes; then those of all lanes.
float product_in_parts(const PartedToken& token, const LevelRows& rows, Index row, const float* scales) {
  float lanes[16] = {};
  for (Index p = 0; p < token.parts; ++p) {
    float part[16] = {};
    for (Index b = 0; b < token.bytes_of_entry; ++b) {
      std::int32_t sums[16] = {};
      for (Index k = token.places[p]; k < token.places[p + 1]; ++k) {
        sums[k % 64 / 4] += token.values[b * token.stride + k] * level_of(rows, row, k);
      }
      for (Index l = 0; l < 16; ++l) part[l] = part[l] * 254.0F + static_cast<float>(sums[l]);
    }
    for (Index l = 0; l < 16; ++l) lanes[l] += part[l] * (token.scales[p] * scales[64 * p + row]);
  }
  for (Index half = 8; half > 0; half /= 2) {
    for (Index l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  return lanes[0];
}

// Bytes of all values: level -128 too. Rows of four at a time and a rest.
void expect_products_in_parts(int bits, Index bytes_of_entry) {
  const Index stride = 384 + 9, count = 23;
  const std::vector<std::uint8_t> bytes = random_bytes(count * stride, 4);
  const LevelRows rows = {bytes.data(), stride, bits, false};
  const Token values(bytes_of_entry * 384);
  std::vector<float> token_scales, scales, products(count);
  for (Index i = 0; i < 3; ++i) token_scales.push_back(0.1F * static_cast<float>(i + 1));
  for (Index i = 0; i < 3 * 64; ++i) scales.push_back(0.3F * static_cast<float>(i % 7 + 1));
  const PartedToken token = {values.values.data(), 384, bytes_of_entry, kPlaces, 3, token_scales.data()};
  byte_kernels().multiply_rows(rows, count, token, scales.data(), products.data());
  for (Index i = 0; i < count; ++i) {
    ASSERT_EQ(products[i], product_in_parts(token, rows, i, scales.data()))
        << bits << ", " << bytes_of_entry << ": " << i;
  }
}

TEST_P(ByteKernelsOn, MultiplyOneTokenByRowsInParts) {
  for (const int bits : {4, 8}) {
    for (const Index bytes_of_entry : {1, 2}) expect_products_in_parts(bits, bytes_of_entry);
  }
}

TEST_P(ByteKernelsOn, MultiplyOneTokenByOutputs) {
  for (const Index entries : {1, 9, 64, 65, 512, 600, 1030}) {
    const Vectors outputs(21, entries);
    const Token token(entries);
    std::vector<std::int32_t> sums(21);
    byte_kernels().multiply_outputs(outputs.view(0, 21), token.view(), sums.data());
    for (Index i = 0; i < 21; ++i) {
      std::int32_t sum = 0;
      for (Index j = 0; j < entries; ++j) sum += token.values[j] * (outputs.level(i, j) - 128);
      ASSERT_EQ(sums[i], sum) << entries << ": " << i;
    }
  }
}

TEST_P(ByteKernelsOn, MultiplyOneTokenByInputs) {
  for (const Index count : {1, 8, 21}) {
    for (const Index entries : {1, 65, 200, 1200, 4200}) {
      const Vectors inputs(count, entries);
      const Token token(count);
      for (const Index first : {0, 64}) {
        if (first >= entries) continue;
        std::vector<std::int32_t> sums(entries - first);
        byte_kernels().multiply_inputs(inputs.view(0, count), first, entries - first, token.view(), sums.data());
        for (Index t = first; t < entries; ++t) {
          std::int32_t sum = 0;
          for (Index j = 0; j < count; ++j) sum += token.values[j] * (inputs.level(j, t) - 128);
          ASSERT_EQ(sums[t - first], sum) << entries << ": " << t;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, ByteKernelsOn, testing::ValuesIn(test::kInstructionSets));

}  // namespace
}  // namespace loewner::detail
