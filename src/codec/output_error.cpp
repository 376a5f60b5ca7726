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

namespace loewner {
namespace {

constexpr Index kRowsOfErrorTask = 64;

// sum_i a_i H a_i^T over the rows
double weighted_energy(MatrixView<const double> rows, MatrixView<const double> second) {
  Matrix<double> product = Matrix<double>::uninitialized(rows.rows(), second.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, rows, second, 0.0, product.view());
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) sum += detail::dot(rows.row(i), std::as_const(product).row(i));
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

}  // namespace

double output_error(const RowSource& w, const RowSource& what, const InputMoments& moments, InputSide inputs) {
  const detail::ArgumentCheck check("output_error");
  const Index d = inputs == InputSide::cols ? w.cols() : w.rows();
  check.that(w.rows() == what.rows() && w.cols() == what.cols() && moments.inputs() == d, [&] {
    return "the matrices and the moments must have the same sizes, got " + detail::shape_text(w.rows(), w.cols()) +
           ", " + detail::shape_text(what.rows(), what.cols()) + " and " + detail::text_of(moments.inputs()) +
           " inputs";
  });
  const auto energies = [&] {
    if (inputs == InputSide::cols) return energies_of(w, what, moments.second.view());
    const Matrix<float> stored = read_all(w), other = read_all(what);
    const Matrix<float> by_output = detail::transposed(stored.view()),
                        other_by_output = detail::transposed(other.view());
    return energies_of(DenseRows(by_output.view()), DenseRows(other_by_output.view()), moments.second.view());
  }();
  return energies.error > 0 ? energies.error / energies.total : 0.0;
}

}  // namespace loewner
