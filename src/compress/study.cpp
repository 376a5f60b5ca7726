// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/study.hpp"

#include <algorithm>
#include <utility>

#include "compress/assembly.hpp"
#include "compress/job.hpp"
#include "compress/stored_claims.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/rank_curves.hpp"

namespace loewner {
namespace {

EncodedTensor encoded_tensor(const Checkpoint& output, const std::string& name) {
  auto tensors = read_encoded_tensors(output);
  const auto found = std::ranges::find(tensors, name, &EncodedTensor::name);
  if (found == tensors.end()) throw IoError(output.folder().string() + ": tensor '" + name + "' is not encoded");
  return std::move(*found);
}

void require_same_shape(const RowSource& original, const EncodedTensor& tensor) {
  if (original.rows() == tensor.matrix->rows() && original.cols() == tensor.matrix->cols()) return;
  throw IoError("tensor '" + tensor.name + "': the original is " + std::to_string(original.rows()) + " x " +
                std::to_string(original.cols()) + ", the encoding " + std::to_string(tensor.matrix->rows()) + " x " +
                std::to_string(tensor.matrix->cols()));
}

void add_row_errors(const RowSource& original, const RowSource& encoded, TensorStudy& study) {
  study.squared_norm.resize(static_cast<std::size_t>(original.rows()));
  study.squared_error.resize(study.squared_norm.size());
  for_each_row_block(original, [&](Index, Index first, MatrixView<const float> rows) {
    Matrix<float> buffer;
    const auto decoded = encoded.read_rows(first, rows.rows(), buffer);
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index j = 0; j < rows.cols(); ++j) {
        const double a = rows(i, j), difference = a - decoded(i, j);
        study.squared_norm[first + i] += a * a;
        study.squared_error[first + i] += difference * difference;
      }
    }
  });
}

// Token frequencies: the row weights of the claims, or those of the tokenizer if the claims have
// none.
std::vector<double> token_frequency(const TensorReport& report, const RowWeights& weights, const Checkpoint& model) {
  if (report.role != to_string(TensorRole::token_embedding)) return {};
  if (!weights.values.empty()) return weights.values;
  return row_weights(RowWeightOptions{}, model, report.rows).values;
}

// The candidates of all methods. Method auto does not try all of them (plan/encode.cpp), so the
// method of the claims is added if it is missing.
std::vector<Candidate> offers_for(const TensorReport& report, const Checkpoint& model, const RowWeights& weights) {
  EncodeRequest request;
  request.matrix = model.rows_of(report.name);
  request.row_weights = weights.values;
  request.source_bytes = model.at(report.name).info->bytes();
  request.norm_exponent = report.norm_exponent;
  request.memory = memory_limit(CompressOptions{});
  auto offers = candidates(request);
  const auto method = method_from_string(report.method);
  if (method && std::ranges::find(offers, *method, &Candidate::method) == offers.end()) {
    request.method = *method;
    std::ranges::move(candidates(request), std::back_inserter(offers));
  }
  return offers;
}

}  // namespace

CompressReport claimed_report(const Checkpoint& output, const Checkpoint* model) {
  CompressReport report;
  for (const auto& tensor : read_encoded_tensors(output)) {
    report.tensors.push_back(claimed_report(tensor, output, model));
  }
  report.calibration = output.config().at("quantization_config").value("calibration", Json());
  report.weights_after = output.weight_bytes();
  report.folder_after = folder_bytes(output.folder());
  if (model != nullptr) {
    report.weights_before = model->weight_bytes();
    report.folder_before = folder_bytes(model->folder());
  }
  return report;
}

TensorStudy study_tensor(const Checkpoint& output, const Checkpoint& model, const std::string& name,
                         const std::filesystem::path& counts) {
  blas::reserve_memory();
  const EncodedTensor tensor = encoded_tensor(output, name);
  const auto original = model.rows_of(name);
  require_same_shape(*original, tensor);
  const TensorReport report = report_from_specification(name, tensor.spec);
  RankCurve curve = rank_curve(model, name, 0);
  TensorStudy study;
  for (const auto& array : tensor.array_names) study.array_bytes += output.at(array).info->bytes();
  add_row_errors(*original, *tensor.matrix, study);
  study.rank_error = std::move(curve.error);
  study.rank_error_exact = curve.exact;
  const RowWeights weights = stored_row_weights(tensor, model, counts, study.notes);
  study.offers = offers_for(report, model, weights);
  study.frequency = token_frequency(report, weights, model);
  study.row_weights = weights.values;
  return study;
}

}  // namespace loewner
