// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "object_text.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

template <typename T>
constexpr const char* kTypeName = "float64";
template <>
constexpr const char* kTypeName<float> = "float32";
template <>
constexpr const char* kTypeName<Half> = "float16";
template <>
constexpr const char* kTypeName<Index> = "int64";
template <>
constexpr const char* kTypeName<std::int32_t> = "int32";

std::string kind_of(const nb::object& array) {
  return nb::cast<std::string>(array.attr("dtype").attr("kind"));
}

std::size_t dimensions_of(const nb::object& array) {
  return nb::cast<std::size_t>(array.attr("ndim"));
}

template <typename T>
bool is_row_major(const MatrixArg<T>& a) {
  const auto rows = static_cast<Index>(a.shape(0)), cols = static_cast<Index>(a.shape(1));
  return a.size() == 0 || ((cols <= 1 || a.stride(1) == 1) && (rows <= 1 || a.stride(0) >= cols));
}

// numpy.asarray of the argument, which must hold real numbers in one of the numbers of dimensions allowed.
nb::object array_of(const nb::object& given, const char* name, const char* kinds, const char* what) {
  if (is_sparse(given)) {
    throw nb::type_error(
        (std::string(name) + " must be a dense array, got " + description(given) + "; its method toarray() makes one")
            .c_str());
  }
  nb::object array = nb::module_::import_("numpy").attr("asarray")(given);
  if (std::string(kinds).find(kind_of(array)) == std::string::npos) {
    throw nb::type_error((std::string(name) + " must hold " + what + ", got " + description(given)).c_str());
  }
  return array;
}

void require_dimensions(const nb::object& array, std::size_t dimensions, const char* name, const char* what) {
  if (dimensions_of(array) == dimensions) return;
  throw nb::value_error(
      (std::string(name) + " must be " + what + ", got an array of shape " + text_of(array.attr("shape"))).c_str());
}

nb::object converted(const nb::object& array, const char* type) {
  return nb::module_::import_("numpy").attr("ascontiguousarray")(array, "dtype"_a = type);
}

constexpr const char* kReal = "biuf";
constexpr const char* kRealNumbers = "real numbers";

template <typename T>
Dense<T> dense_of_array(const nb::object& array, const char* name) {
  require_dimensions(array, 2, name, "a matrix (two dimensions)");
  return Dense<T>(nb::cast<MatrixArg<T>>(converted(array, kTypeName<T>)));
}

template <typename T>
Vector<T> vector_of_array(const nb::object& array, const char* name) {
  require_dimensions(array, 1, name, "a vector (one dimension)");
  return Vector<T>(nb::cast<VectorArg<T>>(converted(array, kTypeName<T>)));
}

// Whether solvers that take both types compute with it in float32.
bool is_single(const nb::object& array) {
  return kind_of(array) == "f" && nb::cast<int>(array.attr("dtype").attr("itemsize")) <= 4;
}

template <typename T>
std::optional<Dense<T>> dense_without_copy(const nb::object& given) {
  MatrixArg<T> array;
  if (nb::try_cast(given, array, false) && is_row_major(array)) return Dense<T>(std::move(array));
  return {};
}

}  // namespace

bool is_sparse(const nb::object& given) {
  return nb::isinstance<SparseRows>(given) || nb::hasattr(given, "tocsr");
}

bool is_real(const nb::object& array) {
  return std::string(kReal).find(kind_of(array)) != std::string::npos;
}

std::string description(const nb::object& given) {
  std::string text = text_of(given.type().attr("__name__"));
  if (nb::hasattr(given, "dtype")) text += " of " + text_of(given.attr("dtype"));
  return text;
}

bool is_half(const nb::object& given) {
  MatrixArg<Half> array;
  return nb::try_cast(given, array, false);
}

template <typename T>
Dense<T> dense(const ArrayLike& argument, const char* name) {
  if (auto fitting = dense_without_copy<T>(argument.given)) return *fitting;
  return dense_of_array<T>(array_of(argument.given, name, kReal, kRealNumbers), name);
}

template <typename T>
Vector<T> vector(const ArrayLike& argument, const char* name) {
  VectorArg<T> array;
  if (nb::try_cast(argument.given, array, false)) return Vector<T>(std::move(array));
  if constexpr (std::is_same_v<T, Index>) {
    return vector_of_array<T>(array_of(argument.given, name, "iu", "integers"), name);
  } else {
    return vector_of_array<T>(array_of(argument.given, name, kReal, kRealNumbers), name);
  }
}

template Dense<float> dense(const ArrayLike&, const char*);
template Dense<double> dense(const ArrayLike&, const char*);
template Dense<Half> dense(const ArrayLike&, const char*);
template Vector<double> vector(const ArrayLike&, const char*);
template Vector<float> vector(const ArrayLike&, const char*);
template Vector<Index> vector(const ArrayLike&, const char*);

Targets::Targets(const ArrayLike& argument, const char* name) {
  const nb::object array = array_of(argument.given, name, kReal, kRealNumbers);
  const auto dimensions = dimensions_of(array);
  require(dimensions == 1 || dimensions == 2, [&] {
    return std::string(name) + " must have one or two dimensions, got an array of shape " +
           text_of(array.attr("shape"));
  });
  if (dimensions == 1) {
    values_ = vector<double>(ArrayLike{array}, name);
  } else {
    values_ = dense<double>(ArrayLike{array}, name);
  }
}

MatrixView<const double> Targets::view() const {
  if (const auto* const values = std::get_if<Vector<double>>(&values_)) {
    const auto span = values->view();
    return {span.data(), static_cast<Index>(span.size()), 1, 1};
  }
  return std::get<Dense<double>>(values_).view();
}

namespace {

// A number beyond int32 would become that of another column.
Vector<std::int32_t> column_numbers(const ArrayLike& columns, const char* what) {
  VectorArg<std::int32_t> fitting;
  if (nb::try_cast(columns.given, fitting, false)) return Vector<std::int32_t>(std::move(fitting));
  const auto wide = vector<Index>(columns, "columns");
  const auto beyond =
      std::ranges::find_if_not(wide.view(), [](Index column) { return std::in_range<std::int32_t>(column); });
  require(beyond == wide.view().end(), [&] {
    return std::string(what) + ": columns must be in [0, 2^31), got columns[" +
           std::to_string(beyond - wide.view().begin()) + "] = " + std::to_string(*beyond);
  });
  return vector_of_array<std::int32_t>(nb::module_::import_("numpy").attr("asarray")(columns.given), "columns");
}

}  // namespace

SparseRows sparse_rows(Index cols, const ArrayLike& row_offsets, const ArrayLike& columns, const ArrayLike& values,
                       const char* what) {
  const auto offsets = vector<Index>(row_offsets, "row_offsets");
  const auto numbers = column_numbers(columns, what);
  const auto over = [&]<typename T>(const Vector<T>& entries) {
    const auto view = CsrView<T>::checked(cols, offsets.view(), numbers.view(), entries.view(), what);
    return SparseRows{offsets, numbers, entries, view};
  };
  const nb::object array = array_of(values.given, "values", kReal, kRealNumbers);
  if (is_single(array)) return over(vector<float>(ArrayLike{array}, "values"));
  return over(vector<double>(ArrayLike{array}, "values"));
}

SparseRows compressed_rows(const nb::object& scipy_matrix, const char* name) {
  const nb::object shape = scipy_matrix.attr("shape");
  std::pair<Index, Index> sides;
  if (!nb::try_cast(nb::tuple(shape), sides)) {
    throw nb::value_error(
        (std::string(name) + " must be a matrix (two dimensions), got shape " + text_of(shape)).c_str());
  }
  const nb::object csr = scipy_matrix.attr("tocsr")();
  const ArrayLike values{csr.attr("data")};
  if (!is_real(values.given)) {
    throw nb::type_error((std::string(name) + " must hold real numbers, got " + description(scipy_matrix)).c_str());
  }
  return sparse_rows(sides.second, ArrayLike{csr.attr("indptr")}, ArrayLike{csr.attr("indices")}, values, name);
}

AnyRows rows_of(const MatrixLike& argument, const char* name) {
  const nb::object& given = argument.given;
  if (auto single = dense_without_copy<float>(given)) return *single;
  if (auto wide = dense_without_copy<double>(given)) return *wide;
  if (nb::isinstance<SparseRows>(given)) return nb::cast<SparseRows>(given);
  if (is_sparse(given)) return compressed_rows(given, name);
  const nb::object array = array_of(given, name, kReal, kRealNumbers);
  if (is_single(array)) return dense_of_array<float>(array, name);
  return dense_of_array<double>(array, name);
}

}  // namespace loewner::python
