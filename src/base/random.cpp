// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/random.hpp"

#include <cmath>
#include <numbers>

namespace loewner {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  // Multipliers and Weyl increments of the published generator; known-answer vectors are in the tests.
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, RandomPurpose purpose, std::uint64_t index)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, static_cast<std::uint32_t>(purpose), static_cast<std::uint32_t>(index),
               static_cast<std::uint32_t>(index >> 32)} {}

std::uint32_t RandomStream::next_word() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

void RandomStream::next_words(std::span<std::uint32_t> words) {
  for (std::uint32_t& word : words) word = next_word();
}

std::uint64_t RandomStream::next_uint64() {
  const std::uint64_t low = next_word();
  return low | (static_cast<std::uint64_t>(next_word()) << 32);
}

double RandomStream::uniform() {
  return static_cast<double>(next_uint64() >> 11) * 0x1.0p-53;
}

double RandomStream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));  // 1 - u is in (0, 1], so the logarithm is finite
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  // Values below 2^64 mod bound would make the low residues more likely; they are rejected.
  const std::uint64_t threshold = -bound % bound;
  std::uint64_t word = next_uint64();
  while (word < threshold) word = next_uint64();
  return word % bound;
}

}  // namespace loewner
