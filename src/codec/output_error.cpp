// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/output_error.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/input_basis.hpp"

namespace loewner {
namespace {

constexpr Index kRowsOfErrorTask = 128;
constexpr Index kPanelOfMoments = 512;

// sum_i a_i H a_i^T over the rows. Of H it reads what is below the diagonal, which counts twice, and blocks on it.
double weighted_energy(MatrixView<const double> rows, MatrixView<const double> second) {
  const Index d = second.cols();
  Matrix<double> buffer = Matrix<double>::uninitialized(rows.rows(), std::min(kPanelOfMoments, d));
  double sum = 0;
  for (Index first = 0; first < d; first += kPanelOfMoments) {
    const Index count = std::min(kPanelOfMoments, d - first), end = first + count;
    const auto panel = second.col_block(first, count), inputs = rows.col_block(first, count);
    const auto product = buffer.view().col_block(0, count);
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, inputs, panel.row_block(first, count), 0.0, product);
    if (end < d) {
      blas::gemm(blas::Op::none, blas::Op::none, 2.0, rows.col_block(end, d - end), panel.row_block(end, d - end), 1.0,
                 product);
    }
    for (Index i = 0; i < rows.rows(); ++i)
      sum += detail::dot(inputs.row(i), std::as_const(buffer).row(i).first(count));
  }
  return sum;
}

struct Energies {
  double error = 0, total = 0;
};

// W and What as outputs x inputs.
Energies energies_of(const RowSource& w, const RowSource& what, MatrixView<const double> second) {
  std::vector<Energies> parts(static_cast<std::size_t>((w.rows() + kRowsOfErrorTask - 1) / kRowsOfErrorTask));
  parallel_for(static_cast<Index>(parts.size()), [&](Index task) {
    const Index first = task * kRowsOfErrorTask, count = std::min(kRowsOfErrorTask, w.rows() - first);
    Matrix<float> buffer, other_buffer;
    Matrix<double> rows = detail::widened(w.read_rows(first, count, buffer));
    const auto other = what.read_rows(first, count, other_buffer);
    parts[task].total = weighted_energy(rows.view(), second);
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < rows.cols(); ++j) rows(i, j) -= static_cast<double>(other(i, j));
    }
    parts[task].error = weighted_energy(rows.view(), second);
  });
  Energies sum;
  for (const auto& part : parts) {
    sum.error += part.error;
    sum.total += part.total;
  }
  return sum;
}

Matrix<float> by_output(const RowSource& w, InputSide inputs) {
  Matrix<float> stored = read_all(w);
  return inputs == InputSide::cols ? std::move(stored) : detail::transposed(std::as_const(stored).view());
}

}  // namespace

Matrix<float> corrected_weights(const RowSource& w, const InputMoments& moments, InputSide inputs) {
  if (!has_correction(moments)) return by_output(w, inputs);
  const InputBasis basis(moments, {});
  const Matrix<float> by_input = basis.coordinates(w, inputs);
  Matrix<float> result = Matrix<float>::uninitialized(by_input.cols(), by_input.rows());
  for (Index j = 0; j < by_input.rows(); ++j) {
    detail::transpose_into(by_input.view().row_block(j, 1), result.view().col_block(basis.order()[j], 1));
  }
  return result;
}

double output_error(const RowSource& w, const RowSource& what, const InputMoments& moments, InputSide inputs) {
  const detail::ArgumentCheck check("output_error");
  const Index d = inputs == InputSide::cols ? w.cols() : w.rows();
  check.that(w.rows() == what.rows() && w.cols() == what.cols() && moments.inputs() == d, [&] {
    return "the matrices and the moments must have the same sizes, got " + detail::shape_text(w.rows(), w.cols()) +
           ", " + detail::shape_text(what.rows(), what.cols()) + " and " + detail::text_of(moments.inputs()) +
           " inputs";
  });
  const auto energies = [&] {
    const bool is_read_by_blocks = inputs == InputSide::cols && !has_correction(moments);
    if (is_read_by_blocks) return energies_of(w, what, moments.second.view());
    const Matrix<float> target = corrected_weights(w, moments, inputs), decoded = by_output(what, inputs);
    return energies_of(DenseRows(target.view()), DenseRows(decoded.view()), moments.second.view());
  }();
  return energies.error > 0 ? energies.error / energies.total : 0.0;
}

}  // namespace loewner
