// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "detail/file.hpp"
#include "detail/hash.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/compress/encode.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/model_card.hpp"
#include "loewner/compress/rewrite.hpp"
#include "loewner/compress/selection.hpp"
#include "loewner/compress/staged_folder.hpp"
#include "loewner/model/row_weights.hpp"
#include "loewner/robust/lp_error.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

// Set aside of a tensor's byte budget for header entries and specification.
constexpr Index kMetadataBytes = 2048;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void require_usable(const CompressOptions& options) {
  require(options.keep.has_value() != options.max_error.has_value(),
          [] { return std::string("exactly one of keep and max_error is needed"); });
  const auto require_fraction = [](const std::optional<double>& value, const std::string& name) {
    require(!value || (*value > 0 && *value < 1),
            [&] { return name + " must be above 0 and below 1, got " + std::to_string(*value); });
  };
  require_fraction(options.keep, "keep");
  require_fraction(options.max_error, "max_error");
  require(options.norm_exponent >= 1 && std::isfinite(options.norm_exponent),
          [&] { return "norm_exponent must be finite and at least 1, got " + std::to_string(options.norm_exponent); });
  require(options.max_memory >= 0,
          [&] { return "max_memory must not be negative, got " + std::to_string(options.max_memory); });
  require(options.dry_run || !options.output.empty(), [] { return std::string("an output folder is needed"); });
  if (!options.dry_run) require_apart(options.model, options.output);
}

Index memory_limit(const CompressOptions& options) {
  if (options.max_memory > 0) return options.max_memory;
  return static_cast<Index>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE) / 2;
}

// Gram matrix, eigenproblem and its workspace, bases; the Lewis weights' matrices besides. The counts of d x d float64
// matrices and the share of row blocks and program were measured at d = 2048 (bench/experiments/large_checkpoint.py).
Index solver_bytes(Method method, Index cols) {
  const Index matrices = method == Method::svd ? 10 : 17;
  return matrices * cols * cols * Index{sizeof(double)} + (Index{1} << 27);
}

// automatic leaves lp out where memory has room for the SVD only.
Method affordable_method(const CompressOptions& options, Index cols) {
  const bool svd_only =
      options.method == Method::automatic && solver_bytes(Method::automatic, cols) > memory_limit(options);
  return svd_only ? Method::svd : options.method;
}

struct Job {
  const CompressOptions& options;
  Checkpoint checkpoint;
  Architecture architecture;
  SelectionResult selection;
  std::vector<Method> methods;  // of the selected tensors
  std::string fingerprint;

  explicit Job(const CompressOptions& compress_options);
};

std::string options_text(const CompressOptions& options, const SelectionResult& selection,
                         const std::vector<Method>& methods) {
  Json text = {{"keep", options.keep.value_or(0)},
               {"max_error", options.max_error.value_or(0)},
               {"norm_exponent", options.norm_exponent},
               {"row_weights", options.row_weights},
               {"factor_format", to_string(options.factor_format)},
               {"seed", options.seed},
               {"version", LOEWNER_VERSION}};
  for (std::size_t i = 0; i < methods.size(); ++i) {
    text["tensors"].push_back({selection.tensors[i].name(), static_cast<int>(methods[i])});
  }
  return text.dump();
}

Job::Job(const CompressOptions& compress_options)
    : options(compress_options), checkpoint(Checkpoint::open(compress_options.model)) {
  const std::string quantised = checkpoint.quantization_method();
  if (!quantised.empty()) {
    throw IoError(options.model.string() + ": is quantised already (quant_method '" + quantised +
                  "'); start from the original");
  }
  std::vector<TensorDeclaration> declarations;
  for (const auto& tensor : checkpoint.tensors()) declarations.push_back(*tensor.info);
  architecture = analyse_architecture(checkpoint.config(), declarations);
  selection = select_tensors(checkpoint, architecture, options);
  if (!checkpoint.unread_weights().empty()) {
    selection.notes.push_back(std::to_string(checkpoint.unread_weights().size()) +
                              " weight files of other formats are not copied: they hold the original model");
  }
  for (const auto& tensor : selection.tensors) {
    methods.push_back(affordable_method(options, tensor.cols()));
    if (methods.back() != options.method) {
      selection.notes.push_back(tensor.name() + ": svd only, lp needs about " +
                                std::to_string(solver_bytes(Method::lp, tensor.cols()) >> 20) + " MiB of memory");
    }
  }
  detail::Hash64 hash;
  hash.add(checkpoint.fingerprint());
  hash.add(options_text(options, selection, methods));
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash.value()));
  fingerprint = hex.data();
}

RowWeights row_weights_of(const Job& job, const SelectedTensor& tensor) {
  if (tensor.place.role != TensorRole::token_embedding) return {.values = {}, .description = "none"};
  return row_weights(parse_row_weights(job.options.row_weights), job.options.model, tensor.rows());
}

// The matrix as rows: in memory where it fits, else read from its file in every pass.
class MatrixInMemory final : public RowSource {
 public:
  explicit MatrixInMemory(Matrix<float> a) : a_(std::move(a)) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    return a_.view().row_block(first, count);
  }

 private:
  Matrix<float> a_;
};

std::shared_ptr<const RowSource> open_matrix(const Job& job, const SelectedTensor& tensor, Method method) {
  const Index limit = memory_limit(job.options), needed = solver_bytes(method, tensor.cols());
  if (needed > limit) {
    throw BudgetError(tensor.name() + ": " + std::to_string(tensor.cols()) + " columns need about " +
                      std::to_string(needed >> 20) + " MiB of memory, max_memory is " + std::to_string(limit >> 20) +
                      " MiB");
  }
  auto rows = job.checkpoint.rows_of(tensor.name());
  try {
    require_finite(*rows,
                   job.checkpoint.shard_of(*tensor.tensor).file->path().string() + ": tensor '" + tensor.name() + "'");
  } catch (const InvalidArgument& error) {
    throw IoError(error.what());  // here it is the file's fault, not the caller's
  }
  const Index bytes = tensor.rows() * tensor.cols() * Index{sizeof(float)};
  if (bytes > limit - needed) return rows;
  return std::make_shared<MatrixInMemory>(read_all(*rows));
}

EncodeRequest request_for(const Job& job, const SelectedTensor& tensor, Method method, const RowWeights& weights) {
  EncodeRequest request;
  request.matrix = open_matrix(job, tensor, method);
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

TensorReport describe(const Job& job, const SelectedTensor& tensor, const RowWeights& weights,
                      const Encoding& encoding) {
  TensorReport report;
  report.name = tensor.name();
  report.role = to_string(tensor.place.role);
  report.rows = tensor.rows();
  report.cols = tensor.cols();
  report.method = encoding.method;
  report.structure = encoding.matrix->structure();
  report.rank = encoding.rank;
  report.norm_exponent = job.options.norm_exponent;
  report.row_weights = weights.description;
  report.bytes_before = stored_bytes(job.checkpoint, {tensor.name()});
  report.bytes_after = encoding.matrix->bytes();
  report.predicted_error = encoding.predicted_error;
  report.lp_error_svd = encoding.lp_error_svd;
  report.certificate = encoding.certificate;
  return report;
}

// What config.json says of one tensor.
Json specification(const Job& job, const SelectedTensor& tensor, const TensorReport& report, Json spec) {
  spec["source_dtype"] = to_string(tensor.tensor->info->dtype);
  spec["role"] = report.role;
  spec["method"] = report.method;
  const bool weighted = tensor.place.role == TensorRole::token_embedding;
  spec["row_weights"] = {{"option", weighted ? job.options.row_weights : "none"}, {"description", report.row_weights}};
  spec["predicted_error"] = report.predicted_error;
  if (!tensor.tied.empty()) spec["tied"] = tensor.tied;
  spec["claims"] = claims_to_json(report);
  return spec;
}

void write_arrays(const EncodedMatrix& matrix, const std::string& tensor_name, const fs::path& path) {
  const auto arrays = named_arrays(matrix, tensor_name);
  std::vector<TensorDeclaration> declarations;
  for (const auto& array : arrays) declarations.push_back(declaration_of(array));
  SafetensorsWriter writer(path, declarations);
  for (const auto& array : arrays) write_array(array, writer);
  writer.finish();
}

// The arrays of a finished part, as they will stand in the output.
std::vector<StoredArray> read_arrays(const fs::path& path) {
  const auto file = SafetensorsFile::open(path);
  std::vector<StoredArray> arrays;
  for (const auto& tensor : file->tensors()) arrays.push_back(stored_in(file, tensor));
  return arrays;
}

TensorErrors measure(const EncodeRequest& request, const EncodedMatrix& stored, const std::string& name) {
  const auto errors = approximation_errors(*request.matrix, stored, request.row_weights, request.norm_exponent);
  require(std::isfinite(errors.relative_error()), [&] {
    return name + ": the factors do not fit in " + std::string(to_string(request.factor_format)) +
           "; choose bf16 or f32 factors";
  });
  return {.relative_error = errors.relative_error(),
          .weighted_relative_error = errors.weighted_relative_error(),
          .lp_error = errors.relative_lp_error()};
}

// A part: the arrays of one tensor and what config.json says of it.
constexpr const char *kArrays = "arrays.safetensors", *kSpecification = "specification.json";

// Errors are those of the numbers on the disk: they are read back before they are measured.
TensorErrors store_and_measure(const fs::path& path, const EncodeRequest& request, const Encoding& encoding,
                               const std::string& name) {
  write_arrays(*encoding.matrix, name, path);
  const auto arrays = read_arrays(path);
  const auto stored = encoded_matrix_from_tensors(encoding.matrix->spec(), [&](std::string_view wanted) {
    return *std::ranges::find(arrays, array_prefix(name) + std::string(wanted), &StoredArray::name);
  });
  return measure(request, *stored, name);
}

// Encodes one tensor and makes it durable, unless it is only planned.
TensorReport make_part(const Job& job, const StagedFolder* staged, std::size_t number) {
  const auto start = Clock::now();
  const auto& tensor = job.selection.tensors[number];
  const RowWeights weights = row_weights_of(job, tensor);
  const EncodeRequest request = request_for(job, tensor, job.methods[number], weights);
  Encoding encoding;
  try {
    encoding = encode_matrix(request);
  } catch (const BudgetError& error) {
    throw BudgetError(tensor.name() + ": " + error.what());
  }
  TensorReport report = describe(job, tensor, weights, encoding);
  if (staged != nullptr) {
    staged->make_part(std::to_string(number), [&](const fs::path& part) {
      report.errors = store_and_measure(part / kArrays, request, encoding, tensor.name());
      const Json spec = specification(job, tensor, report, encoding.matrix->spec());
      detail::replace_file(part / kSpecification, spec.dump());
    });
  }
  report.seconds = seconds_since(start);
  return report;
}

Json quantization_config(const Job& job, const StagedFolder& staged) {
  Json config = {{"quant_method", kQuantizationMethod},
                 {"format_version", std::to_string(kFormatMajor) + "." + std::to_string(kFormatMinor)},
                 {"producer", std::string("loewner ") + LOEWNER_VERSION},
                 {"source", job.fingerprint},
                 {"tensors", Json::object()}};
  for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
    const fs::path path = staged.part(std::to_string(i)) / kSpecification;
    config["tensors"][job.selection.tensors[i].name()] =
        parse_json_object(detail::read_text_file(path, Index{1} << 24), path.string());
  }
  return config;
}

// transformers takes the model's type from config.json or else from the first array of the file, which may now be a
// factor in f16.
void state_dtype(Json& config, const Job& job) {
  if (config.contains("dtype") || config.contains("torch_dtype")) return;
  static const std::map<DType, std::string> kNames = {
      {DType::f64, "float64"}, {DType::f32, "float32"}, {DType::f16, "float16"}, {DType::bf16, "bfloat16"}};
  config["torch_dtype"] = kNames.at(job.selection.tensors.front().tensor->info->dtype);
}

Replacements replacements_of(const Job& job, const StagedFolder& staged) {
  Replacements replacements;
  for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
    const auto& tensor = job.selection.tensors[i];
    replacements[tensor.name()] = read_arrays(staged.part(std::to_string(i)) / kArrays);
    for (const auto& copy : tensor.tied) replacements[copy] = {};
  }
  return replacements;
}

Index folder_bytes(const fs::path& folder) {
  Index sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) sum += static_cast<Index>(entry.file_size());
  }
  return sum;
}

// The report's rows as the finished output tells them, so that a resumed run reports the same as an undisturbed one.
void read_results(const Job& job, const fs::path& folder, CompressReport& report) {
  const Checkpoint output = Checkpoint::open(folder);
  const auto made_now = std::exchange(report.tensors, {});
  for (const auto& tensor : read_encoded_tensors(output)) {
    TensorReport row = report_from_specification(tensor.name, tensor.spec);
    const auto made = std::ranges::find(made_now, tensor.name, &TensorReport::name);
    if (made != made_now.end()) row.seconds = made->seconds;
    row.bytes_before = stored_bytes(job.checkpoint, {tensor.name});
    row.bytes_after = stored_bytes(output, tensor.array_names) + static_cast<Index>(tensor.spec.dump().size());
    report.tensors.push_back(std::move(row));
  }
  report.weights_before = job.checkpoint.weight_bytes();
  report.weights_after = output.weight_bytes();
  report.folder_before = folder_bytes(job.checkpoint.folder());
}

void assemble(const Job& job, const StagedFolder& staged, CompressReport& report, const ProgressCallback& progress) {
  rewrite_weights(job.checkpoint, replacements_of(job, staged), staged.folder(), progress);
  copy_other_files(job.checkpoint, {{"README.md", "README.base.md"}}, staged.folder());
  Json config = job.checkpoint.config();
  state_dtype(config, job);
  config["quantization_config"] = quantization_config(job, staged);
  detail::replace_file(staged.folder() / "config.json", config.dump(2) + "\n");
  read_results(job, staged.folder(), report);
  detail::replace_file(staged.folder() / "README.md", model_card(job.options, report));
  report.folder_after = folder_bytes(staged.folder());
}

bool is_complete(const Job& job) {
  if (job.options.if_exists != IfExists::resume || !fs::exists(job.options.output / "config.json")) return false;
  const Checkpoint output = Checkpoint::open(job.options.output);
  return output.quantization_method() == kQuantizationMethod &&
         output.config().at("quantization_config").value("source", "") == job.fingerprint;
}

// Encoding takes the first 80 % of the bar, by the tensors' bytes; writing the rest.
class ProgressOfJob {
 public:
  ProgressOfJob(const Job& job, const ProgressCallback& callback) : callback_(callback) {
    for (const auto& tensor : job.selection.tensors) total_ += static_cast<double>(tensor.tensor->info->bytes());
  }
  void encoding(const SelectedTensor& tensor) {
    if (callback_) callback_(tensor.name(), kEncoding * done_ / total_);
    done_ += static_cast<double>(tensor.tensor->info->bytes());
  }
  ProgressCallback writing() const {
    if (!callback_) return {};
    return [this](std::string_view what, double fraction) { callback_(what, kEncoding + (1 - kEncoding) * fraction); };
  }
  void finished() const {
    if (callback_) callback_("done", 1);
  }

 private:
  static constexpr double kEncoding = 0.8;
  const ProgressCallback& callback_;
  double total_ = 0, done_ = 0;
};

CompressReport plan_only(const Job& job, ProgressOfJob& progress) {
  CompressReport report;
  for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
    progress.encoding(job.selection.tensors[i]);
    report.tensors.push_back(make_part(job, nullptr, i));
  }
  report.weights_before = job.checkpoint.weight_bytes();
  report.weights_after = report.weights_before;
  for (const auto& tensor : report.tensors) report.weights_after += tensor.bytes_after - tensor.bytes_before;
  report.folder_before = folder_bytes(job.checkpoint.folder());
  report.folder_after = report.folder_before + report.weights_after - report.weights_before;
  return report;
}

void make_parts(const Job& job, const StagedFolder& staged, CompressReport& report, ProgressOfJob& progress) {
  for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
    throw_if_cancelled();
    progress.encoding(job.selection.tensors[i]);
    if (!staged.has_part(std::to_string(i))) {
      report.tensors.push_back(make_part(job, &staged, i));
    } else {
      report.notes.push_back(job.selection.tensors[i].name() + " was finished by an earlier run");
    }
  }
}

CompressReport make_output(const Job& job, ProgressOfJob& progress) {
  CompressReport report;
  StagedFolder staged(job.options.output, job.fingerprint, job.options.if_exists);
  try {
    make_parts(job, staged, report, progress);
    assemble(job, staged, report, progress.writing());
  } catch (const Cancelled&) {
    staged.keep_parts();
    throw;
  }
  staged.publish();
  return report;
}

}  // namespace

CompressReport compress(const CompressOptions& options, const ProgressCallback& progress) {
  const auto start = Clock::now();
  require_usable(options);
  const Job job(options);
  ProgressOfJob progress_of_job(job, progress);
  CompressReport report;
  if (options.dry_run) {
    report = plan_only(job, progress_of_job);
  } else if (is_complete(job)) {
    read_results(job, options.output, report);
    report.folder_after = folder_bytes(options.output);
    report.notes.push_back("the output was complete already");
    StagedFolder::remove_leftovers(options.output);
  } else {
    report = make_output(job, progress_of_job);
  }
  report.notes.insert(report.notes.begin(), job.selection.notes.begin(), job.selection.notes.end());
  report.seconds = seconds_since(start);
  progress_of_job.finished();
  return report;
}

}  // namespace loewner
