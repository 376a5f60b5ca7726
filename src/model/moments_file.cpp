// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/moments_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/safetensors_writer.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

constexpr const char *kField = "loewner_moments", *kVersion = "1.1";
const std::string kSecond = "second.", kCross = "cross.", kTokenCounts = "token_counts";

// The JSON of a moments file, with errors that name the file and the field.
class MomentsField {
 public:
  MomentsField(const SortedJson& json, std::string place) : json_(json), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& rule) const {
    throw IoError(place_ + " must be " + rule + ", got " + json_.dump().substr(0, 80));
  }
  MomentsField at(const std::string& name) const {
    const std::string place = place_ + "." + name;
    if (!json_.is_object() || !json_.contains(name)) throw IoError(place + " is missing");
    return {json_.at(name), place};
  }
  bool has(const std::string& name) const { return json_.is_object() && json_.contains(name); }
  std::string text() const {
    if (!json_.is_string()) refuse("a text");
    return json_.get<std::string>();
  }
  double number(double least, double most, const std::string& rule) const {
    const double value = json_.is_number() ? json_.get<double>() : std::nan("");
    if (!(value >= least && value <= most)) refuse(rule);
    return value;
  }
  std::int64_t count() const {
    if (!json_.is_number_integer() || json_.get<std::int64_t>() < 1) refuse("a positive integer");
    return json_.get<std::int64_t>();
  }
  template <typename Body>
  void each(const Body& body) const {
    if (!json_.is_object()) refuse("an object");
    for (const auto& [name, value] : json_.items()) body(name, MomentsField(value, place_ + "." + name));
  }

 private:
  const SortedJson& json_;
  std::string place_;
};

void require_version(const MomentsField& field) {
  const std::string version = field.text();
  if (!version.starts_with("1.")) field.refuse("1.x, the version that this version of loewner reads");
}

MomentsDescription description_of(const MomentsField& json) {
  require_version(json.at("version"));
  MomentsDescription description{.model = json.at("model").text(), .tokens = {}, .layers = {}, .importance = {}};
  json.at("inputs").each(
      [&](const std::string& name, const MomentsField& one) { description.tokens[name] = one.at("tokens").count(); });
  json.at("layers").each([&](const std::string& name, const MomentsField& layer) {
    LayerInputs inputs{.inputs = layer.at("inputs").text()};
    if (layer.has("correction")) inputs.correction = layer.at("correction").number(0, 1, "in [0, 1]");
    if (layer.has("planned_by")) inputs.planned_by = layer.at("planned_by").text();
    for (const char* field : {"inputs", "planned_by"}) {
      if (layer.has(field) && !description.tokens.contains(layer.at(field).text()))
        layer.at(field).refuse("one of the names in `inputs`");
    }
    description.layers[name] = inputs;
  });
  if (json.has("importance")) {
    json.at("importance").each([&](const std::string& name, const MomentsField& value) {
      description.importance[name] = value.number(1e-300, 1e300, "positive and finite");
    });
  }
  return description;
}

std::string place_of(const SafetensorsFile& file, const std::string& array) {
  return file.path().string() + ": array " + detail::quoted(array);
}

void require_square(const SafetensorsFile& file, const std::string& array) {
  const TensorInfo* found = file.find(array);
  if (found == nullptr) throw IoError(place_of(file, array) + " is missing");
  if (found->dtype == DType::f32 && found->shape.size() == 2 && found->shape[0] == found->shape[1] &&
      found->shape[0] > 0)
    return;
  std::string shape;
  for (const Index size : found->shape) shape += (shape.empty() ? "" : " x ") + std::to_string(size);
  throw IoError(place_of(file, array) + " must be a square matrix of F32, got " + shape + " of " +
                std::string(to_string(found->dtype)));
}

void require_arrays(const SafetensorsFile& file, const MomentsDescription& description) {
  for (const auto& [name, tokens] : description.tokens) {
    require_square(file, kSecond + name);
    if (file.find(kCross + name) == nullptr) continue;
    require_square(file, kCross + name);
    if (file.find(kCross + name)->shape != file.find(kSecond + name)->shape)
      throw IoError(place_of(file, kCross + name) + " must have the shape of " + detail::quoted(kSecond + name));
  }
  for (const auto& [name, layer] : description.layers) {
    if (layer.correction > 0 && file.find(kCross + layer.inputs) == nullptr)
      throw IoError(place_of(file, kCross + layer.inputs) + " is missing, which the correction of layer " +
                    detail::quoted(name) + " needs");
  }
  for (const auto& array : file.tensors()) {
    if (array.name == kTokenCounts) {
      if (array.dtype == DType::i64 && array.shape.size() == 1) continue;
      throw IoError(place_of(file, array.name) + " must be a list of I64");
    }
    const auto dot = array.name.find('.') + 1;  // npos + 1 is 0
    const bool is_known = array.name.starts_with(kSecond) || array.name.starts_with(kCross);
    if (!is_known || !description.tokens.contains(array.name.substr(dot)))
      throw IoError(place_of(file, array.name) + " belongs to none of the names in `inputs`");
  }
}

// Moments are symmetric, and h_ij^2 <= h_ii h_jj; both up to the rounding of float32 sums.
void require_moments(MatrixView<const double> h, const std::string& place) {
  constexpr double kRounding = 1e-4, kSmallest = 1e-30;
  parallel_for(h.rows(), [&](Index i) {
    if (h(i, i) < 0) throw IoError(place + " has a negative diagonal entry at " + std::to_string(i));
    for (Index j = 0; j < i; ++j) {
      const double most = std::sqrt(h(i, i) * std::max(0.0, h(j, j))), room = kRounding * most + kSmallest;
      const bool is_symmetric = std::abs(h(i, j) - h(j, i)) <= room;
      if (is_symmetric && std::abs(h(i, j)) <= most + room) continue;
      throw IoError(place + (is_symmetric ? " exceeds what its diagonal allows at row " : " is not symmetric at row ") +
                    std::to_string(i) + ", column " + std::to_string(j));
    }
  });
}

void make_symmetric(MatrixView<double> h) {
  parallel_for(h.rows(), [&](Index i) {
    for (Index j = 0; j < i; ++j) h(i, j) = h(j, i) = (h(i, j) + h(j, i)) / 2;
  });
}

Index number_of_inputs(const TensorInfo& layer, const TensorPlace& place) {
  return layer.shape.size() == 2 ? layer.shape[place.transposed ? 0 : 1] : 0;
}

Json json_of(const MomentsDescription& description) {
  Json json = {{"version", kVersion},
               {"model", description.model},
               {"inputs", Json::object()},
               {"layers", Json::object()},
               {"importance", Json::object()}};
  for (const auto& [name, tokens] : description.tokens) json["inputs"][name] = {{"tokens", tokens}};
  for (const auto& [name, layer] : description.layers) {
    json["layers"][name] = {{"inputs", layer.inputs}, {"correction", layer.correction}};
    if (!layer.planned_by.empty()) json["layers"][name]["planned_by"] = layer.planned_by;
  }
  for (const auto& [name, value] : description.importance) json["importance"][name] = value;
  return json;
}

}  // namespace

MomentsFile MomentsFile::open(const std::filesystem::path& path) {
  auto file = SafetensorsFile::open(path);
  const auto field = file->metadata().find(kField);
  if (field == file->metadata().end())
    throw IoError(path.string() + ": is no moments file: its metadata have no field " + kField);
  const std::string place = path.string() + ": " + kField;
  const SortedJson json = parse_sorted_json_object(field->second, place);
  MomentsDescription description = description_of({json, place});
  require_arrays(*file, description);
  return {std::move(file), std::move(description)};
}

void MomentsFile::require_made_for(const Checkpoint& model) const {
  const std::string fingerprint = hex_text(model.fingerprint());
  if (description_.model != fingerprint) {
    throw IoError(file_->path().string() + ": was made for another model (" + detail::quoted(description_.model) +
                  "), " + model.folder().string() + " is " + detail::quoted(fingerprint));
  }
  const Architecture architecture = model.architecture();
  for (const auto& [name, layer] : description_.layers) {
    const std::string place = file_->path().string() + ": layer " + detail::quoted(name);
    const CheckpointTensor* tensor = model.find(name);
    if (tensor == nullptr) throw IoError(place + " is not a tensor of " + model.folder().string());
    const auto number = static_cast<std::size_t>(tensor - model.tensors().data());
    const Index expected = number_of_inputs(*tensor->info, architecture.places[number]);
    for (const auto& inputs : {layer.inputs, layer.planned_by}) {
      if (inputs.empty()) continue;
      const Index found = file_->find(kSecond + inputs)->shape[0];
      if (found == expected) continue;
      throw IoError(place + " has " + std::to_string(expected) + " inputs, but array " +
                    detail::quoted(kSecond + inputs) + " is for " + std::to_string(found));
    }
  }
}

Matrix<double> MomentsFile::read_array(const std::string& name) const {
  const TensorRows rows(file_, *file_->find(name));
  Matrix<double> values = Matrix<double>::uninitialized(rows.rows(), rows.cols());
  for_each_row_block(rows, [&](Index, Index first, MatrixView<const float> block) {
    try {
      require_finite_rows(block, first, place_of(*file_, name));
    } catch (const InvalidArgument& error) {
      throw IoError(error.what());  // the file is wrong, not the caller
    }
    for (Index i = 0; i < block.rows(); ++i) std::ranges::copy(block.row(i), values.row(first + i).begin());
  });
  return values;
}

const LayerInputs& MomentsFile::inputs_of(const std::string& layer) const {
  const auto found = description_.layers.find(layer);
  require(found != description_.layers.end(),
          [&] { return file_->path().string() + ": has no moments of layer " + detail::quoted(layer); });
  return found->second;
}

InputMoments MomentsFile::read_second(const std::string& inputs) const {
  InputMoments moments{.second = read_array(kSecond + inputs), .tokens = description_.tokens.at(inputs)};
  require_moments(moments.second.view(), place_of(*file_, kSecond + inputs));
  make_symmetric(moments.second.view());
  return moments;
}

InputMoments MomentsFile::read(const std::string& layer) const {
  const LayerInputs& inputs = inputs_of(layer);
  InputMoments moments = read_second(inputs.inputs);
  moments.correction = inputs.correction;
  if (inputs.correction > 0) moments.cross = read_array(kCross + inputs.inputs);
  return moments;
}

InputMoments MomentsFile::read_for_plan(const std::string& layer) const {
  const LayerInputs& inputs = inputs_of(layer);
  return read_second(inputs.planned_by.empty() ? inputs.inputs : inputs.planned_by);
}

MomentsArrays MomentsFile::arrays(const std::string& inputs) const {
  const auto tokens = description_.tokens.find(inputs);
  require(tokens != description_.tokens.end(),
          [&] { return file_->path().string() + ": has no moments " + detail::quoted(inputs); });
  const auto rows = [&](const std::string& array) -> std::shared_ptr<const RowSource> {
    const TensorInfo* found = file_->find(array);
    return found == nullptr ? nullptr : std::make_shared<TensorRows>(file_, *found);
  };
  return {.second = rows(kSecond + inputs), .cross = rows(kCross + inputs), .tokens = tokens->second};
}

std::vector<std::int64_t> MomentsFile::token_counts() const {
  const TensorInfo* found = file_->find(kTokenCounts);
  if (found == nullptr) return {};
  std::vector<std::int64_t> counts(static_cast<std::size_t>(found->shape[0]));
  file_->read(*found, 0, std::as_writable_bytes(std::span(counts)));
  const auto bad = std::ranges::find_if(counts, [](std::int64_t count) { return count < 0; });
  if (bad == counts.end()) return counts;
  throw IoError(place_of(*file_, kTokenCounts) + " has a negative count of token " +
                std::to_string(bad - counts.begin()));
}

std::uint64_t MomentsFile::hash() const {
  constexpr Index kBlockBytes = Index{1} << 20;
  Hash64 hash;
  hash.add(file_->header_text());
  std::vector<std::byte> block;
  for (const auto& array : file_->tensors()) {
    for (Index offset = 0; offset < array.bytes(); offset += kBlockBytes) {
      block.resize(static_cast<std::size_t>(std::min(kBlockBytes, array.bytes() - offset)));
      file_->read(array, offset, block);
      hash.add(block);
    }
  }
  return hash.value();
}

MomentsArrays arrays_of(const InputMoments& moments) {
  const auto rows = [](const Matrix<double>& a) -> std::shared_ptr<const RowSource> {
    return a.rows() == 0 ? nullptr : std::make_shared<OwnedRows>(detail::narrowed(a.view()));
  };
  return {.second = rows(moments.second), .cross = rows(moments.cross), .tokens = moments.tokens};
}

void write_moments_file(const std::filesystem::path& path, const std::map<std::string, MomentsArrays>& moments,
                        MomentsDescription description, const std::vector<std::int64_t>& token_counts) {
  std::vector<TensorDeclaration> declarations;
  std::vector<const RowSource*> arrays;
  description.tokens.clear();
  for (const auto& [name, one] : moments) {
    description.tokens[name] = one.tokens;
    for (const auto& [prefix, array] : {std::pair(kSecond, one.second.get()), std::pair(kCross, one.cross.get())}) {
      if (array == nullptr) continue;
      declarations.push_back({prefix + name, DType::f32, {array->rows(), array->cols()}});
      arrays.push_back(array);
    }
  }
  if (!token_counts.empty()) {
    declarations.push_back({kTokenCounts, DType::i64, {static_cast<Index>(token_counts.size())}});
  }
  const std::map<std::string, std::string> metadata = {{kField, json_of(description).dump()}};
  detail::replace_file_by(detail::follow_links(path), [&](const std::filesystem::path& unfinished) {
    SafetensorsWriter writer(unfinished, declarations, metadata);
    Matrix<float> buffer;
    for (const RowSource* array : arrays) {
      for (Index i = 0; i < array->rows(); ++i) {
        writer.write(std::as_bytes(array->read_rows(i, 1, buffer).row(0)));
      }
    }
    if (!token_counts.empty()) writer.write(std::as_bytes(std::span(token_counts)));
    writer.finish();
  });
}

}  // namespace loewner
