// SPDX-License-Identifier: Apache-2.0
#include "operators.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "object_text.hpp"

namespace loewner::python {
namespace {

std::pair<Index, Index> shape_of(const nb::object& a) {
  std::pair<Index, Index> shape;
  if (!nb::try_cast(nb::tuple(a.attr("shape")), shape) || shape.first < 0 || shape.second < 0) {
    throw nb::value_error(("a must have two dimensions, got shape " + text_of(a.attr("shape"))).c_str());
  }
  return shape;
}

}  // namespace

bool is_operator(const nb::object& given) {
  return !is_sparse(given) && (nb::hasattr(given, "matmat") || nb::hasattr(given, "rmatmat"));
}

PythonOperator::PythonOperator(nb::object a) : a_(std::move(a)) {
  for (const char* needed : {"shape", "matmat", "rmatmat"}) {
    if (nb::hasattr(a_, needed)) continue;
    throw nb::type_error(
        ("a must have shape, matmat and rmatmat, got " + description(a_) + " without " + needed).c_str());
  }
  std::tie(rows_, cols_) = shape_of(a_);
}

void PythonOperator::multiply(const char* method, MatrixView<const double> x, MatrixView<double> y) const {
  const nb::gil_scoped_acquire gil;
  const nb::module_ numpy = nb::module_::import_("numpy");
  Matrix<double> copy = Matrix<double>::uninitialized(x.rows(), x.cols());
  for (Index i = 0; i < x.rows(); ++i) std::ranges::copy(x.row(i), copy.row(i).begin());
  const nb::object product = numpy.attr("asarray")(a_.attr(method)(to_python(std::move(copy))));
  if (!is_real(product)) {
    throw nb::type_error(
        (std::string(method) + " must give real numbers, got " + text_of(product.attr("dtype"))).c_str());
  }
  const std::string expected = "(" + std::to_string(y.rows()) + ", " + std::to_string(y.cols()) + ")";
  const std::string received = text_of(product.attr("shape"));
  require(received == expected, [&] {
    return std::string(method) + " of " + std::to_string(x.cols()) + " vectors must give an array of shape " +
           expected + ", got " + received;
  });
  const Dense<double> result = dense<double>(ArrayLike{product}, method);
  for (Index i = 0; i < y.rows(); ++i) std::ranges::copy(result.view().row(i), y.row(i).begin());
}

MatrixView<const float> HalfRows::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  for (Index i = 0; i < count; ++i) {
    decode_numbers(reinterpret_cast<const std::byte*>(a_.row(first + i).data()), NumberFormat::f16, buffer.row(i));
  }
  return buffer.view();
}

}  // namespace loewner::python
