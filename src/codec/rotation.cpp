// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/rotation.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/dispatch.hpp"
#include "codec/hadamard.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

constexpr Index kMostBlocks = 63;
constexpr Index kOverlapping = 4;  // rounds if the length of the transform does not divide d

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

// The Hartley matrix cos + sin of 2 pi j k / m, scaled to be orthogonal. It is its own inverse.
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

Rotation::Rotation(Index cols, std::uint64_t seed) : cols_(cols) {
  require(cols >= 1, [&] { return "Rotation: at least one column is needed, got " + std::to_string(cols); });
  length_ = Index{1} << std::countr_zero(static_cast<std::uint64_t>(cols));
  blocks_ = cols / length_;
  if (blocks_ > kMostBlocks) {
    length_ = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(cols)));
    blocks_ = 0;
  } else {
    hartley_ = hartley_matrix(blocks_);
  }
  signs_ = random_signs(blocks_ > 0 ? cols : kOverlapping * cols, seed);
}

// The symmetric part H Q of the map. H and Q commute because they act on different indices.
template <typename Real>
void Rotation::mix(std::span<Real> x) const {
  for (Index block = 0; block < blocks_; ++block) detail::hadamard(x.data() + block * length_, length_);
  if (blocks_ > 1) detail::mix_blocks(x.data(), length_, blocks_, hartley_.data());
}

// Round i of the overlapping transforms: even rounds on the first entries, odd ones on the last.
template <typename Real>
void Rotation::transform(Index step, std::span<Real> x) const {
  detail::hadamard(x.data() + (step % 2 == 0 ? 0 : cols_ - length_), length_);
}

template <typename Real>
void Rotation::flip(Index step, std::span<Real> x, Real scale) const {
  detail::scale_entries(x.data(), signs_.data() + step * cols_, scale, cols_);
}

template <typename Real>
void Rotation::apply_to(std::span<Real> x) const {
  if (blocks_ > 0) {
    flip(0, x, Real{1});
    return mix(x);
  }
  for (Index step = 0; step < kOverlapping; ++step) {
    flip(step, x, Real{1});
    transform(step, x);
  }
}

void Rotation::apply(std::span<float> x) const {
  apply_to(x);
}

void Rotation::apply(std::span<double> x) const {
  apply_to(x);
}

void Rotation::apply(std::span<const float> x, std::span<float> rotated) const {
  if (blocks_ > 0) {
    detail::multiply_entries(x.data(), signs_.data(), rotated.data(), cols_);
    return mix(rotated);
  }
  std::ranges::copy(x, rotated.begin());
  apply_to(rotated);
}

void Rotation::apply_inverse(std::span<float> x, float scale) const {
  if (blocks_ > 0) {
    mix(x);
    return flip(0, x, scale);
  }
  for (Index step = kOverlapping - 1; step >= 0; --step) {
    transform(step, x);
    flip(step, x, step == 0 ? scale : 1.0F);
  }
}

}  // namespace loewner
