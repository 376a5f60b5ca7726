// SPDX-License-Identifier: Apache-2.0
#include "detail/row_kernels.hpp"

#include <array>

#include "detail/cpu.hpp"

namespace loewner::detail {
namespace {

template <typename T>
LOEWNER_KERNEL double dot_kernel(const T* a, const double* x, Index count) {
  std::array<double, 16> lanes{};
  Index j = 0;
  for (; j + 16 <= count; j += 16) {
    for (Index lane = 0; lane < 16; ++lane) lanes[lane] += static_cast<double>(a[j + lane]) * x[j + lane];
  }
  for (; j < count; ++j) lanes[0] += static_cast<double>(a[j]) * x[j];
  for (Index width = 8; width > 0; width /= 2) {
    for (Index lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

template <typename T>
LOEWNER_KERNEL void add_scaled_kernel(double alpha, const T* a, double* __restrict y, Index count) {
  for (Index j = 0; j < count; ++j) y[j] += alpha * static_cast<double>(a[j]);
}

#if LOEWNER_HAS_AVX2_KERNELS
template <typename T>
LOEWNER_TARGET_AVX2 double dot_avx2(const T* a, const double* x, Index count) {
  return dot_kernel(a, x, count);
}

template <typename T>
LOEWNER_TARGET_AVX2 void add_scaled_avx2(double alpha, const T* a, double* y, Index count) {
  add_scaled_kernel(alpha, a, y, count);
}
#endif

template <typename T>
double dot_with(std::span<const T> a, std::span<const double> x) {
  LOEWNER_ASSERT(a.size() == x.size());
  const auto count = static_cast<Index>(a.size());
#if LOEWNER_HAS_AVX2_KERNELS
  if (cpu_has_avx2()) return dot_avx2(a.data(), x.data(), count);
#endif
  return dot_kernel(a.data(), x.data(), count);
}

template <typename T>
void add_scaled_with(double alpha, std::span<const T> a, std::span<double> y) {
  LOEWNER_ASSERT(a.size() == y.size());
  const auto count = static_cast<Index>(a.size());
#if LOEWNER_HAS_AVX2_KERNELS
  if (cpu_has_avx2()) return add_scaled_avx2(alpha, a.data(), y.data(), count);
#endif
  add_scaled_kernel(alpha, a.data(), y.data(), count);
}

}  // namespace

double dot(std::span<const float> a, std::span<const double> x) {
  return dot_with(a, x);
}

double dot(std::span<const double> a, std::span<const double> x) {
  return dot_with(a, x);
}

void add_scaled(double alpha, std::span<const float> a, std::span<double> y) {
  add_scaled_with(alpha, a, y);
}

void add_scaled(double alpha, std::span<const double> a, std::span<double> y) {
  add_scaled_with(alpha, a, y);
}

}  // namespace loewner::detail
