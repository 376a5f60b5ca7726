// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <cstring>
#include <mutex>
#include <utility>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/encoded_product.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/model/json.hpp"
#include "openmp_team.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kStoredMatrixDoc = R"(An encoded matrix over arrays in memory.

Parameters
----------
specification : str
    The entry of the tensor in quantization_config, as JSON (docs/format.md).
arrays : dict
    The stored arrays by name, two-dimensional and in C order. They are not copied and must not change.

Raises
------
IoError
    If an array is missing or does not fit the specification.
ValueError
    If an array has another type than uint8, float16 or float32.

Notes
-----
Rows are decoded when they are needed; nothing else is kept in memory.

Examples
--------
>>> import numpy as np
>>> from loewner import StoredMatrix
>>> specification = '{"structure": "low_rank", "rows": 3, "cols": 2, "rank": 1, "format": "f32"}'
>>> factors = {"left": np.ones((3, 1), np.float32), "right": np.ones((1, 2), np.float32)}
>>> matrix = StoredMatrix(specification, factors)
>>> matrix
StoredMatrix(rows=3, cols=2, structure='low_rank')
>>> matrix.decode()
array([[1., 1.],
       [1., 1.],
       [1., 1.]], dtype=float32)
)";

constexpr const char* kDecodeRowsDoc = R"(Decode some rows.

Parameters
----------
ids : array_like of shape (m,), int
    Row numbers.

Returns
-------
ndarray of shape (m, d), float32
    The rows.

Raises
------
IndexError
    If a row number is out of range.
)";

constexpr const char* kDecodeDoc = R"(Decode the whole matrix.

Returns
-------
ndarray of shape (n, d), float32
    The matrix.
)";

constexpr const char* kApplyDoc = R"(Multiply vectors by the matrix W: x W^T.

Parameters
----------
x : array_like of shape (b, d)
    The vectors, computed with in float32.

Returns
-------
ndarray of shape (b, n), float32
    The products.

Raises
------
ValueError
    If x has another number of columns than W.
)";

constexpr const char* kMultiplyDoc = R"(Multiply vectors by the matrix W in 8-bit integers.

Parameters
----------
x : array_like of shape (b, d), or (b, n) if not transposed
    The vectors, in float32.
transposed : bool, default True
    Whether the product is x W^T, as in a linear layer, or x W.
bias : array_like of shape (n,), or (d,) if not transposed, optional
    Added to each product.
threads : int, default 1
    The most threads to use.
out : ndarray of shape (b, n), or (b, d) if not transposed, float32, optional
    Where to write the products, in C order. The default is a new array.

Returns
-------
ndarray of shape (b, n), or (b, d) if not transposed, float32
    The products, the same for any number of threads and on every processor; `out` if it is given.

Raises
------
ValueError
    If x has another number of columns, `out` another shape, or the structure of W no such product.

Notes
-----
Each vector is rotated and rounded to 255 steps, W to 255 levels. For integers, vectors are rounded to 16 bits
instead, and W stays as it is. docs/design/kernels.md has the errors.
)";

constexpr const char* kMultipliesBytesDoc = R"(Whether `multiply` is the better product.

Parameters
----------
transposed : bool, default True
    Whether the product is x W^T or x W.

Returns
-------
bool
    Whether there is such a product for W, it is about as accurate as that of the decoded matrix, and at least as fast
    on this processor: from AVX2 on for codes of up to 6 bits an entry and for products of at least 16 rows for each
    column, from AVX-512 VNNI on for integers.
)";

using Output = nb::ndarray<nb::numpy, float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using AnyArray = nb::ndarray<nb::ro, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

DType dtype_of(const AnyArray& array, const std::string& name) {
  const auto type = array.dtype();
  if (type == nb::dtype<std::uint8_t>()) return DType::u8;
  if (type == nb::dtype<float>()) return DType::f32;
  if (type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float) && type.bits == 16) return DType::f16;
  throw InvalidArgument("StoredMatrix: array '" + name + "' must have type uint8, float16 or float32");
}

// As interruptible(), on the threads of the host.
template <typename Work>
auto on_threads_of_host(Work&& work) {
  const ThreadTeamScope scope(OpenMpTeam::of_host().get());
  return interruptible(std::forward<Work>(work));
}

// An encoded matrix whose arrays belong to Python.
class StoredMatrix {
  // Made at the first use: tables need none.
  struct Product {
    std::once_flag is_made;
    std::unique_ptr<EncodedProduct> made;
  };

 public:
  StoredMatrix(const std::string& specification, const nb::dict& arrays) {
    for (const auto& [name, value] : arrays) {
      arrays_.emplace_back(nb::cast<std::string>(name), nb::cast<AnyArray>(value));
    }
    matrix_ = encoded_matrix_from_tensors(parse_json_object(specification, "specification"),
                                          [this](std::string_view name) { return stored(name); });
  }

  Index rows() const { return matrix_->rows(); }
  Index cols() const { return matrix_->cols(); }
  std::string_view structure() const { return matrix_->structure(); }

  MatrixResult<float> decode_rows(const ArrayLike& ids) const {
    const auto numbers = vector<Index>(ids, "ids");
    const std::span<const Index> rows = numbers.view();
    for (const Index row : rows) {
      if (row < 0 || row >= matrix_->rows()) {
        throw nb::index_error(
            ("row " + std::to_string(row) + " is not in [0, " + std::to_string(matrix_->rows()) + ")").c_str());
      }
    }
    Matrix<float> out = Matrix<float>::uninitialized(static_cast<Index>(rows.size()), matrix_->cols());
    on_threads_of_host([&] { matrix_->decode_rows(rows, out.view()); });
    return to_python(std::move(out));
  }

  MatrixResult<float> decode() const {
    return to_python(on_threads_of_host([&] { return matrix_->decode(); }));
  }

  MatrixResult<float> apply(const ArrayLike& x) const {
    const auto vectors = dense<float>(x, "x");
    const auto view = vectors.view();
    require(view.cols() == matrix_->cols(), [&] {
      return "StoredMatrix.apply: x must have " + std::to_string(matrix_->cols()) + " columns, got " +
             std::to_string(view.cols());
    });
    Matrix<float> y = Matrix<float>::uninitialized(view.rows(), matrix_->rows());
    on_threads_of_host([&] { matrix_->apply(view, y.view()); });
    return to_python(std::move(y));
  }

  nb::object multiply(const ArrayLike& x, bool transposed, const OptionalArray& bias, int threads,
                      const std::optional<Output>& out) const {
    const auto vectors = dense<float>(x, "x");
    const auto view = vectors.view();
    const EncodedProduct* const product = product_on(transposed);
    require(product != nullptr, [&] {
      return "StoredMatrix.multiply: structure '" + std::string(matrix_->structure()) + "' has no such product";
    });
    const auto added = bias ? vector<float>(*bias, "bias") : Vector<float>();
    if (out) {
      const MatrixView<float> y(out->data(), static_cast<Index>(out->shape(0)), static_cast<Index>(out->shape(1)),
                                static_cast<Index>(out->shape(1)));
      on_threads_of_host([&] { product->apply(view, added.view(), y, threads); });
      return nb::cast(*out);
    }
    Matrix<float> y = Matrix<float>::uninitialized(view.rows(), product->outputs());
    on_threads_of_host([&] { product->apply(view, added.view(), y.view(), threads); });
    return nb::cast(to_python(std::move(y)));
  }

  bool multiplies_bytes(bool transposed) const {
    const EncodedProduct* const product = product_on(transposed);
    return product != nullptr && product->is_preferable();
  }

 private:
  const EncodedProduct* product_on(bool transposed) const {
    Product& product = transposed ? transposed_product_ : plain_product_;
    std::call_once(product.is_made, [&] {
      product.made = encoded_product(*matrix_, transposed ? ProductSide::transposed : ProductSide::plain);
    });
    return product.made.get();
  }

  StoredArray stored(std::string_view wanted) const {
    for (const auto& [name, values] : arrays_) {
      if (name != wanted) continue;
      const Index row_bytes = static_cast<Index>(values.shape(1) * values.itemsize());
      StoredArray array{.name = name,
                        .dtype = dtype_of(values, name),
                        .rows = static_cast<Index>(values.shape(0)),
                        .cols = static_cast<Index>(values.shape(1)),
                        .read_rows = {},
                        .memory = static_cast<const std::byte*>(values.data())};
      array.read_rows = [data = array.memory, row_bytes](Index first, Index count, std::byte* out) {
        if (count == 0) return;
        std::memcpy(out, data + first * row_bytes, static_cast<std::size_t>(count * row_bytes));
      };
      return array;
    }
    throw IoError("array '" + std::string(wanted) + "' is missing");
  }

  std::vector<std::pair<std::string, AnyArray>> arrays_;
  std::unique_ptr<EncodedMatrix> matrix_;
  mutable Product transposed_product_, plain_product_;
};

}  // namespace

void bind_stored_matrix(nb::module_& m) {
  m.def(
      "set_thread_team",
      [](std::uintptr_t run, std::uintptr_t size) {
        OpenMpTeam::of_host().set(reinterpret_cast<OpenMpTeam::Run>(run), reinterpret_cast<OpenMpTeam::Size>(size));
      },
      "run"_a, "size"_a,
      "Run operations of StoredMatrix on the threads of an OpenMP runtime, given by the addresses of its GOMP_parallel "
      "and omp_get_max_threads; 0, 0: on own threads.");
  nb::class_<StoredMatrix> type(m, "StoredMatrix", kStoredMatrixDoc);
  type.def(nb::init<const std::string&, const nb::dict&>(), "specification"_a, "arrays"_a)
      .def("decode_rows", &StoredMatrix::decode_rows, "ids"_a, kDecodeRowsDoc)
      .def("decode", &StoredMatrix::decode, kDecodeDoc)
      .def("apply", &StoredMatrix::apply, "x"_a, kApplyDoc)
      .def("multiply", &StoredMatrix::multiply, "x"_a, "transposed"_a = true, "bias"_a = nb::none(), "threads"_a = 1,
           "out"_a = nb::none(),
           nb::sig(
               "def multiply(self, x: numpy.typing.ArrayLike, transposed: bool = True, bias: numpy.typing.ArrayLike | "
               "None = None, threads: int = 1, out: numpy.typing.NDArray[numpy.float32] | None = None) -> "
               "numpy.typing.NDArray[numpy.float32]"),
           kMultiplyDoc)
      .def("multiplies_bytes", &StoredMatrix::multiplies_bytes, "transposed"_a = true, kMultipliesBytesDoc)
      .def_prop_ro("rows", &StoredMatrix::rows, "Number of rows.")
      .def_prop_ro("cols", &StoredMatrix::cols, "Number of columns.")
      .def_prop_ro("structure", &StoredMatrix::structure, "The structure of the specification.");
  def_repr(type, {"rows", "cols", "structure"});
}

}  // namespace loewner::python
