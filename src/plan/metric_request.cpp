// SPDX-License-Identifier: Apache-2.0
#include "plan/metric_request.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "linalg/blas.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

double energy_of(const EncodeRequest& request) {
  const auto energies = row_energies(*request.matrix, request.row_weights);
  return std::accumulate(energies.begin(), energies.end(), 0.0);
}

}  // namespace

EncodeRequest in_metric(const EncodeRequest& given) {
  EncodeRequest request = given;
  request.matrix = rows_in_metric(given.matrix, *given.metric);
  const Index rows = given.matrix->rows(), cols = given.matrix->cols();
  const Index bytes = rows * cols * Index{sizeof(float)};
  if (is_planned_from_sample(given.method, rows, cols) || bytes > given.memory - solver_bytes(given.method, cols)) {
    return request;  // few passes, or no room
  }
  request.matrix = std::make_shared<OwnedRows>(read_all(*request.matrix));
  request.memory -= bytes;
  return request;
}

double factor_of_equal_errors(const EncodeRequest& given, const EncodeRequest& in_metric) {
  const double energy = energy_of(in_metric);
  return energy > 0 ? energy_of(given) / energy : 1.0;
}

EncodeRequest without_metric(const EncodeRequest& given, double factor) {
  EncodeRequest request = given;
  request.metric = nullptr;
  if (request.max_error) request.max_error = *request.max_error / std::sqrt(factor);
  return request;
}

Matrix<double> stored_right_factor(const EncodeRequest& request, MatrixView<const double> v) {
  Matrix<double> stored = Matrix<double>::uninitialized(v.rows(), v.cols());
  if (request.metric == nullptr) {
    for (Index i = 0; i < v.rows(); ++i) std::ranges::copy(v.row(i), stored.row(i).begin());
  } else {
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, v, request.metric->inverse_root(), 0.0, stored.view());
  }
  return stored;
}

std::shared_ptr<const RowSource> compared_rows(const EncodeRequest& request, const RowSource& encoded) {
  std::shared_ptr<const RowSource> rows(std::shared_ptr<const RowSource>(), &encoded);
  return request.metric == nullptr ? rows : rows_in_metric(std::move(rows), *request.metric);
}

}  // namespace loewner
