// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes_encoding.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/codec/output_error.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

InputSide side_named(const std::string& name) {
  require(name == "cols" || name == "rows", [&] { return "inputs must be 'cols' or 'rows', got '" + name + "'"; });
  return name == "cols" ? InputSide::cols : InputSide::rows;
}

Matrix<double> copy_of(const ArrayLike& argument, const char* name) {
  const auto given = dense<double>(argument, name);
  const auto view = given.view();
  Matrix<double> copy = Matrix<double>::uninitialized(view.rows(), view.cols());
  for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), copy.row(i).begin());
  return copy;
}

// (decoded matrix, bytes, mean bits, relative output error)
using Trial = std::tuple<MatrixResult<float>, Index, double, double>;

Trial trial_of(const ArrayLike& w, const ArrayLike& second, const OptionalArray& cross, double correction,
               Index max_bytes, std::uint64_t seed, const std::string& inputs, double damping, bool rotate) {
  const auto weights = dense<float>(w, "w");
  const InputSide side = side_named(inputs);
  InputMoments moments{.second = copy_of(second, "second"), .correction = correction};
  if (cross) moments.cross = copy_of(*cross, "cross");
  Matrix<float> decoded;
  FeedbackCodes codes;
  double error = 0;
  interruptible([&] {
    const InputBasis basis(
        moments,
        {.damping = damping, .rotation_seed = rotate ? std::optional(input_rotation_seed(seed)) : std::nullopt});
    codes =
        encode_input_codes(DenseRows(weights.view()), basis, {.inputs = side, .max_bytes = max_bytes, .seed = seed});
    decoded = codes.matrix->decode();
    error = output_error(DenseRows(weights.view()), DenseRows(std::as_const(decoded).view()), moments, side);
  });
  return {to_python(std::move(decoded)), codes.matrix->bytes(), codes.mean_bits, error};
}

}  // namespace

void bind_input_codes(nb::module_& m) {
  m.def("encode_input_codes", &trial_of, "w"_a, "second"_a, "cross"_a.none(), "correction"_a, "max_bytes"_a, "seed"_a,
        "inputs"_a, "damping"_a = kInputDamping, "rotate"_a = true,
        "Private: (decoded matrix, bytes, mean bits, relative output error) of feedback codes.");
}

}  // namespace loewner::python
