// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"

// Arrays cross the border without a copy. inputs.hpp converts the arguments of solvers, which may need one.
namespace loewner::python {

namespace nb = nanobind;

/// An entry of an array of float16.
struct Half {
  std::uint16_t bits;
};

}  // namespace loewner::python

template <>
struct nanobind::detail::dtype_traits<loewner::python::Half> {
  static constexpr dlpack::dtype value{static_cast<std::uint8_t>(dlpack::dtype_code::Float), 16, 1};
  static constexpr auto name = const_name("float16");
};

namespace loewner::python {

template <typename T>
using MatrixArg = nb::ndarray<const T, nb::ndim<2>, nb::device::cpu>;
template <typename T>
using VectorArg = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

/// The view of an argument: C order, or rows that are further apart (a slice of columns or every second row).
/// InvalidArgument for other strides, which would need a copy.
template <typename T>
MatrixView<const T> view_of(const MatrixArg<T>& a) {
  const auto rows = static_cast<Index>(a.shape(0)), cols = static_cast<Index>(a.shape(1));
  const bool row_major = (cols <= 1 || a.stride(1) == 1) && (rows <= 1 || a.stride(0) >= cols);
  require(row_major || a.size() == 0, [&] {
    return "array must be row-major (numpy.ascontiguousarray makes it so), got strides of " +
           std::to_string(a.stride(0)) + " and " + std::to_string(a.stride(1)) + " entries";
  });
  return {a.data(), rows, cols, rows <= 1 || cols == 0 ? cols : static_cast<Index>(a.stride(0))};
}

template <typename T>
std::span<const T> view_of(const VectorArg<T>& values) {
  return {values.data(), values.size()};
}

template <typename T>
using MatrixResult = nb::ndarray<nb::numpy, T, nb::ndim<2>>;
template <typename T>
using VectorResult = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

/// Python owns a result of its own: it is freed with the last array that refers to it.
template <typename T>
nb::capsule owner_of(T* result) {
  return nb::capsule(result, [](void* pointer) noexcept { delete static_cast<T*>(pointer); });
}

template <typename T>
MatrixResult<T> to_python(Matrix<T> result) {
  auto* const held = new Matrix<T>(std::move(result));
  const nb::capsule owner = owner_of(held);
  return {held->data(), {static_cast<std::size_t>(held->rows()), static_cast<std::size_t>(held->cols())}, owner};
}

template <typename T>
VectorResult<T> to_python(std::vector<T> result) {
  auto* const held = new std::vector<T>(std::move(result));
  const nb::capsule owner = owner_of(held);
  return {held->data(), {held->size()}, owner};
}

inline VectorResult<Index> to_python(std::span<const Index> result) {
  return to_python(std::vector<Index>(result.begin(), result.end()));
}

/// An attribute that is a matrix or a vector of a result object, which it keeps alive.
template <typename Result, typename T>
void def_array(nb::class_<Result>& result, const char* name, Matrix<T> Result::*member, const char* doc) {
  result.def_prop_ro(
      name,
      [member](nb::handle_t<Result> self) {
        Matrix<T>& matrix = nb::cast<Result&>(self).*member;
        return MatrixResult<T>(
            matrix.data(), {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())}, self);
      },
      doc);
}

template <typename Result, typename T>
void def_array(nb::class_<Result>& result, const char* name, std::vector<T> Result::*member, const char* doc) {
  result.def_prop_ro(
      name,
      [member](nb::handle_t<Result> self) {
        std::vector<T>& values = nb::cast<Result&>(self).*member;
        return VectorResult<T>(values.data(), {values.size()}, self);
      },
      doc);
}

}  // namespace loewner::python
