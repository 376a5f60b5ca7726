// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/hash64.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

namespace loewner {
namespace {

constexpr std::uint64_t kP1 = 0x9e3779b185ebca87, kP2 = 0xc2b2ae3d27d4eb4f, kP3 = 0x165667b19e3779f9,
                        kP4 = 0x85ebca77c2b2ae63, kP5 = 0x27d4eb2f165667c5;

template <typename Word>
std::uint64_t word_at(const std::byte* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

std::uint64_t round_of(std::uint64_t lane, std::uint64_t word) {
  return std::rotl(lane + word * kP2, 31) * kP1;
}

}  // namespace

Hash64::Hash64() : lanes_{kP1 + kP2, kP2, 0, 0 - kP1} {}

void Hash64::add_stripe(const std::byte* stripe) {
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i] = round_of(lanes_[i], word_at<std::uint64_t>(stripe + 8 * i));
}

void Hash64::add(std::span<const std::byte> bytes) {
  const std::size_t held = length_ % kStripe;
  length_ += bytes.size();
  if (held > 0) {
    const std::size_t taken = std::min(kStripe - held, bytes.size());
    std::copy_n(bytes.begin(), taken, rest_.begin() + held);
    if (held + taken < kStripe) return;
    add_stripe(rest_.data());
    bytes = bytes.subspan(taken);
  }
  for (; bytes.size() >= kStripe; bytes = bytes.subspan(kStripe)) add_stripe(bytes.data());
  std::ranges::copy(bytes, rest_.begin());
}

std::uint64_t Hash64::value() const {
  std::uint64_t hash = kP5;
  if (length_ >= kStripe) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ round_of(0, lane)) * kP1 + kP4;
  }
  hash += length_;
  const std::byte *at = rest_.data(), *end = at + length_ % kStripe;
  for (; end - at >= 8; at += 8) hash = std::rotl(hash ^ round_of(0, word_at<std::uint64_t>(at)), 27) * kP1 + kP4;
  for (; end - at >= 4; at += 4) hash = std::rotl(hash ^ word_at<std::uint32_t>(at) * kP1, 23) * kP2 + kP3;
  for (; at < end; ++at) hash = std::rotl(hash ^ word_at<std::uint8_t>(at) * kP5, 11) * kP1;
  hash = (hash ^ hash >> 33) * kP2;
  hash = (hash ^ hash >> 29) * kP3;
  return hash ^ hash >> 32;
}

std::string Hash64::hex() const {
  return hex_text(value());
}

std::string hex_text(std::uint64_t number) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return digits.data();
}

}  // namespace loewner
