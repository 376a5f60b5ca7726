// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>

#include <cstring>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

using AnyArray = nb::ndarray<nb::ro, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

DType dtype_of(const AnyArray& array, const std::string& name) {
  const auto type = array.dtype();
  if (type == nb::dtype<std::uint8_t>()) return DType::u8;
  if (type == nb::dtype<float>()) return DType::f32;
  if (type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float) && type.bits == 16) return DType::f16;
  throw InvalidArgument("StoredMatrix: array '" + name + "' must have type uint8, float16 or float32");
}

// An encoded matrix whose arrays belong to Python.
class StoredMatrix {
 public:
  StoredMatrix(const std::string& specification, const nb::dict& arrays) {
    for (const auto& [name, value] : arrays) {
      arrays_.emplace_back(nb::cast<std::string>(name), nb::cast<AnyArray>(value));
    }
    matrix_ = encoded_matrix_from_tensors(parse_json_object(specification, "specification"),
                                          [this](std::string_view name) { return stored(name); });
  }

  MatrixResult<float> decode_rows(const VectorArg<std::int64_t>& ids) const {
    const std::span<const Index> rows = view_of(ids);
    for (const Index row : rows) {
      if (row < 0 || row >= matrix_->rows()) {
        throw nb::index_error(
            ("row " + std::to_string(row) + " is not in [0, " + std::to_string(matrix_->rows()) + ")").c_str());
      }
    }
    Matrix<float> out = Matrix<float>::uninitialized(static_cast<Index>(rows.size()), matrix_->cols());
    interruptible([&] { matrix_->decode_rows(rows, out.view()); });
    return to_python(std::move(out));
  }

  MatrixResult<float> decode() const {
    return to_python(interruptible([&] { return read_all(*matrix_); }));
  }

  MatrixResult<float> apply(const MatrixArg<float>& x) const {
    require(static_cast<Index>(x.shape(1)) == matrix_->cols(), [&] {
      return "StoredMatrix.apply: x must have " + std::to_string(matrix_->cols()) + " columns, got " +
             std::to_string(x.shape(1));
    });
    Matrix<float> y = Matrix<float>::uninitialized(static_cast<Index>(x.shape(0)), matrix_->rows());
    const auto view = view_of(x);
    interruptible([&] { matrix_->apply(view, y.view()); });
    return to_python(std::move(y));
  }

 private:
  StoredArray stored(std::string_view wanted) const {
    for (const auto& [name, values] : arrays_) {
      if (name != wanted) continue;
      const Index row_bytes = static_cast<Index>(values.shape(1) * values.itemsize());
      StoredArray array{.name = name,
                        .dtype = dtype_of(values, name),
                        .rows = static_cast<Index>(values.shape(0)),
                        .cols = static_cast<Index>(values.shape(1)),
                        .read_rows = {}};
      array.read_rows = [data = static_cast<const std::byte*>(values.data()), row_bytes](Index first, Index count,
                                                                                         std::byte* out) {
        if (count == 0) return;
        std::memcpy(out, data + first * row_bytes, static_cast<std::size_t>(count * row_bytes));
      };
      return array;
    }
    throw IoError("array '" + std::string(wanted) + "' is missing");
  }

  std::vector<std::pair<std::string, AnyArray>> arrays_;
  std::unique_ptr<EncodedMatrix> matrix_;
};

}  // namespace

void bind_stored_matrix(nb::module_& m) {
  nb::class_<StoredMatrix>(
      m, "StoredMatrix", "An encoded matrix W whose arrays are in memory. It does not copy them; they must not change.")
      .def(nb::init<const std::string&, const nb::dict&>(), "specification"_a, "arrays"_a,
           "specification: JSON as in docs/format.md; arrays: 2-D arrays in C order by name.")
      .def("decode_rows", &StoredMatrix::decode_rows, "ids"_a.noconvert(), "The rows W[ids] as float32.")
      .def("decode", &StoredMatrix::decode, "W as float32.")
      .def("apply", &StoredMatrix::apply, "x"_a.noconvert(), "x W^T. W is decoded by blocks of rows.");
}

}  // namespace loewner::python
