// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>

#include "loewner/base/matrix_view.hpp"

namespace loewner {
namespace detail {

/// Memory for a matrix: 64-byte aligned, in huge pages from 4 MiB on.
///
/// Errors    std::bad_alloc when memory runs out.
void* allocate_matrix(std::size_t bytes);

/// Returns the memory of allocate_matrix; null is allowed.
///
/// Errors    none.
void free_matrix(void* data) noexcept;

}  // namespace detail

/// An owning row-major matrix, zero-filled by its constructor and 64-byte aligned (one cache line,
/// one AVX-512 register). Move-only, since matrices have up to hundreds of megabytes: clone()
/// copies.
///
/// Errors    InvalidArgument on a negative size or one that overflows; std::bad_alloc when memory
///           runs out.
template <typename T>
class Matrix {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Matrix() = default;
  Matrix(Index rows, Index cols) : Matrix(uninitialized(rows, cols)) { std::fill_n(data_.get(), rows_ * cols_, T{}); }

  /// A matrix of unspecified entries, for results that are written whole: the threads that write
  /// them then touch their pages first.
  static Matrix uninitialized(Index rows, Index cols) {
    Matrix matrix;
    const auto count = checked_product(rows, cols);
    const auto bytes = count ? checked_product(*count, sizeof(T)) : std::nullopt;
    require(bytes && *bytes <= kMostBytes, [&] {
      return "matrix size must be non-negative and fit in memory, got " + std::to_string(rows) + " x " +
             std::to_string(cols);
    });
    matrix.rows_ = rows;
    matrix.cols_ = cols;
    if (*count == 0) return matrix;
    matrix.data_.reset(static_cast<T*>(detail::allocate_matrix(static_cast<std::size_t>(*bytes))));
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
  static constexpr Index kMostBytes = std::numeric_limits<Index>::max() / 2;
  struct Free {
    void operator()(T* p) const { detail::free_matrix(p); }
  };
  std::unique_ptr<T, Free> data_;
  Index rows_ = 0;
  Index cols_ = 0;
};

}  // namespace loewner
