// SPDX-License-Identifier: Apache-2.0
#include "detail/scatter.hpp"

#include <algorithm>

#include "detail/cpu.hpp"

namespace loewner::detail {
namespace {

constexpr Index kWidth = 16;  // columns at once: they stay in registers while the targets of a row are visited

template <typename T>
LOEWNER_KERNEL void scatter_strip(const T* a, Index stride, Index rows, const std::uint32_t* entries, Index targets,
                                  double* out, Index out_stride) {
  for (Index i = 0; i < rows; ++i, a += stride, entries += targets) {
    double row[kWidth];
    for (Index c = 0; c < kWidth; ++c) row[c] = static_cast<double>(a[c]);
    for (Index t = 0; t < targets; ++t) {
      const double sign = (entries[t] & 1) ? -1.0 : 1.0;
      double* const place = out + static_cast<Index>(entries[t] >> 1) * out_stride;
      for (Index c = 0; c < kWidth; ++c) place[c] += sign * row[c];
    }
  }
}

template <typename T>
void scatter_narrow(MatrixView<const T> a, const std::uint32_t* entries, Index targets, MatrixView<double> out) {
  for (Index i = 0; i < a.rows(); ++i, entries += targets) {
    for (Index t = 0; t < targets; ++t) {
      const double sign = (entries[t] & 1) ? -1.0 : 1.0;
      double* const place = out.data() + static_cast<Index>(entries[t] >> 1) * out.stride();
      for (Index c = 0; c < a.cols(); ++c) place[c] += sign * static_cast<double>(a(i, c));
    }
  }
}

#if LOEWNER_HAS_AVX2_KERNELS
template <typename T>
LOEWNER_TARGET_AVX2 void scatter_strip_avx2(const T* a, Index stride, Index rows, const std::uint32_t* entries,
                                            Index targets, double* out, Index out_stride) {
  scatter_strip(a, stride, rows, entries, targets, out, out_stride);
}
#endif

template <typename T>
void scatter_with(MatrixView<const T> a, const SignTable& table, Index first, MatrixView<double> out) {
  auto* strip = scatter_strip<T>;
#if LOEWNER_HAS_AVX2_KERNELS
  if (cpu_has_avx2()) strip = scatter_strip_avx2<T>;
#endif
  Index c = 0;
  for (; c + kWidth <= a.cols(); c += kWidth) {
    strip(a.data() + c, a.stride(), a.rows(), table.of(first), table.targets, out.data() + c, out.stride());
  }
  scatter_narrow(a.col_block(c, a.cols() - c), table.of(first), table.targets, out.col_block(c, out.cols() - c));
}

}  // namespace

void scatter_rows(MatrixView<const float> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_with(a, table, first, out);
}

void scatter_rows(MatrixView<const double> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_with(a, table, first, out);
}

}  // namespace loewner::detail
