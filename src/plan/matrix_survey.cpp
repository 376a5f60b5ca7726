// SPDX-License-Identifier: Apache-2.0
#include "plan/matrix_survey.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "loewner/linalg/row_energies.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "loewner/model/json.hpp"
#include "loewner/sketch/sampled_singular_values.hpp"
#include "plan/metric_request.hpp"

namespace loewner {
namespace {

constexpr Index kMostExactSide = 1024;
constexpr Index kRowsForSpectrum = 512;
constexpr Index kRowsToRound = 256;  // the error of rounding is similar for all rows

bool is_sampled(const EncodeRequest& request) {
  return is_planned_from_sample(request.method, request.matrix->rows(), request.matrix->cols());
}

}  // namespace

bool is_planned_from_sample(Method method, Index rows, Index cols) {
  return method == Method::automatic && std::min(rows, cols) > kMostExactSide;
}

// A request with a metric as its methods see it.
struct MatrixSurvey::InMetric {
  explicit InMetric(const EncodeRequest& given)
      : request(loewner::in_metric(given)),
        factor(loewner::factor_of_equal_errors(given, request)),
        plain(without_metric(given, factor)) {}

  EncodeRequest request;
  double factor;
  EncodeRequest plain;
  MatrixSurvey survey{request}, survey_of_plain{plain};
};

MatrixSurvey::InMetric& MatrixSurvey::in_metric() {
  if (!in_metric_) in_metric_ = std::make_shared<InMetric>(request_);
  return *in_metric_;
}

MatrixSurvey& MatrixSurvey::for_method(const MethodInfo& method) {
  if (request_.metric == nullptr) return *this;
  return method.weighs_channels ? in_metric().survey : in_metric().survey_of_plain;
}

double MatrixSurvey::factor_of_equal_errors() {
  return in_metric().factor;
}

const std::vector<double>& MatrixSurvey::energies() {
  if (!energies_) energies_ = row_energies(*request_.matrix, request_.row_weights);
  return *energies_;
}

EnergySample MatrixSurvey::sample(Index rows) {
  return sample_rows_by_energy(*request_.matrix, request_.row_weights, energies(), rows, request_.seed);
}

const std::vector<double>& MatrixSurvey::singular_values() {
  if (singular_values_) return *singular_values_;
  if (is_sampled(request_)) {
    const double energy = std::accumulate(energies().begin(), energies().end(), 0.0);
    singular_values_ = sampled_singular_values(sample(kRowsForSpectrum), energy,
                                               std::min(request_.matrix->rows(), request_.matrix->cols()));
  } else {
    singular_values_ = loewner::singular_values(*request_.matrix, request_.row_weights);
  }
  return *singular_values_;
}

const InputBasis& MatrixSurvey::input_basis() {
  if (!input_basis_) {
    input_basis_.emplace(*request_.moments, InputBasisOptions{.rotation_seed = input_rotation_seed(request_.seed)});
  }
  return *input_basis_;
}

EncodeRequest MatrixSurvey::rows_to_round() {
  EncodeRequest request = request_;
  if (!is_sampled(request_)) return request;
  if (!rows_to_round_) rows_to_round_ = sample(kRowsToRound);
  if (rows_to_round_->rows.rows() == 0) return request;  // all rows are zero
  request.matrix = std::make_shared<DenseRows>(std::as_const(rows_to_round_->rows).view());
  request.row_weights = rows_to_round_->weights;
  return request;
}

}  // namespace loewner
