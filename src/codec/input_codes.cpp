// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/physical_memory.hpp"
#include "codec/nested_matrix.hpp"
#include "codec/spec_field.hpp"
#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr std::array<std::string_view, 1> kCoded = {"codes"};
constexpr Index kVectorsPerTask = 64, kOutputsPerTask = 128;

InputSide side_field(const Json& spec) {
  const auto side = detail::spec_field<std::string>(spec, "inputs");
  if (side != "cols" && side != "rows") throw IoError("specification: inputs must be cols or rows, got '" + side + "'");
  return side == "cols" ? InputSide::cols : InputSide::rows;
}

std::optional<std::uint64_t> seed_field(const Json& spec) {
  if (!spec.contains("input_rotation_seed")) return std::nullopt;
  const auto& seed = spec["input_rotation_seed"];
  if (!seed.is_number_unsigned()) throw IoError("specification: input_rotation_seed must be an integer in [0, 2^64)");
  return seed.get<std::uint64_t>();
}

// decode() holds the matrix twice. A small file can declare a matrix that no memory holds.
void require_memory(Index rows, Index cols) {
  const auto entries = checked_product(rows, cols);
  const auto needed = entries ? checked_product(*entries, Index{2 * sizeof(float)}) : std::nullopt;
  if (needed && *needed <= detail::physical_memory()) return;
  throw IoError("specification: input_codes of " + std::to_string(rows) + " x " + std::to_string(cols) +
                " do not fit in the memory of this machine, " + std::to_string(detail::physical_memory() >> 20) +
                " MiB");
}

// Sums inside a rotation exceed the entries by up to their number; powers of two change no other bit.
void rotate_back(std::span<float> x, const Rotation& rotation) {
  constexpr float kLarge = 0x1p80F, kDown = 0x1p-64F, kUp = 0x1p64F;
  const bool is_large = std::ranges::any_of(x, [](float value) { return std::abs(value) > kLarge; });
  if (!is_large) return rotation.apply_inverse(x);
  for (float& value : x) value *= kDown;
  rotation.apply_inverse(x, kUp);
}

}  // namespace

InputCodes::InputCodes(std::unique_ptr<EncodedMatrix> codes, InputSide inputs,
                       std::optional<std::uint64_t> rotation_seed)
    : codes_(std::move(codes)), inputs_(inputs), rotation_seed_(rotation_seed) {
  if (rotation_seed_) rotation_.emplace(codes_->rows(), *rotation_seed_);
}

std::unique_ptr<EncodedMatrix> InputCodes::from_tensors(const Json& spec, const ArrayLookup& arrays) {
  const InputSide inputs = side_field(spec);
  const auto seed = seed_field(spec);
  require_memory(detail::size_field(spec, "rows"), detail::size_field(spec, "cols"));
  auto codes = detail::nested_matrix(spec, "codes", kCoded, arrays);
  auto matrix = std::make_unique<InputCodes>(std::move(codes), inputs, seed);
  if (matrix->rows() != detail::size_field(spec, "rows") || matrix->cols() != detail::size_field(spec, "cols")) {
    throw IoError("specification: the codes of input_codes must be inputs x outputs");
  }
  return matrix;
}

std::vector<StoredArray> InputCodes::to_tensors() const {
  std::vector<StoredArray> arrays;
  detail::add_nested_arrays(*codes_, "codes", arrays);
  return arrays;
}

Json InputCodes::spec_fields() const {
  Json fields = {{"inputs", inputs_ == InputSide::cols ? "cols" : "rows"}, {"codes", codes_->spec()}};
  if (rotation_seed_) fields["input_rotation_seed"] = *rotation_seed_;
  return fields;
}

Matrix<float> InputCodes::decode() const {
  Matrix<float> by_input = codes_->decode();
  if (!rotation_ && inputs_ == InputSide::rows) return by_input;
  Matrix<float> by_output = detail::transposed(std::as_const(by_input).view());
  if (rotation_) {
    parallel_for((by_output.rows() + kVectorsPerTask - 1) / kVectorsPerTask, [&](Index task) {
      const Index end = std::min((task + 1) * kVectorsPerTask, by_output.rows());
      for (Index i = task * kVectorsPerTask; i < end; ++i) rotate_back(by_output.row(i), *rotation_);
    });
  }
  if (inputs_ == InputSide::cols) return by_output;
  detail::transpose_into(std::as_const(by_output).view(), by_input.view());
  return by_input;
}

MatrixView<const float> InputCodes::read_rows(Index first, Index count, Matrix<float>&) const {
  std::call_once(is_decoded_, [&] { decoded_ = decode(); });
  return std::as_const(decoded_).view().row_block(first, count);
}

void InputCodes::apply(MatrixView<const float> x, MatrixView<float> y) const {
  if (inputs_ == InputSide::rows) return EncodedMatrix::apply(x, y);
  // y = x M = (x R^T) C
  Matrix<float> rotated = detail::leading_rows(x, x.rows());
  if (rotation_) {
    for (Index i = 0; i < rotated.rows(); ++i) rotation_->apply(rotated.row(i));
  }
  const Matrix<float> codes = codes_->decode();
  parallel_for((y.cols() + kOutputsPerTask - 1) / kOutputsPerTask, [&](Index task) {
    const Index first = task * kOutputsPerTask, count = std::min(kOutputsPerTask, y.cols() - first);
    blas::gemm(blas::Op::none, blas::Op::none, 1.0F, std::as_const(rotated).view(),
               codes.view().col_block(first, count), 0.0F, y.col_block(first, count));
  });
}

}  // namespace loewner
