// SPDX-License-Identifier: Apache-2.0
#include "sketch/scatter.hpp"

#include "base/dispatch.hpp"

namespace loewner::detail {
namespace {

// Rows are prefetched: a strip of them is too short for hardware prefetching.
constexpr Index kRowsAhead = 12;

// `Width` columns stay in registers for all targets of a row.
template <Index Width, typename T>
LOEWNER_INLINE void scatter_strip(const T* a, Index stride, Index rows, const std::uint32_t* entries, Index targets,
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

// Processes as many strips of this width as fit from column c on; returns the next column.
template <Index Width, typename T>
LOEWNER_INLINE Index scatter_strips(MatrixView<const T> a, Index c, const std::uint32_t* entries, Index targets,
                                    MatrixView<double> out) {
  for (; c + Width <= a.cols(); c += Width) {
    scatter_strip<Width>(a.data() + c, a.stride(), a.rows(), entries, targets, out.data() + c, out.stride());
  }
  return c;
}

template <typename T>
LOEWNER_INLINE void scatter_kernel_body(MatrixView<const T> a, const std::uint32_t* entries, Index targets,
                                        MatrixView<double> out) {
  Index c = scatter_strips<32>(a, 0, entries, targets, out);
  c = scatter_strips<16>(a, c, entries, targets, out);
  c = scatter_strips<8>(a, c, entries, targets, out);
  scatter_strips<1>(a, c, entries, targets, out);
}

template <typename T, typename Sum>
LOEWNER_INLINE void add_signed_row_body(const T* row, Index count, Sum sign, Sum* __restrict out) {
  for (Index c = 0; c < count; ++c) out[c] += sign * static_cast<Sum>(row[c]);
}

LOEWNER_DISPATCH(scatter_kernel,
                 (MatrixView<const float> a, const std::uint32_t* entries, Index targets, MatrixView<double> out),
                 (a, entries, targets, out))
LOEWNER_DISPATCH(scatter_kernel,
                 (MatrixView<const double> a, const std::uint32_t* entries, Index targets, MatrixView<double> out),
                 (a, entries, targets, out))

LOEWNER_DISPATCH(add_signed_row, (const float* row, Index count, float sign, float* out), (row, count, sign, out))
LOEWNER_DISPATCH(add_signed_row, (const float* row, Index count, double sign, double* out), (row, count, sign, out))
LOEWNER_DISPATCH(add_signed_row, (const double* row, Index count, double sign, double* out), (row, count, sign, out))

template <typename T, typename Sum>
void scatter_between(MatrixView<const T> a, const SignTable& table, Index first, Index begin, Index end,
                     MatrixView<Sum> out) {
  for (Index i = 0; i < a.rows(); ++i) {
    const std::uint32_t* const entries = table.of(first + i);
    for (Index t = 0; t < table.targets; ++t) {
      const auto place = static_cast<Index>(entries[t] >> 1);
      if (place < begin || place >= end) continue;
      add_signed_row(a.row(i).data(), a.cols(), (entries[t] & 1) ? Sum{-1} : Sum{1}, out.row(place).data());
    }
  }
}

}  // namespace

void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<float> out) {
  scatter_between(a, table, first, begin, end, out);
}

void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out) {
  scatter_between(a, table, first, begin, end, out);
}

void scatter_rows_between(MatrixView<const double> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out) {
  scatter_between(a, table, first, begin, end, out);
}

void scatter_rows(MatrixView<const float> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_kernel(a, table.of(first), table.targets, out);
}

void scatter_rows(MatrixView<const double> a, const SignTable& table, Index first, MatrixView<double> out) {
  scatter_kernel(a, table.of(first), table.targets, out);
}

}  // namespace loewner::detail
