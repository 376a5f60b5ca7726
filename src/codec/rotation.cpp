// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/rotation.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "detail/dispatch.hpp"
#include "detail/hadamard.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

constexpr Index kMostBlocks = 63;
constexpr std::size_t kNoFlip = 2;

std::vector<float> random_signs(Index count, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::rotation);
  std::vector<float> signs(static_cast<std::size_t>(count));
  std::uint32_t word = 0;
  for (Index i = 0; i < count; ++i) {
    if (i % 32 == 0) word = random.next_word();
    signs[i] = (word >> (i % 32) & 1u) != 0 ? -1.0F : 1.0F;
  }
  return signs;
}

// cos + sin of 2 pi j k / m, scaled to be orthogonal: its own inverse.
std::vector<float> hartley_matrix(Index m) {
  std::vector<float> q(static_cast<std::size_t>(m * m));
  for (Index j = 0; j < m; ++j) {
    for (Index k = 0; k < m; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(j * k % m) / static_cast<double>(m);
      q[j * m + k] = static_cast<float>((std::cos(angle) + std::sin(angle)) / std::sqrt(static_cast<double>(m)));
    }
  }
  return q;
}

}  // namespace

Rotation::Rotation(Index cols, std::uint64_t seed) : signs_(random_signs(cols, seed)) {
  require(cols >= 1, [&] { return "Rotation: at least one column is needed, got " + std::to_string(cols); });
  length_ = Index{1} << std::countr_zero(static_cast<std::uint64_t>(cols));
  blocks_ = cols / length_;
  if (blocks_ > kMostBlocks) {
    length_ = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(cols)));
    blocks_ = 0;
  } else {
    hartley_ = hartley_matrix(blocks_);
  }
}

// The symmetric part of the map: H Q, in either order since they act on different indices.
void Rotation::mix(std::span<float> x) const {
  for (Index block = 0; block < blocks_; ++block) detail::hadamard(x.data() + block * length_, length_);
  if (blocks_ > 1) detail::mix_blocks(x.data(), length_, blocks_, hartley_.data());
}

// The transforms that overlap, in the order of `apply`. Two on the same part undo each other unless the signs change an
// odd number of times in between, so they do before all but the third.
std::array<float*, 4> Rotation::overlapping(std::span<float> x) const {
  float* const first = x.data();
  float* const last = x.data() + (cols() - length_);
  return {first, last, first, last};
}

void Rotation::flip(std::span<float> x, float scale) const {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= scale * signs_[i];
}

void Rotation::apply(std::span<float> x) const {
  if (blocks_ > 0) {
    flip(x, 1);
    return mix(x);
  }
  const auto parts = overlapping(x);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != kNoFlip) flip(x, 1);
    detail::hadamard(parts[i], length_);
  }
}

void Rotation::apply_inverse(std::span<float> x, float scale) const {
  if (blocks_ > 0) {
    mix(x);
    return flip(x, scale);
  }
  const auto parts = overlapping(x);
  for (std::size_t i = parts.size(); i > 0; --i) {
    detail::hadamard(parts[i - 1], length_);
    if (i - 1 != kNoFlip) flip(x, i == 1 ? scale : 1);
  }
}

}  // namespace loewner
