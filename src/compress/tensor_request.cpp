// SPDX-License-Identifier: Apache-2.0
#include "compress/tensor_request.hpp"

#include <algorithm>

#include "base/argument_check.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/output_error.hpp"

namespace loewner {
namespace {

Index float_bytes(const SelectedTensor& tensor) {
  return tensor.rows() * tensor.cols() * Index{sizeof(float)};
}

void require_memory(const SelectedTensor& tensor, Index needed, Index memory) {
  if (needed <= memory) return;
  throw BudgetError(tensor.name() + ": " + std::to_string(tensor.cols()) + " columns need about " +
                    std::to_string(needed >> 20) + " MiB of memory, max_memory leaves " + std::to_string(memory >> 20) +
                    " MiB");
}

// Rows of a file that are checked for non-finite entries as they are read. A separate pass would
// read the file once more.
class CheckedRows final : public RowSource {
 public:
  CheckedRows(std::shared_ptr<const RowSource> rows, std::string what)
      : rows_(std::move(rows)), what_(std::move(what)) {}

  Index rows() const override { return rows_->rows(); }
  Index cols() const override { return rows_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    const auto rows = rows_->read_rows(first, count, buffer);
    try {
      require_finite_rows(rows, first, what_);
    } catch (const InvalidArgument& error) {
      throw IoError(error.what());  // the file is wrong, not the caller
    }
    return rows;
  }

 private:
  std::shared_ptr<const RowSource> rows_;
  std::string what_;
};

std::shared_ptr<const RowSource> open_matrix(const Job& job, const SelectedTensor& tensor, bool in_memory) {
  auto rows = std::make_shared<CheckedRows>(
      job.checkpoint.rows_of(tensor.name()),
      job.checkpoint.shard_of(*tensor.tensor).file->path().string() + ": tensor '" + tensor.name() + "'");
  if (in_memory) return std::make_shared<OwnedRows>(read_all(*rows));
  return rows;
}

Index inputs_of(const SelectedTensor& tensor) {
  return tensor.inputs() == InputSide::rows ? tensor.rows() : tensor.cols();
}

void require_moments_of(const SelectedTensor& tensor, const InputMoments& moments) {
  require(tensor.inputs() || is_table(tensor.place.role),
          [&] { return tensor.name() + ": moments are for linear layers and tables"; });
  require(tensor.inputs() || moments.cross.rows() == 0,
          [&] { return tensor.name() + ": the moments of a table have no correction"; });
  const Index inputs = inputs_of(tensor);
  const auto is_square = [&](const Matrix<double>& a) { return a.rows() == inputs && a.cols() == inputs; };
  require(is_square(moments.second) && (moments.cross.rows() == 0 || is_square(moments.cross)), [&] {
    return tensor.name() + ": moments must be " + detail::shape_text(inputs, inputs) + ", got " +
           detail::shape_text(moments.second.rows(), moments.second.cols());
  });
}

// What the methods that weigh outputs encode, stored as the matrix itself. The error is measured against it, too.
std::shared_ptr<const RowSource> corrected(const RowSource& matrix, const InputMoments& moments, InputSide inputs) {
  Matrix<float> weights = corrected_weights(matrix, moments, inputs);
  if (inputs == InputSide::rows) weights = detail::transposed(std::as_const(weights).view());
  return std::make_shared<OwnedRows>(std::move(weights));
}

}  // namespace

Index encoding_memory(const Job& job, const SelectedTensor& tensor) {
  const Index limit = memory_limit(job.options);
  Index solver = solver_bytes(job.options.method, tensor.cols());
  for (const Method method : all_methods()) {
    const Index needed = solver_bytes(method, tensor.cols());
    if (job.options.method == Method::automatic && needed <= limit) solver = std::max(solver, needed);
  }
  Index moments = 0;
  if (has_moments(job, tensor)) {
    constexpr Index kMatrices = 2;  // second and cross moments
    const Index inputs = inputs_of(tensor);
    moments = kMatrices * inputs * inputs * Index{sizeof(double)} + moments_solver_bytes(inputs);
  }
  return std::min(limit, 2 * float_bytes(tensor) + solver + moments);
}

std::shared_ptr<const ChannelMetric> metric_of(const SelectedTensor& tensor, const InputMoments* moments) {
  if (moments == nullptr || tensor.inputs() || is_uniform(moments->second.view())) return nullptr;
  try {
    return std::make_shared<ChannelMetric>(moments->second.view());
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(tensor.name() + ": " + error.what());
  }
}

std::string row_weights_option(const Job& job, const SelectedTensor& tensor) {
  if (tensor.place.role != TensorRole::token_embedding) return "none";
  if (job.options.row_weights != "zipf") return job.options.row_weights;
  const Json exponent = info_of(job.options.method).zipf_exponent;
  return (job.token_counts.empty() ? "zipf:" : "text:") + exponent.dump();
}

RowWeights row_weights_of(const Job& job, const SelectedTensor& tensor) {
  const RowWeightOptions options = parse_row_weights(row_weights_option(job, tensor));
  if (options.kind != RowWeightKind::text) return row_weights(options, job.checkpoint, tensor.rows());
  return text_row_weights(job.token_counts, options.exponent, job.checkpoint, tensor.rows());
}

TensorRequest::TensorRequest(const Job& job, const SelectedTensor& tensor, const TensorBudget& budget, Index memory,
                             const InputMoments* moments)
    : weights_(row_weights_of(job, tensor)) {
  if (moments != nullptr) {
    require_moments_of(tensor, *moments);
    memory -= (moments->second.rows() + moments->cross.rows()) * moments->inputs() * Index{sizeof(double)};
  }
  const Index needed = solver_bytes(job.options.method, tensor.cols()) +
                       (moments != nullptr ? moments_solver_bytes(moments->inputs()) : 0);
  require_memory(tensor, needed, memory);
  // Planning from a sample leaves few passes over the rows, so they are not kept in memory.
  const bool in_memory = float_bytes(tensor) <= memory - needed &&
                         !is_planned_from_sample(job.options.method, tensor.rows(), tensor.cols());
  const auto metric = metric_of(tensor, moments);
  held_bytes_ = in_memory ? float_bytes(tensor) : 0;
  request_ = {.matrix = open_matrix(job, tensor, in_memory),
              .row_weights = weights_.values,
              .source_bytes = tensor.tensor->info->bytes(),
              .max_bytes = budget.max_bytes,
              .max_error = budget.max_error,
              .planned_error = budget.predicted_error,
              .method = job.options.method,
              .method_options = job.options.method_options,
              .norm_exponent = job.options.norm_exponent,
              .factor_format = job.options.factor_format,
              .seed = job.options.seed,
              .moments = tensor.inputs() ? moments : nullptr,
              .inputs = tensor.inputs().value_or(InputSide::cols),
              .metric = metric,
              .memory = memory - held_bytes_};
  if (metric != nullptr) held_bytes_ *= 2;  // the rows in the metric, which the encoding keeps
  if (request_.moments != nullptr && has_correction(*moments) && info_of(job.options.method).weighs_outputs) {
    request_.matrix = corrected(*request_.matrix, *moments, request_.inputs);
    moments_ = {.second = moments->second.clone(), .tokens = moments->tokens};
    request_.moments = &moments_;
    held_bytes_ = float_bytes(tensor);
  }
}

}  // namespace loewner
