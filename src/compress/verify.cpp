// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/verify.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "codec/spec_field.hpp"
#include "compress/checksums.hpp"
#include "compress/error_place.hpp"
#include "compress/folder_checks.hpp"
#include "compress/stored_claims.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/moments_file.hpp"
#include "loewner/plan/encode.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

// Errors of the size of float32 rounding are not the same on all processors.
constexpr double kRelative = 1e-4, kAbsolute = 1e-6;

bool agrees(double claimed, double found) {
  return std::abs(claimed - found) <= kAbsolute + kRelative * std::abs(claimed);  // false for NaN
}

void check(const std::string& what, double claimed, double found, std::vector<std::string>& failures) {
  if (agrees(claimed, found)) return;
  failures.push_back(what + " is claimed to be " + Json(claimed).dump() + ", found " + Json(found).dump());
}

void check_errors(const EncodedTensor& tensor, const RowSource& original, const RowWeights& weights,
                  CheckedTensor& checked) {
  const auto& claimed = checked.claimed;
  const TensorErrors& found = checked.found = measured_errors(original, *tensor.matrix, weights, claimed.norm_exponent);
  checked.compared = true;
  check("relative_error", claimed.errors.relative_error, found.relative_error, checked.failures);
  if (weights.description.empty()) return;
  check("weighted_relative_error", claimed.errors.weighted_relative_error, found.weighted_relative_error,
        checked.failures);
  check("lp_error", claimed.errors.lp_error, found.lp_error, checked.failures);
}

void check_channel_error(const EncodedTensor& tensor, const RowSource& original, const ChannelMetric* metric,
                         const RowWeights& weights, CheckedTensor& checked) {
  if (metric == nullptr) return;
  checked.output_error = channel_error(original, *tensor.matrix, *metric, weights.values);
  check("output_error", *checked.claimed.output_error, *checked.output_error, checked.failures);
}

// The certificate of a table with a metric is that of the factorization in the metric.
void check_certificate(const std::shared_ptr<const RowSource>& table, const ChannelMetric* metric,
                       const RowWeights& weights, CheckedTensor& checked) {
  if (!checked.claimed.certificate) return;
  if (metric == nullptr && checked.claimed.output_error) return;  // the metric is not known
  const auto rows = metric == nullptr ? table : rows_in_metric(table, *metric);
  const RowSource& original = *rows;
  const double p = checked.claimed.norm_exponent;
  checked.certificate =
      p == 2 ? 1.0 : lp_factorization(original, {.norm_exponent = p, .row_weights = weights.values}).distortion;
  check("certificate", *checked.claimed.certificate, *checked.certificate, checked.failures);
}

void check_error_of_svd(const EncodedTensor& tensor, std::shared_ptr<const RowSource> original,
                        const RowWeights& weights, CheckedTensor& checked) {
  if (!checked.claimed.lp_error_svd) return;
  EncodeRequest request;
  request.matrix = std::move(original);
  request.row_weights = weights.values;
  request.norm_exponent = checked.claimed.norm_exponent;
  const Index rank = detail::at_place(tensor.place, [&] {
    request.factor_format = detail::format_field(tensor.spec);
    return detail::size_field(tensor.spec, "rank");
  });
  checked.lp_error_svd = svd_lp_error(request, rank);
  check("lp_error_svd", *checked.claimed.lp_error_svd, *checked.lp_error_svd, checked.failures);
}

// Fields that decoding does not read.
void require_known_names(const EncodedTensor& tensor, const TensorReport& claimed) {
  detail::at_place(tensor.place, [&] {
    const auto method = method_from_string(claimed.method);
    if (!method || *method == Method::automatic)
      throw IoError("specification: method must be one of this version's, got " + detail::quoted(claimed.method));
    if (!tensor_role_from_string(claimed.role))
      throw IoError("specification: role must be one of this version's, got " + detail::quoted(claimed.role));
  });
  (void)source_dtype(tensor);
  (void)tied_names(tensor);
}

// Whether the original can be compared with the encoding.
bool check_original(const EncodedTensor& tensor, const Checkpoint& model, CheckedTensor& checked) {
  const DType stated = source_dtype(tensor), found = decoded_dtype(model.at(tensor.name).info->dtype);
  if (stated != found) {
    checked.failures.push_back("source_dtype is " + std::string(to_string(stated)) + ", the original has " +
                               std::string(to_string(found)));
  }
  const auto& shape = model.at(tensor.name).info->shape;
  if (shape == tensor.shape) return true;
  checked.failures.push_back("the original has the shape " + Json(shape).dump() + ", the encoding " +
                             Json(tensor.shape).dump());
  return false;
}

// The original of the encoded tensors, and the files that claims need besides.
struct Originals {
  const Checkpoint& model;
  const std::filesystem::path& counts;
  std::optional<MomentsFile> moments;
  std::vector<std::int64_t> text_counts;
  std::map<std::string, InputSide> inputs;  // of linear layers, by the name of their tensor

  bool has_moments(const std::string& tensor) const {
    return moments && moments->description().layers.contains(tensor);
  }
};

Originals originals_of(const Checkpoint& model, const VerifyFiles& files) {
  Originals originals{.model = model, .counts = files.row_weights, .moments = {}, .text_counts = {}, .inputs = {}};
  if (files.moments.empty()) return originals;
  originals.moments = MomentsFile::open(files.moments);
  originals.moments->require_made_for(model);
  originals.text_counts = originals.moments->token_counts();
  const Architecture architecture = model.architecture();
  for (std::size_t i = 0; i < model.tensors().size(); ++i) {
    if (const auto side = input_side(architecture.places[i])) originals.inputs[model.tensors()[i].info->name] = *side;
  }
  return originals;
}

bool is_of_table(const CheckedTensor& checked) {
  const auto role = tensor_role_from_string(checked.claimed.role);
  return role && is_table(*role);
}

// The metric of a table that was encoded in one; null if the file that gives it is missing or has none.
std::shared_ptr<const ChannelMetric> metric_of(const EncodedTensor& tensor, const Originals& originals,
                                               CheckedTensor& checked) {
  if (!checked.claimed.output_error || !is_of_table(checked) || !originals.moments) return nullptr;
  if (!originals.has_moments(tensor.name)) {
    checked.failures.push_back("output_error is claimed, but the moments file has no sensitivities of its channels");
    return nullptr;
  }
  const InputMoments moments = originals.moments->read(tensor.name);
  return std::make_shared<ChannelMetric>(moments.second.view());
}

void check_output_error(const EncodedTensor& tensor, const RowSource& original, const Originals& originals,
                        CheckedTensor& checked) {
  if (!checked.claimed.output_error || !originals.moments || is_of_table(checked)) return;
  const auto side = originals.inputs.find(tensor.name);
  if (side == originals.inputs.end() || !originals.has_moments(tensor.name)) {
    checked.failures.push_back("output_error is claimed, but the moments file has no moments of its inputs");
    return;
  }
  const InputMoments moments = originals.moments->read(tensor.name);
  checked.output_error = std::sqrt(output_error(original, *tensor.matrix, moments, side->second));
  check("output_error", *checked.claimed.output_error, *checked.output_error, checked.failures);
}

void note_unchecked_outputs(const std::vector<CheckedTensor>& tensors, std::vector<std::string>& notes) {
  const auto count = std::ranges::count_if(tensors, [](const auto& tensor) {
    return tensor.compared && tensor.claimed.output_error && !tensor.output_error && tensor.failures.empty();
  });
  if (count == 0) return;
  notes.push_back("output errors of " + std::to_string(count) + (count == 1 ? " tensor" : " tensors") +
                  " are not checked; they need the moments file, given by --moments");
}

void check_claims(const EncodedTensor& tensor, const Originals& originals, CheckedTensor& checked,
                  std::vector<std::string>& notes) {
  const Checkpoint& model = originals.model;
  if (!check_original(tensor, model, checked)) return;
  const std::shared_ptr<const RowSource> original = model.rows_of(tensor.name);
  check_output_error(tensor, *original, originals, checked);
  const auto metric = metric_of(tensor, originals, checked);
  const RowWeights weights = stored_row_weights(tensor, model, originals.counts, notes, originals.text_counts);
  check_errors(tensor, *original, weights, checked);
  if (weights.description.empty()) return;
  check_channel_error(tensor, *original, metric.get(), weights, checked);
  check_certificate(original, metric.get(), weights, checked);
  check_error_of_svd(tensor, original, weights, checked);
}

void compare_with(const Checkpoint& model, const Checkpoint& output, const std::vector<EncodedTensor>& encoded,
                  const ProgressCallback& progress, const VerifyFiles& files, VerifyReport& report) {
  const Originals originals = originals_of(model, files);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (progress) progress(encoded[i].name, static_cast<double>(i) / static_cast<double>(encoded.size() + 1));
    check_claims(encoded[i], originals, report.tensors[i], report.notes);
  }
  note_unchecked_outputs(report.tensors, report.notes);
  detail::check_untouched_tensors(output, model, encoded, report);
  detail::check_configuration(output, model, report);
  detail::check_other_files(output, model, report);
}

// null without the original.
Json found_to_json(const CheckedTensor& tensor) {
  if (!tensor.compared) return nullptr;
  Json found = {{"relative_error", tensor.found.relative_error},
                {"weighted_relative_error", tensor.found.weighted_relative_error},
                {"lp_error", tensor.found.lp_error},
                {"lp_error_svd", tensor.lp_error_svd ? Json(*tensor.lp_error_svd) : Json(nullptr)},
                {"certificate", tensor.certificate ? Json(*tensor.certificate) : Json(nullptr)}};
  if (tensor.output_error) found["output_error"] = *tensor.output_error;
  return found;
}

}  // namespace

bool VerifyReport::holds() const {
  return failures.empty() && std::ranges::all_of(tensors, [](const auto& tensor) { return tensor.failures.empty(); });
}

VerifyReport verify(const std::filesystem::path& output_folder,
                    const std::optional<std::filesystem::path>& model_folder, const ProgressCallback& progress,
                    const VerifyFiles& files) {
  require(files.moments.empty() || model_folder, [] { return std::string("verify: moments need the original model"); });
  blas::reserve_memory();
  const Checkpoint output = Checkpoint::open(output_folder);
  std::optional<Checkpoint> model;
  if (model_folder) model = Checkpoint::open(*model_folder);
  const auto encoded = read_encoded_tensors(output);
  VerifyReport report;
  report.weights_after = output.weight_bytes();
  if (model) report.weights_before = model->weight_bytes();
  for (const auto& tensor : encoded) {
    report.tensors.emplace_back().claimed = claimed_report(tensor, output, model ? &*model : nullptr);
    require_known_names(tensor, report.tensors.back().claimed);
  }
  if (model) compare_with(*model, output, encoded, progress, files, report);
  detail::check_checksums(output, encoded, report);
  detail::check_sizes(output, report);
  if (progress) progress("done", 1);
  return report;
}

Json to_json(const VerifyReport& report) {
  Json tensors = Json::array();
  for (const auto& tensor : report.tensors) {
    tensors.push_back(
        {{"claimed", to_json(tensor.claimed)}, {"found", found_to_json(tensor)}, {"failures", tensor.failures}});
  }
  return {{"holds", report.holds()},
          {"tensors", std::move(tensors)},
          {"untouched_tensors", report.untouched_tensors},
          {"untouched_files", report.untouched_files},
          {"checked_files", report.checked_files},
          {"failures", report.failures},
          {"notes", report.notes},
          {"weights_bytes_before", report.weights_before},
          {"weights_bytes_after", report.weights_after}};
}

}  // namespace loewner
