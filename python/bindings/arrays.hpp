// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/variant.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"
#include "loewner/base/number_format.hpp"
#include "loewner/linalg/row_matrix.hpp"

// Arrays cross the border without a copy. What an argument must be stands in its type, hence in the signature that a
// TypeError shows; pass it with `.noconvert()`, or nanobind would convert (copy) silently.
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
using OptionalWeights = std::optional<VectorArg<double>>;

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

inline std::span<const double> view_of(const OptionalWeights& weights) {
  return weights ? view_of(*weights) : std::span<const double>{};
}

/// A sparse matrix over arrays that Python holds.
struct SparseRows {
  nb::object row_offsets, columns, values;  // keep the memory of `view`
  std::variant<CsrView<float>, CsrView<double>> view;
};

/// An array of float16 as float32 rows.
class HalfRows final : public RowSource {
 public:
  explicit HalfRows(MatrixView<const Half> a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
    for (Index i = 0; i < count; ++i) {
      decode_numbers(reinterpret_cast<const std::byte*>(a_.row(first + i).data()), NumberFormat::f16, buffer.row(i));
    }
    return buffer.view();
  }

 private:
  MatrixView<const Half> a_;
};

/// For what takes either precision and sparse rows: sketches and least squares, which compute in float64 anyway.
using RealMatrixArg = std::variant<MatrixArg<float>, MatrixArg<double>, SparseRows>;

/// Targets of a regression: n x t, or n values, which are one column. Not `.noconvert()`: they are small beside the
/// design, and computed with in float64.
using TargetsArg = std::variant<VectorArg<double>, MatrixArg<double>>;

inline MatrixView<const double> view_of(const TargetsArg& b) {
  if (const auto* const values = std::get_if<VectorArg<double>>(&b)) {
    const auto count = static_cast<Index>(values->size());
    return {values->data(), count, 1, 1};
  }
  return view_of(std::get<MatrixArg<double>>(b));
}

/// body(RowMatrix) of the argument, without a copy.
template <typename Body>
auto with_rows(const RealMatrixArg& a, Body&& body) {
  return std::visit(
      [&]<typename Array>(const Array& array) {
        if constexpr (std::is_same_v<Array, SparseRows>) {
          return std::visit([&](const auto& view) { return body(RowMatrix(view)); }, array.view);
        } else {
          return body(RowMatrix(view_of(array)));
        }
      },
      a);
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

inline VectorResult<double> to_python(std::vector<double> result) {
  auto* const held = new std::vector<double>(std::move(result));
  const nb::capsule owner = owner_of(held);
  return {held->data(), {held->size()}, owner};
}

inline VectorResult<Index> to_python(std::span<const Index> result) {
  auto* const held = new std::vector<Index>(result.begin(), result.end());
  const nb::capsule owner = owner_of(held);
  return {held->data(), {held->size()}, owner};
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

template <typename Result>
void def_array(nb::class_<Result>& result, const char* name, std::vector<double> Result::*member, const char* doc) {
  result.def_prop_ro(
      name,
      [member](nb::handle_t<Result> self) {
        std::vector<double>& values = nb::cast<Result&>(self).*member;
        return VectorResult<double>(values.data(), {values.size()}, self);
      },
      doc);
}

}  // namespace loewner::python
