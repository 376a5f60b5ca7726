// SPDX-License-Identifier: Apache-2.0
#include "detail/scatter.hpp"

#include <algorithm>

#include "detail/cpu.hpp"

namespace loewner::detail {
namespace {

constexpr Index kRowsAhead =
    12;  // the next rows are fetched early: a strip of them is too short for the hardware to see

// Width columns stay in registers while the targets of a row are visited.
template <Index Width, typename T>
LOEWNER_KERNEL void scatter_strip(const T* a, Index stride, Index rows, const std::uint32_t* entries, Index targets,
                                  double* out, Index out_stride) {
  for (Index i = 0; i < rows; ++i, a += stride, entries += targets) {
    for (Index c = 0; c < Width; c += 64 / Index{sizeof(T)}) __builtin_prefetch(a + kRowsAhead * stride + c);
    double row[Width];
    for (Index c = 0; c < Width; ++c) row[c] = static_cast<double>(a[c]);
    for (Index t = 0; t < targets; ++t) {
      const double sign = (entries[t] & 1) ? -1.0 : 1.0;
      double* const place = out + static_cast<Index>(entries[t] >> 1) * out_stride;
      for (Index c = 0; c < Width; ++c) place[c] += sign * row[c];
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
template <Index Width, typename T>
LOEWNER_TARGET_AVX2 void scatter_strip_avx2(const T* a, Index stride, Index rows, const std::uint32_t* entries,
                                            Index targets, double* out, Index out_stride) {
  scatter_strip<Width>(a, stride, rows, entries, targets, out, out_stride);
}
#endif

// As many strips of this width as fit from column c on; returns the column after them.
template <Index Width, typename T>
Index scatter_strips(MatrixView<const T> a, Index c, const std::uint32_t* entries, Index targets,
                     MatrixView<double> out) {
  auto* strip = scatter_strip<Width, T>;
#if LOEWNER_HAS_AVX2_KERNELS
  if (cpu_has_avx2()) strip = scatter_strip_avx2<Width, T>;
#endif
  for (; c + Width <= a.cols(); c += Width) {
    strip(a.data() + c, a.stride(), a.rows(), entries, targets, out.data() + c, out.stride());
  }
  return c;
}

template <typename T>
void scatter_with(MatrixView<const T> a, const SignTable& table, Index first, MatrixView<double> out) {
  const std::uint32_t* const entries = table.of(first);
  Index c = scatter_strips<32>(a, 0, entries, table.targets, out);
  c = scatter_strips<16>(a, c, entries, table.targets, out);
  c = scatter_strips<8>(a, c, entries, table.targets, out);
  scatter_narrow(a.col_block(c, a.cols() - c), entries, table.targets, out.col_block(c, out.cols() - c));
}

}  // namespace

void scatter_rows(MatrixView<const float> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_with(a, table, first, out);
}

void scatter_rows(MatrixView<const double> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_with(a, table, first, out);
}

}  // namespace loewner::detail
