// SPDX-License-Identifier: Apache-2.0
#include "operators.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <tuple>

namespace loewner::python {
namespace {

std::string text_of(nb::handle object) {
  return nb::cast<std::string>(nb::str(object));
}

std::string type_of(const nb::object& a) {
  std::string name = text_of(nb::inst_name(a));
  return nb::hasattr(a, "dtype") ? name + " of " + text_of(a.attr("dtype")) : name;
}

void require_operator(const nb::object& a) {
  const auto has = [&](const char* name) { return nb::hasattr(a, name); };
  if (has("shape") && has("matmat") && has("rmatmat")) return;
  throw nb::type_error(("a must be a 2-D array of float16, float32 or float64, loewner.linalg.SparseRows, a scipy.sparse "
                        "matrix or an operator with shape, matmat and rmatmat, got " +
                        type_of(a))
                           .c_str());
}

std::pair<Index, Index> shape_of(const nb::object& a) {
  std::pair<Index, Index> shape;
  if (!nb::try_cast(nb::tuple(a.attr("shape")), shape) || shape.first < 0 || shape.second < 0) {
    throw nb::value_error(("a must have two dimensions, got shape " + text_of(a.attr("shape"))).c_str());
  }
  return shape;
}

nb::object array_of(const nb::object& values) {
  return nb::module_::import_("numpy").attr("asarray")(values);
}

// Whether an array holds booleans, integers or real floating-point numbers.
bool is_real(const nb::object& array) {
  return std::string("biuf").find(nb::cast<std::string>(array.attr("dtype").attr("kind"))) != std::string::npos;
}

// Without a copy where the type is the same.
nb::object converted(const nb::object& array, const char* type) {
  return array.attr("astype")(type, nb::arg("order") = "C", nb::arg("copy") = false);
}

}  // namespace

PythonOperator::PythonOperator(nb::object a) : a_(std::move(a)) {
  require_operator(a_);
  std::tie(rows_, cols_) = shape_of(a_);
}

void PythonOperator::multiply(const char* method, MatrixView<const double> x, MatrixView<double> y) const {
  const nb::gil_scoped_acquire gil;
  Matrix<double> copy = Matrix<double>::uninitialized(x.rows(), x.cols());
  for (Index i = 0; i < x.rows(); ++i) std::ranges::copy(x.row(i), copy.row(i).begin());
  const nb::object product = array_of(a_.attr(method)(to_python(std::move(copy))));
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
  const auto values =
      nb::cast<nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>>(converted(product, "float64"));
  const MatrixView<const double> result(values.data(), y.rows(), y.cols());
  for (Index i = 0; i < y.rows(); ++i) std::ranges::copy(result.row(i), y.row(i).begin());
}

SparseRows compressed_rows(const nb::object& scipy_matrix) {
  const Index cols = shape_of(scipy_matrix).second;
  const nb::object csr = scipy_matrix.attr("tocsr")();
  const nb::object data = csr.attr("data");
  if (!is_real(data)) {
    throw nb::type_error(("a sparse matrix must hold real numbers, got " + text_of(data.attr("dtype"))).c_str());
  }
  const auto offsets = nb::cast<VectorArg<std::int64_t>>(converted(csr.attr("indptr"), "int64"));
  const auto columns = nb::cast<VectorArg<std::int32_t>>(converted(csr.attr("indices"), "int32"));
  const auto over = [&]<typename T>(const VectorArg<T>& values) {
    const auto view = CsrView<T>::checked(cols, view_of(offsets), view_of(columns), view_of(values), "sparse matrix");
    return SparseRows{nb::cast(offsets), nb::cast(columns), nb::cast(values), view};
  };
  VectorArg<float> singles;
  if (nb::try_cast(data, singles, false)) return over(singles);
  return over(nb::cast<VectorArg<double>>(converted(data, "float64")));
}

}  // namespace loewner::python
