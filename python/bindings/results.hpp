// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "arrays.hpp"

// Classes of results: read-only attributes, a repr with shapes and values, and pickling if every attribute is a value.
namespace loewner::python {

template <typename Result, typename T>
struct Field {
  const char* name;
  T Result::*member;
  const char* doc;
};

/// The docstring of an array begins with its shape: "(n, k) Left singular vectors."
template <typename Result, typename T>
Field<Result, T> field(const char* name, T Result::*member, const char* doc) {
  return {name, member, doc};
}

/// How an attribute of type T is defined and, if it can be pickled, read back; specialize it for types that need more.
template <typename T>
struct Attribute {
  static constexpr bool is_picklable = std::copy_constructible<T>;
  template <typename Result>
  static void define(nb::class_<Result>& result, const Field<Result, T>& f) {
    result.def_ro(f.name, f.member, f.doc);
  }
  static T from_python(nb::handle value) { return nb::cast<T>(value); }
};

/// An array that views the result's memory.
template <typename T>
struct ArrayAttribute {
  static constexpr bool is_picklable = true;
  template <typename Result>
  static void define(nb::class_<Result>& result, const Field<Result, T>& f) {
    def_array(result, f.name, f.member, f.doc);
  }
};

template <typename T>
struct Attribute<Matrix<T>> : ArrayAttribute<Matrix<T>> {
  static Matrix<T> from_python(nb::handle value) {
    const auto array = nb::cast<MatrixArg<T>>(value);
    const MatrixView<const T> view = view_of(array);
    Matrix<T> copy(view.rows(), view.cols());
    for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), copy.row(i).begin());
    return copy;
  }
};

template <typename T>
requires std::is_arithmetic_v<T>
struct Attribute<std::vector<T>> : ArrayAttribute<std::vector<T>> {
  static std::vector<T> from_python(nb::handle value) {
    const auto array = nb::cast<VectorArg<T>>(value);
    const std::span<const T> values = view_of(array);
    return {values.begin(), values.end()};
  }
};

/// Indices are int64 in Python; narrower ones are copied.
template <>
struct Attribute<std::vector<std::int32_t>> {
  static constexpr bool is_picklable = true;
  template <typename Result>
  static void define(nb::class_<Result>& result, const Field<Result, std::vector<std::int32_t>>& f) {
    result.def_prop_ro(
        f.name,
        [member = f.member](const Result& self) {
          const auto& narrow = self.*member;
          return to_python(std::vector<Index>(narrow.begin(), narrow.end()));
        },
        nb::rv_policy::move, f.doc);
  }
  static std::vector<std::int32_t> from_python(nb::handle value) {
    const auto array = nb::cast<VectorArg<Index>>(value);
    const std::span<const Index> wide = view_of(array);
    return {wide.begin(), wide.end()};
  }
};

/// NAME(attribute=value, ...) of the given attributes; arrays appear as dtype[shape].
nb::str repr_of(nb::handle self, const std::vector<const char*>& attributes);

template <typename Result>
void def_repr(nb::class_<Result>& result, std::vector<const char*> attributes) {
  result.def("__repr__",
             [attributes = std::move(attributes)](nb::handle_t<Result> self) { return repr_of(self, attributes); });
}

template <typename Result, typename... T>
void def_pickling(nb::class_<Result>& result, const Field<Result, T>&... fields) {
  result
      .def("__getstate__",
           [fields...](nb::handle_t<Result> self) { return nb::make_tuple(nb::object(self.attr(fields.name))...); })
      .def("__setstate__", [fields...](Result& self, const nb::tuple& state) {
        new (&self) Result{};
        std::size_t next = 0;
        ((self.*fields.member = Attribute<T>::from_python(state[next++])), ...);
      });
}

template <typename Result, typename... T>
nb::class_<Result> bind_result(nb::module_& m, const char* name, const char* doc, const Field<Result, T>&... fields) {
  nb::class_<Result> result(m, name, doc);
  (Attribute<T>::define(result, fields), ...);
  def_repr(result, {fields.name...});
  if constexpr ((Attribute<T>::is_picklable && ...) && std::is_default_constructible_v<Result>) {
    def_pickling(result, fields...);
  }
  return result;
}

/// Adds the numpydoc section "Attributes" to the docstring of each class of a module, from its properties.
void document_attributes(const nb::module_& m);

}  // namespace loewner::python
