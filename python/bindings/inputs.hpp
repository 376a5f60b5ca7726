// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <variant>

#include "arrays.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"
#include "loewner/base/number_format.hpp"
#include "loewner/linalg/csr_matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

// One rule for the arrays of all solvers (loewner/typing.py states it for users). An argument takes any object, so its
// conversion can fail with an error that names it; nothing is copied when type and order already fit.
namespace loewner::python {

/// An argument whose kind says what it stands for and how a signature shows it.
template <typename Kind>
struct Argument {
  nb::object given;
};

struct ArrayKind {
  static constexpr auto name = nb::detail::const_name("numpy.typing.ArrayLike");
};
struct MatrixKind {
  static constexpr auto name = nb::detail::const_name("loewner.typing.MatrixLike");
};
using ArrayLike = Argument<ArrayKind>;    ///< a dense matrix or a vector
using MatrixLike = Argument<MatrixKind>;  ///< a dense or a sparse matrix
using OptionalArray = std::optional<ArrayLike>;

/// A matrix of T in C order, or a vector; it keeps the memory alive.
template <typename T>
class Dense {
 public:
  explicit Dense(MatrixArg<T> array) : array_(std::move(array)) {}
  MatrixView<const T> view() const { return view_of(array_); }

 private:
  MatrixArg<T> array_;
};

template <typename T>
class Vector {
 public:
  Vector() = default;
  explicit Vector(VectorArg<T> array) : array_(std::move(array)) {}
  std::span<const T> view() const { return array_.is_valid() ? view_of(array_) : std::span<const T>{}; }

 private:
  VectorArg<T> array_;
};

/// The argument as an array; T is float, double or Half.
///
/// Errors    TypeError on a sparse matrix or on entries that are not real numbers, ValueError on another number of
///           dimensions; both name the argument.
template <typename T>
Dense<T> dense(const ArrayLike& argument, const char* name);

/// The same for vectors; T is float, double or Index.
template <typename T>
Vector<T> vector(const ArrayLike& argument, const char* name);

/// Empty for None.
inline Vector<double> vector(const OptionalArray& argument, const char* name) {
  return argument ? vector<double>(*argument, name) : Vector<double>();
}

/// Targets of a regression: n x t, or n values, which are one column.
class Targets {
 public:
  Targets(const ArrayLike& argument, const char* name);
  MatrixView<const double> view() const;

 private:
  std::variant<std::monostate, Dense<double>, Vector<double>> values_;
};

/// A sparse matrix over arrays that Python holds.
struct SparseRows {
  Vector<Index> row_offsets;
  Vector<std::int32_t> columns;
  std::variant<Vector<float>, Vector<double>> values;
  std::variant<CsrView<float>, CsrView<double>> view;
};

/// The sparse matrix of three arrays. Arrays of int64, of int32, and of float32 or float64 are not copied.
///
/// Errors    as `vector`; InvalidArgument "<what>: ..." on an offset or a column that is out of range.
SparseRows sparse_rows(Index cols, const ArrayLike& row_offsets, const ArrayLike& columns, const ArrayLike& values,
                       const char* what);

/// The compressed rows of a scipy.sparse matrix: without a copy if it is in CSR form, except of the offsets.
SparseRows compressed_rows(const nb::object& scipy_matrix, const char* name);

/// Rows in the type in which they are stored: float32 (also float16), or float64 (also integers).
using AnyRows = std::variant<Dense<float>, Dense<double>, SparseRows>;
AnyRows rows_of(const MatrixLike& argument, const char* name);

/// body(RowMatrix) of the rows, without a copy.
template <typename Body>
auto with_rows(const AnyRows& rows, Body&& body) {
  return std::visit(
      [&]<typename Rows>(const Rows& given) {
        if constexpr (std::is_same_v<Rows, SparseRows>) {
          return std::visit([&](const auto& view) { return body(RowMatrix(view)); }, given.view);
        } else {
          return body(RowMatrix(given.view()));
        }
      },
      rows);
}

template <typename Body>
auto with_rows(const MatrixLike& a, Body&& body) {
  return with_rows(rows_of(a, "a"), std::forward<Body>(body));
}

/// Whether numpy.asarray would make float16 of it.
bool is_half(const nb::object& given);
/// As users know it: "csr_matrix of float64", "array of int32 and shape (3,)".
std::string description(const nb::object& given);
bool is_sparse(const nb::object& given);
/// Whether an array holds booleans, integers or real floating-point numbers.
bool is_real(const nb::object& array);

}  // namespace loewner::python

template <typename Kind>
struct nanobind::detail::type_caster<loewner::python::Argument<Kind>> {
  NB_TYPE_CASTER(loewner::python::Argument<Kind>, Kind::name)
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    value.given = borrow(source);
    return true;
  }
};
