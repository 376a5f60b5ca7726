// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#include "loewner/base/matrix_view.hpp"

namespace loewner {

/// An owning row-major matrix, zero-filled by its constructor, 64-byte aligned (one cache line, one AVX-512 register).
///
/// Move-only on purpose: tables have hundreds of megabytes, so a copy must be asked for (`clone`).
/// Errors    InvalidArgument on a negative size or one that overflows; std::bad_alloc when memory ends.
template <typename T>
class Matrix {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Matrix() = default;
  Matrix(Index rows, Index cols) : Matrix(uninitialized(rows, cols)) { std::fill_n(data_.get(), rows_ * cols_, T{}); }

  /// The same without the zeros: for results that are written whole, so that their pages are first touched by the
  /// threads that fill them.
  static Matrix uninitialized(Index rows, Index cols) {
    Matrix matrix;
    const auto count = checked_product(rows, cols);
    const auto bytes = count ? checked_product(*count, sizeof(T)) : std::nullopt;
    require(bytes && *bytes <= std::numeric_limits<Index>::max() - static_cast<Index>(kHugePage), [&] {
      return "matrix size must be non-negative and fit in memory, got " + std::to_string(rows) + " x " +
             std::to_string(cols);
    });
    matrix.rows_ = rows;
    matrix.cols_ = cols;
    if (*count == 0) return matrix;
    const auto size = static_cast<std::size_t>(*bytes);
    const std::size_t alignment = size >= 2 * kHugePage ? kHugePage : kAlignment;
    matrix.data_.reset(static_cast<T*>(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)));
    if (!matrix.data_) throw std::bad_alloc();
    // Factors of tens of megabytes are written once: 512 times fewer page faults. A refusal changes nothing but the
    // time.
    if (alignment == kHugePage) (void)madvise(matrix.data_.get(), size, MADV_HUGEPAGE);
    return matrix;
  }

  Matrix clone() const {
    Matrix copy = uninitialized(rows_, cols_);
    std::copy_n(data_.get(), rows_ * cols_, copy.data_.get());
    return copy;
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator()(Index row, Index col) { return data_.get()[row * cols_ + col]; }
  const T& operator()(Index row, Index col) const { return data_.get()[row * cols_ + col]; }

  MatrixView<T> view() & { return {data_.get(), rows_, cols_}; }
  MatrixView<const T> view() const& { return {data_.get(), rows_, cols_}; }
  MatrixView<T> view() && = delete;  // a view of a temporary would dangle
  std::span<T> row(Index i) & { return view().row(i); }
  std::span<const T> row(Index i) const& { return view().row(i); }

 private:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  Index rows_ = 0;
  Index cols_ = 0;
};

}  // namespace loewner
