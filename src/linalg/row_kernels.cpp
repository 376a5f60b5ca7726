// SPDX-License-Identifier: Apache-2.0
#include "linalg/row_kernels.hpp"

#include <array>

#include "base/dispatch.hpp"

namespace loewner::detail {
namespace {

template <typename T>
LOEWNER_INLINE void dot_kernel_body(const T* a, const double* x, Index count, double* result) {
  std::array<double, 16> lanes{};
  Index j = 0;
  for (; j + 16 <= count; j += 16) {
    for (Index lane = 0; lane < 16; ++lane) lanes[lane] += static_cast<double>(a[j + lane]) * x[j + lane];
  }
  for (; j < count; ++j) lanes[0] += static_cast<double>(a[j]) * x[j];
  for (Index width = 8; width > 0; width /= 2) {
    for (Index lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  *result = lanes[0];
}

template <typename T>
LOEWNER_INLINE void squared_length_kernel_body(const T* a, Index count, double* result) {
  std::array<double, 8> lanes{};
  Index j = 0;
  for (; j + 8 <= count; j += 8) {
    for (Index lane = 0; lane < 8; ++lane) {
      const auto value = static_cast<double>(a[j + lane]);
      lanes[lane] += value * value;
    }
  }
  for (; j < count; ++j) lanes[0] += static_cast<double>(a[j]) * static_cast<double>(a[j]);
  *result = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

template <typename T>
LOEWNER_INLINE void add_scaled_kernel_body(double alpha, const T* a, double* __restrict y, Index count) {
  for (Index j = 0; j < count; ++j) y[j] += alpha * static_cast<double>(a[j]);
}

template <typename T>
LOEWNER_INLINE void set_scaled_kernel_body(double alpha, const float* a, T* __restrict y, Index count) {
  for (Index j = 0; j < count; ++j) y[j] = static_cast<T>(alpha * static_cast<double>(a[j]));
}

LOEWNER_DISPATCH(dot_kernel, (const float* a, const double* x, Index count, double* result), (a, x, count, result))
LOEWNER_DISPATCH(dot_kernel, (const double* a, const double* x, Index count, double* result), (a, x, count, result))
LOEWNER_DISPATCH(squared_length_kernel, (const float* a, Index count, double* result), (a, count, result))
LOEWNER_DISPATCH(squared_length_kernel, (const double* a, Index count, double* result), (a, count, result))
LOEWNER_DISPATCH(add_scaled_kernel, (double alpha, const float* a, double* y, Index count), (alpha, a, y, count))
LOEWNER_DISPATCH(add_scaled_kernel, (double alpha, const double* a, double* y, Index count), (alpha, a, y, count))
LOEWNER_DISPATCH(set_scaled_kernel, (double alpha, const float* a, float* y, Index count), (alpha, a, y, count))
LOEWNER_DISPATCH(set_scaled_kernel, (double alpha, const float* a, double* y, Index count), (alpha, a, y, count))

template <typename T>
double dot_of(std::span<const T> a, std::span<const double> x) {
  LOEWNER_ASSERT(a.size() == x.size());
  double result = 0;
  dot_kernel(a.data(), x.data(), static_cast<Index>(a.size()), &result);
  return result;
}

}  // namespace

double dot(std::span<const float> a, std::span<const double> x) {
  return dot_of(a, x);
}

double dot(std::span<const double> a, std::span<const double> x) {
  return dot_of(a, x);
}

double squared_length(std::span<const float> a) {
  double result = 0;
  squared_length_kernel(a.data(), static_cast<Index>(a.size()), &result);
  return result;
}

double squared_length(std::span<const double> a) {
  double result = 0;
  squared_length_kernel(a.data(), static_cast<Index>(a.size()), &result);
  return result;
}

void set_scaled(double alpha, std::span<const float> a, std::span<float> y) {
  LOEWNER_ASSERT(a.size() == y.size());
  set_scaled_kernel(alpha, a.data(), y.data(), static_cast<Index>(a.size()));
}

void set_scaled(double alpha, std::span<const float> a, std::span<double> y) {
  LOEWNER_ASSERT(a.size() == y.size());
  set_scaled_kernel(alpha, a.data(), y.data(), static_cast<Index>(a.size()));
}

void add_scaled(double alpha, std::span<const float> a, std::span<double> y) {
  LOEWNER_ASSERT(a.size() == y.size());
  add_scaled_kernel(alpha, a.data(), y.data(), static_cast<Index>(a.size()));
}

void add_scaled(double alpha, std::span<const double> a, std::span<double> y) {
  LOEWNER_ASSERT(a.size() == y.size());
  add_scaled_kernel(alpha, a.data(), y.data(), static_cast<Index>(a.size()));
}

}  // namespace loewner::detail
