// SPDX-License-Identifier: Apache-2.0
#include "compress/part.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/file.hpp"
#include "codec/spec_field.hpp"
#include "compress/checksums.hpp"
#include "compress/error_place.hpp"
#include "compress/stored_claims.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/rewrite.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

// The files of a part in the stage.
constexpr const char *kArrays = "arrays.safetensors", *kPartRecord = "record.json";
constexpr const char *kSpecification = "specification", *kChecksum = "checksum";

// The specification of one tensor in config.json.
Json specification(const Job& job, const SelectedTensor& tensor, const RowWeights& weights, const Encoding& encoding) {
  TensorReport claims;
  claims.norm_exponent = job.options.norm_exponent;
  claims.lp_error_svd = encoding.lp_error_svd;
  claims.certificate = encoding.certificate;
  Json spec = encoding.matrix->spec();
  if (tensor.place.role == TensorRole::experts) spec["shape"] = tensor.tensor->info->shape;
  spec["source_dtype"] = to_string(decoded_dtype(tensor.tensor->info->dtype));
  spec["role"] = to_string(tensor.place.role);
  spec["method"] = to_string(encoding.method);
  spec["row_weights"] = {{"option", row_weights_option(job, tensor)}, {"description", weights.description}};
  for (const auto& [field, count] : encoding.counts) spec[field] = count;
  if (encoding.bits) spec["mean_bits"] = *encoding.bits;
  spec["predicted_error"] = encoding.predicted_error;
  if (!tensor.tied.empty()) spec["tied"] = tensor.tied;
  spec["claims"] = claims_to_json(claims);
  return spec;
}

// In the metric of the request's moments or of its table; none without either.
std::optional<double> error_of_outputs(const EncodeRequest& request, const Part& part) {
  if (request.moments == nullptr && request.metric == nullptr) return std::nullopt;
  const OwnedRows stored(decoded_part(part));
  if (request.metric != nullptr) return channel_error(*request.matrix, stored, *request.metric, request.row_weights);
  return std::sqrt(output_error(*request.matrix, stored, *request.moments, request.inputs));
}

// A reader would take another tensor for the array.
void require_free_names(const Job& job, const Part& part) {
  for (const auto& array : part.arrays) {
    if (array.name == part.tensor->name() || job.checkpoint.find(array.name) == nullptr) continue;
    throw NoEncoding("the model has a tensor '" + array.name + "', the name of a new array");
  }
}

// The matrix that the arrays give.
std::unique_ptr<EncodedMatrix> stored_matrix(const Part& part) {
  const std::string prefix = array_prefix(part.tensor->name(), part.spec);
  return encoded_matrix_from_tensors(part.spec, [&](std::string_view name) {
    const auto array = std::ranges::find(part.arrays, prefix + std::string(name), &StoredArray::name);
    if (array == part.arrays.end()) throw IoError(part.tensor->name() + ": has no array '" + std::string(name) + "'");
    return *array;
  });
}

std::vector<StoredArray> arrays_of(const std::shared_ptr<const SafetensorsFile>& file) {
  std::vector<StoredArray> arrays;
  for (const auto& tensor : file->tensors()) arrays.push_back(stored_in(file, tensor));
  return arrays;
}

}  // namespace

Matrix<float> decoded_part(const Part& part) {
  return stored_matrix(part)->decode();
}

void measure_errors(const Job& job, const SelectedTensor& tensor, const EncodedMatrix& stored,
                    const RowWeights& weights, Json& spec) {
  TensorReport report = report_from_specification(tensor.name(), spec);
  report.errors = measured_errors(*job.checkpoint.rows_of(tensor.name()), stored, weights, job.options.norm_exponent);
  require(std::isfinite(report.errors.relative_error), [&] {
    return tensor.name() + ": the factors do not fit in " + std::string(to_string(job.options.factor_format)) +
           "; choose bf16 or f32 factors";
  });
  spec["claims"] = claims_to_json(report);
}

Part encode_part(const Job& job, const SelectedTensor& tensor, const TensorBudget& budget, Index memory,
                 const InputMoments* moments) {
  const auto start = std::chrono::steady_clock::now();
  const TensorRequest request(job, tensor, budget, memory, moments);
  Encoding encoding;
  try {
    encoding = encode_matrix(request.request());
  } catch (const BudgetError& error) {
    throw NoEncoding(error.what());
  }
  Part part;
  part.tensor = &tensor;
  part.spec = specification(job, tensor, request.weights(), encoding);
  part.matrix = std::move(encoding.matrix);
  part.arrays = named_arrays(*part.matrix, array_prefix(tensor.name(), part.spec));
  require_free_names(job, part);
  if (const auto error = error_of_outputs(request.request(), part)) part.spec["claims"]["output_error"] = *error;
  part.held_bytes = request.held_bytes();
  part.weights = request.weights();
  part.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return part;
}

void save_part(const Job& job, const Part& part, const StagedFolder& staged, std::size_t number) {
  std::vector<TensorDeclaration> declarations;
  for (const auto& array : part.arrays) declarations.push_back(declaration_of(array));
  staged.make_part(std::to_string(number), [&](const fs::path& folder) {
    SafetensorsWriter writer(folder / kArrays, declarations);
    for (const auto& array : part.arrays) write_array(array, writer);
    writer.finish_without_sync();
    const auto file = SafetensorsFile::open(folder / kArrays);
    Part stored;
    stored.tensor = part.tensor;
    stored.spec = part.spec;
    stored.arrays = arrays_of(file);
    measure_errors(job, *part.tensor, *stored_matrix(stored), part.weights, stored.spec);
    writer.finish();  // the disk has been writing meanwhile
    const Json record = {{kSpecification, stored.spec}, {kChecksum, detail::hash_of_arrays(*file)}};
    detail::replace_file(folder / kPartRecord, record.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

Part load_part(const Job& job, const StagedFolder& staged, std::size_t number) {
  const fs::path folder = staged.part(std::to_string(number)), path = folder / kPartRecord;
  const Json record = parse_json_object(detail::read_text_file(path, Index{1} << 24), path.string());
  Part part;
  part.tensor = &job.selection.tensors[number];
  part.arrays = arrays_of(SafetensorsFile::open(folder / kArrays));
  detail::at_place(path.string(), [&] {
    part.spec = detail::spec_field<Json>(record, kSpecification);
    part.checksum = detail::spec_field<std::string>(record, kChecksum);
  });
  return part;
}

}  // namespace loewner
