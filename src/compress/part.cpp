// SPDX-License-Identifier: Apache-2.0
#include "compress/part.hpp"

#include <chrono>

#include "detail/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encode.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/rewrite.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

// Set aside of a tensor's byte budget for header entries and specification.
constexpr Index kMetadataBytes = 2048;

// The files of a part in the stage.
constexpr const char *kArrays = "arrays.safetensors", *kSpecification = "specification.json";

Index float_bytes(const SelectedTensor& tensor) {
  return tensor.rows() * tensor.cols() * Index{sizeof(float)};
}

// None for what is no token embedding.
RowWeights row_weights_of(const Job& job, const SelectedTensor& tensor) {
  if (tensor.place.role != TensorRole::token_embedding) return {.values = {}, .description = "none"};
  return row_weights(parse_row_weights(job.options.row_weights), job.options.model, tensor.rows());
}

// The matrix as rows: in memory where it fits, else read from its file in every pass.
std::shared_ptr<const RowSource> open_matrix(const Job& job, const SelectedTensor& tensor, Method method,
                                             Index memory) {
  const Index needed = solver_bytes(method, tensor.cols());
  if (needed > memory) {
    throw BudgetError(tensor.name() + ": " + std::to_string(tensor.cols()) + " columns need about " +
                      std::to_string(needed >> 20) + " MiB of memory, max_memory leaves " +
                      std::to_string(memory >> 20) + " MiB");
  }
  const auto rows = job.checkpoint.rows_of(tensor.name());
  const std::string what =
      job.checkpoint.shard_of(*tensor.tensor).file->path().string() + ": tensor '" + tensor.name() + "'";
  try {
    if (float_bytes(tensor) <= memory - needed) return std::make_shared<OwnedRows>(read_all_finite(*rows, what));
    require_finite(*rows, what);
  } catch (const InvalidArgument& error) {
    throw IoError(error.what());  // here it is the file's fault, not the caller's
  }
  return rows;
}

EncodeRequest request_for(const Job& job, const SelectedTensor& tensor, Method method, const RowWeights& weights,
                          Index memory) {
  EncodeRequest request;
  request.matrix = open_matrix(job, tensor, method, memory);
  request.row_weights = weights.values;
  request.source_bytes = tensor.tensor->info->bytes();
  if (job.options.keep) {
    const Index before = stored_bytes(job.checkpoint, {tensor.name()});
    request.max_bytes = static_cast<Index>(*job.options.keep * static_cast<double>(before)) - kMetadataBytes;
  }
  request.max_error = job.options.max_error;
  request.method = method;
  request.norm_exponent = job.options.norm_exponent;
  request.factor_format = job.options.factor_format;
  return request;
}

// What config.json says of one tensor.
Json specification(const Job& job, const SelectedTensor& tensor, const RowWeights& weights, const Encoding& encoding) {
  const bool weighted = tensor.place.role == TensorRole::token_embedding;
  TensorReport claims;
  claims.norm_exponent = job.options.norm_exponent;
  claims.lp_error_svd = encoding.lp_error_svd;
  claims.certificate = encoding.certificate;
  Json spec = encoding.matrix->spec();
  spec["source_dtype"] = to_string(tensor.tensor->info->dtype);
  spec["role"] = to_string(tensor.place.role);
  spec["method"] = encoding.method;
  spec["row_weights"] = {{"option", weighted ? job.options.row_weights : "none"}, {"description", weights.description}};
  spec["predicted_error"] = encoding.predicted_error;
  if (!tensor.tied.empty()) spec["tied"] = tensor.tied;
  spec["claims"] = claims_to_json(claims);
  return spec;
}

}  // namespace

Part encode_part(const Job& job, std::size_t number, Index memory) {
  const auto start = std::chrono::steady_clock::now();
  const auto& tensor = job.selection.tensors[number];
  RowWeights weights = row_weights_of(job, tensor);
  const EncodeRequest request = request_for(job, tensor, job.methods[number], weights, memory);
  Encoding encoding;
  try {
    encoding = encode_matrix(request);
  } catch (const BudgetError& error) {
    throw BudgetError(tensor.name() + ": " + error.what());
  }
  Part part;
  part.spec = specification(job, tensor, weights, encoding);
  part.matrix = std::move(encoding.matrix);
  part.weights = std::move(weights);
  part.arrays = named_arrays(*part.matrix, tensor.name());
  part.held_bytes = dynamic_cast<const OwnedRows*>(request.matrix.get()) == nullptr ? 0 : float_bytes(tensor);
  part.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return part;
}

void save_part(const Part& part, const StagedFolder& staged, std::size_t number) {
  std::vector<TensorDeclaration> declarations;
  for (const auto& array : part.arrays) declarations.push_back(declaration_of(array));
  staged.make_part(std::to_string(number), [&](const fs::path& folder) {
    SafetensorsWriter writer(folder / kArrays, declarations);
    for (const auto& array : part.arrays) write_array(array, writer);
    writer.finish();
    detail::replace_file(folder / kSpecification, part.spec.dump());
  });
}

Part load_part(const Job& job, const StagedFolder& staged, std::size_t number) {
  const fs::path folder = staged.part(std::to_string(number)), specification = folder / kSpecification;
  const auto file = SafetensorsFile::open(folder / kArrays);
  Part part;
  part.spec = parse_json_object(detail::read_text_file(specification, Index{1} << 24), specification.string());
  for (const auto& tensor : file->tensors()) part.arrays.push_back(stored_in(file, tensor));
  part.weights = row_weights_of(job, job.selection.tensors[number]);
  return part;
}

}  // namespace loewner
