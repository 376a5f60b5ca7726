// SPDX-License-Identifier: Apache-2.0
#include "codec/float_rows.hpp"

#include <array>
#include <cstddef>

#include "base/dispatch.hpp"

namespace loewner::detail {
namespace {

LOEWNER_INLINE void add_multiple_body(float* x, float factor, const float* y, Index count) {
  for (Index j = 0; j < count; ++j) x[j] += factor * y[j];
}

// In eight sums, which the compiler keeps in vectors.
template <typename Term>
float sum_of(std::size_t count, const Term& term) {
  std::array<double, 8> sums{};
  std::size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    for (std::size_t i = 0; i < 8; ++i) sums[i] += term(j + i);
  }
  for (; j < count; ++j) sums[0] += term(j);
  double sum = 0;
  for (const double part : sums) sum += part;
  return static_cast<float>(sum);
}

}  // namespace

LOEWNER_DISPATCH(add_multiple, (float* x, float factor, const float* y, Index count), (x, factor, y, count))

float dot(std::span<const float> x, std::span<const float> y) {
  return sum_of(x.size(), [&](std::size_t j) { return static_cast<double>(x[j]) * static_cast<double>(y[j]); });
}

float sum(std::span<const float> x) {
  return sum_of(x.size(), [&](std::size_t j) { return static_cast<double>(x[j]); });
}

}  // namespace loewner::detail
