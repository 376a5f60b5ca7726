// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/report_data.hpp"

#include "codec/spec_field.hpp"
#include "loewner/plan/method.hpp"

namespace loewner {
namespace {

template <typename T>
Json optional_to_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
std::optional<T> optional_field(const Json& spec, const std::string& name, T (*read)(const Json&, const std::string&)) {
  if (!spec.contains(name) || spec.at(name).is_null()) return std::nullopt;
  return read(spec, name);
}

std::vector<MethodReportField> fields_of_methods() {
  std::vector<MethodReportField> fields;
  for (const Method method : all_methods()) {
    const auto& own = info_of(method).report_fields;
    fields.insert(fields.end(), own.begin(), own.end());
  }
  return fields;
}

std::map<std::string, Index> counts_of(const Json& spec) {
  std::map<std::string, Index> counts;
  for (const auto& field : fields_of_methods()) {
    const auto count = optional_field(spec, std::string(field.specification_field), detail::size_field);
    if (count) counts[std::string(field.name)] = *count;
  }
  return counts;
}

}  // namespace

TensorReport report_from_specification(const std::string& name, const Json& spec) {
  using detail::number_field, detail::spec_field;
  const Json claims = spec_field<Json>(spec, "claims");
  TensorReport report;
  report.name = name;
  report.role = spec_field<std::string>(spec, "role");
  report.rows = detail::size_field(spec, "rows");
  report.cols = detail::size_field(spec, "cols");
  report.method = spec_field<std::string>(spec, "method");
  report.structure = spec_field<std::string>(spec, "structure");
  report.rank = optional_field(spec, "rank", detail::size_field);
  report.counts = counts_of(spec);
  report.bits = optional_field(spec, "mean_bits", number_field);
  report.row_weights = spec_field<std::string>(spec_field<Json>(spec, "row_weights"), "description");
  report.predicted_error = number_field(spec, "predicted_error");
  report.errors.relative_error = number_field(claims, "relative_error");
  report.errors.weighted_relative_error = number_field(claims, "weighted_relative_error");
  report.norm_exponent = number_field(claims, "norm_exponent");
  report.errors.lp_error = number_field(claims, "lp_error");
  report.lp_error_svd = optional_field(claims, "lp_error_svd", number_field);
  report.certificate = optional_field(claims, "certificate", number_field);
  report.output_error = optional_field(claims, "output_error", number_field);
  report.calibration = spec.value("calibration", Json());
  return report;
}

Json claims_to_json(const TensorReport& tensor) {
  Json claims = {{"relative_error", tensor.errors.relative_error},
                 {"weighted_relative_error", tensor.errors.weighted_relative_error},
                 {"norm_exponent", tensor.norm_exponent},
                 {"lp_error", tensor.errors.lp_error},
                 {"lp_error_svd", optional_to_json(tensor.lp_error_svd)},
                 {"certificate", optional_to_json(tensor.certificate)}};
  if (tensor.output_error) claims["output_error"] = *tensor.output_error;
  return claims;
}

Json to_json(const TensorReport& tensor) {
  Json json = {{"name", tensor.name},     {"role", tensor.role},           {"shape", {tensor.rows, tensor.cols}},
               {"method", tensor.method}, {"structure", tensor.structure}, {"rank", optional_to_json(tensor.rank)}};
  for (const auto& field : fields_of_methods()) {
    const auto count = tensor.counts.find(std::string(field.name));
    json[std::string(field.name)] = count != tensor.counts.end() ? Json(count->second) : Json(nullptr);
  }
  json.update({{"bits", optional_to_json(tensor.bits)},
               {"row_weights", tensor.row_weights},
               {"bytes_before", tensor.bytes_before},
               {"bytes_after", tensor.bytes_after},
               {"predicted_error", tensor.predicted_error}});
  json.update(claims_to_json(tensor));
  json["seconds"] = tensor.seconds;
  if (!tensor.calibration.is_null()) json["calibration"] = tensor.calibration;
  return json;
}

Json to_json(const CompressReport& report) {
  Json tensors = Json::array();
  for (const auto& tensor : report.tensors) tensors.push_back(to_json(tensor));
  Json json = {{"tensors", std::move(tensors)},
               {"totals",
                {{"weights_bytes_before", report.weights_before},
                 {"weights_bytes_after", report.weights_after},
                 {"folder_bytes_before", report.folder_before},
                 {"folder_bytes_after", report.folder_after},
                 {"seconds", report.seconds}}},
               {"notes", report.notes}};
  if (!report.calibration.is_null()) json["calibration"] = report.calibration;
  return json;
}

}  // namespace loewner
