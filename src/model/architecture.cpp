// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/architecture.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "loewner/base/error.hpp"
#include "model/architecture_names.hpp"
#include "model/static_model.hpp"

namespace loewner {
namespace {

template <typename Value, typename Values>
bool is_one_of(const Value& name, const Values& names) {
  return std::ranges::find(names, name) != std::end(names);
}

template <typename Parts = std::initializer_list<std::string_view>>
bool contains_any(std::string_view text, const Parts& parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return text.find(part) != text.npos; });
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// "bert.embeddings.word_embeddings.weight" -> path "bert.embeddings.word_embeddings", module
// "word_embeddings", leaf "weight"; in lower case.
struct NameParts {
  explicit NameParts(std::string_view name) {
    const std::string lower = in_lower_case(name);
    const auto dot = lower.rfind('.');
    leaf = dot == lower.npos ? lower : lower.substr(dot + 1);
    path = dot == lower.npos ? "" : lower.substr(0, dot);
    module = path.substr(path.rfind('.') + 1);  // npos + 1 is 0
  }

  // Blocks of a model are numbered: ".layer.3."
  bool is_in_a_block() const {
    for (std::size_t begin = 0; begin < path.size();) {
      const auto end = std::min(path.find('.', begin), path.size());
      const auto part = std::string_view(path).substr(begin, end - begin);
      if (!part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c); })) return true;
      begin = end + 1;
    }
    return false;
  }

  std::string path, module, leaf;
};

// The part of a configuration that describes the text model; multimodal models nest it.
const Json& text_config(const Json& config) {
  const auto nested = config.find("text_config");
  return nested != config.end() && nested->is_object() ? *nested : config;
}

template <typename Value>
std::optional<Value> config_value(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end()) return std::nullopt;
  if constexpr (std::is_same_v<Value, bool>) {
    if (!found->is_boolean()) return std::nullopt;
  } else if constexpr (std::is_same_v<Value, std::string>) {
    if (!found->is_string()) return std::nullopt;
  } else if (!found->is_number_integer()) {
    return std::nullopt;
  }
  return found->template get<Value>();
}

// A model, or one of the models of which another is made: an encoder and a decoder with configurations
// of their own. Each ties tensors of its own only.
class Part {
 public:
  // `prefix` begins the names of its tensors.
  Part(const Json& config, std::string prefix) : config_(config), prefix_(std::move(prefix)) {
    model_type_ = config_value<std::string>(config, "model_type").value_or("");
    vocabulary_ = config_value<Index>(text_config(config), "vocab_size").value_or(-1);
    for (const char* field : detail::kExpertCounts)
      experts_.push_back(config_value<Index>(text_config(config), field).value_or(-1));
  }

  const std::string& prefix() const { return prefix_; }

  TensorPlace place_of(const TensorDeclaration& tensor) const {
    if (model_type_ == "model2vec" && detail::is_static_table(tensor.name)) {
      return {.role = TensorRole::token_embedding, .transposed = false, .tied_to = {}, .any_name = true};
    }
    const NameParts name(tensor.name);
    if (contains_any(name.leaf, {"bias"}) || name.leaf == "beta") return {.role = TensorRole::bias};
    if (name.leaf == "gamma") return {.role = TensorRole::norm};
    if (holds_experts(name, tensor.shape)) return {.role = TensorRole::experts};
    if (name.leaf != "weight") return {};
    if (tensor.shape.size() == 1) return {.role = TensorRole::norm};
    if (tensor.shape.size() != 2) return {};
    const bool transposed =
        is_one_of(model_type_, detail::kConv1dModels) && is_one_of(name.module, detail::kConv1dModules);
    return {.role = role_of_matrix(name, tensor.shape[0]), .transposed = transposed};
  }

  // If no module is named as an embedding: a matrix outside the blocks with one row per token.
  bool may_be_unnamed_embedding(const TensorDeclaration& tensor, const TensorPlace& place) const {
    const bool has_token_rows = tensor.shape.size() == 2 && tensor.shape[0] == vocabulary_;
    return place.role == TensorRole::linear && has_token_rows && !NameParts(tensor.name).is_in_a_block();
  }

  // Whether the model's class ties a table or a head to the table `source`.
  bool ties(TensorRole role, const std::string& name, const std::string& source) const {
    if (!ties_word_embeddings()) return false;
    return role == TensorRole::head || (role == TensorRole::token_embedding && shares_table(name, source));
  }

 private:
  // Names do not always say so; the first size is then the number of experts.
  bool holds_experts(const NameParts& name, const std::vector<Index>& shape) const {
    if (contains_any(name.leaf, {"scale", "zero"}) || contains_any(name.path, {"conv"})) return false;
    const bool is_named = contains_any(name.path, {"experts"}) || contains_any(name.leaf, {"experts"});
    if (shape.size() == 2) return is_named && is_one_of(name.leaf, detail::kExpertMatrices);
    return shape.size() == 3 && (is_named || (name.is_in_a_block() && is_one_of(shape[0], experts_)));
  }

  TensorRole role_of_matrix(const NameParts& name, Index rows) const {
    if (is_head(name, rows)) return TensorRole::head;
    if (!is_embedding(name)) return TensorRole::linear;
    if (is_position(name)) return TensorRole::position_embedding;
    if (contains_any(name.module, {"type", "segment", "seg_", "lang"})) return TensorRole::type_embedding;
    const bool is_known = is_one_of(name.module, detail::kTokenEmbeddings);
    return is_known || rows == vocabulary_ ? TensorRole::token_embedding : TensorRole::other;
  }

  // Projections of embeddings and maps between embedding spaces are linear layers.
  static bool is_embedding(const NameParts& name) {
    if (contains_any(name.module, {"proj", "mapping", "dense", "norm"})) return false;
    return contains_any(name.module, {"emb", "relative_attention_bias"}) ||
           is_one_of(name.module, detail::kTokenEmbeddings) || name.module == "wpe";
  }

  // "relative_position.embedding": a general name says what it is by the module that it lies in.
  static bool is_position(const NameParts& name) {
    const bool is_general = is_one_of(name.module, detail::kGeneralEmbeddings);
    const auto outer = name.path.size() > name.module.size() ? name.path.size() - name.module.size() - 1 : 0;
    const auto parent = std::string_view(name.path).substr(0, outer);
    return contains_any(name.module, detail::kPositionParts) ||
           (is_general && contains_any(parent.substr(parent.rfind('.') + 1), {"position", "relative", "distance"}));
  }

  bool is_head(const NameParts& name, Index rows) const {
    if (rows != vocabulary_ || name.is_in_a_block()) return false;
    return contains_any(name.module, detail::kUnembeddings) ||
           (!is_embedding(name) && contains_any(name.module, detail::kHeadParts));
  }

  bool ties_word_embeddings() const {
    if (is_one_of(model_type_, detail::kAlwaysTied)) return true;
    if (const auto tie = config_value<bool>(config_, "tie_word_embeddings")) return *tie;
    if (const auto tie = config_value<bool>(text_config(config_), "tie_word_embeddings")) return *tie;
    return !is_one_of(model_type_, detail::kUntiedByDefault);
  }

  // Encoder and decoder look up tokens in one table: P.encoder.embed_tokens in P.shared.
  bool shares_table(const std::string& name, const std::string& source) const {
    if (config_value<bool>(config_, "share_encoder_decoder_embeddings") == false) return false;
    const NameParts table(name), shared(source);
    const auto owner = [](const NameParts& parts) {
      return parts.path.substr(0, parts.path.size() - parts.module.size());
    };
    const std::string copy = owner(table), original = owner(shared);
    for (const std::string side : {"encoder.", "decoder.", "text_encoder.", "text_decoder."}) {
      const bool is_named = table.module == "embed_tokens" || table.module == shared.module;
      if (is_named && copy == original + side) return true;
    }
    const std::string encoder = "encoder.", decoder = "decoder.";
    return is_one_of(model_type_, detail::kSharedTables) && table.module == shared.module && copy.ends_with(decoder) &&
           original.ends_with(encoder) &&
           copy.substr(0, copy.size() - decoder.size()) == original.substr(0, original.size() - encoder.size());
  }

  const Json& config_;
  std::string prefix_, model_type_;
  Index vocabulary_ = -1;
  std::vector<Index> experts_;  // numbers of experts in a layer, -1 where the configuration says none
};

class Analysis {
 public:
  Analysis(const Json& config, std::span<const TensorDeclaration> tensors) : config_(config), tensors_(tensors) {
    const auto model_type = config_value<std::string>(config, "model_type");
    if (!model_type) throw IoError("config.json: model_type must be a string, got none");
    model_type_ = *model_type;
    for (const auto& [key, value] : config.items()) {
      if (value.is_object() && config_value<std::string>(value, "model_type")) parts_.emplace_back(value, key + ".");
    }
    parts_.emplace_back(config, "");
  }

  Architecture run() {
    if (const auto roles = config_.find("loewner_roles"); roles != config_.end()) return declared(*roles);
    places_.resize(tensors_.size());
    for (std::size_t i = 0; i < tensors_.size(); ++i) places_[i] = part_of(i).place_of(tensors_[i]);
    if (std::ranges::none_of(places_, [](const auto& place) { return place.role == TensorRole::token_embedding; }))
      adopt_unnamed_embedding();
    for (const auto& part : parts_) add_ties(part);
    return {.model_type = model_type_, .places = std::move(places_)};
  }

 private:
  Architecture declared(const Json& roles) const {
    std::vector<TensorPlace> places(tensors_.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto name = config_value<std::string>(roles, tensors_[i].name.c_str());
      if (!name) continue;
      const auto role = tensor_role_from_string(*name);
      if (!role) throw IoError("config.json: loewner_roles: " + tensors_[i].name + ": unknown role " + *name);
      places[i] = {.role = *role, .transposed = false, .tied_to = {}, .any_name = true};
    }
    return {.model_type = model_type_, .places = std::move(places)};
  }

  const Part& part_of(std::size_t i) const {
    return *std::ranges::find_if(parts_, [&](const auto& part) { return tensors_[i].name.starts_with(part.prefix()); });
  }

  void adopt_unnamed_embedding() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (!part_of(i).may_be_unnamed_embedding(tensors_[i], places_[i])) continue;
      places_[i] = {.role = TensorRole::token_embedding};
      return;
    }
    adopt_tied_head();
  }

  // A tied table may be stored under the name of the head alone.
  void adopt_tied_head() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (places_[i].role != TensorRole::head || !part_of(i).ties(TensorRole::head, tensors_[i].name, "")) continue;
      places_[i] = {.role = TensorRole::token_embedding};
      return;
    }
  }

  // The token embedding that all others of a part copy: the one that encoder and decoder share, if
  // there is one.
  std::optional<std::size_t> source_embedding(const Part& part) const {
    std::optional<std::size_t> source;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (places_[i].role != TensorRole::token_embedding || &part_of(i) != &part) continue;
      if (NameParts(tensors_[i].name).module == "shared") return i;
      if (!source) source = i;
    }
    return source;
  }

  void add_ties(const Part& part) {
    const auto source = source_embedding(part);
    if (!source) return;
    const std::string& name = tensors_[*source].name;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (i == *source || &part_of(i) != &part || tensors_[i].shape != tensors_[*source].shape) continue;
      if (part.ties(places_[i].role, tensors_[i].name, name)) places_[i].tied_to = name;
    }
  }

  const Json& config_;
  std::span<const TensorDeclaration> tensors_;
  std::string model_type_;
  std::vector<Part> parts_;  // the whole model is the last
  std::vector<TensorPlace> places_;
};

}  // namespace

std::string_view to_string(TensorRole role) {
  switch (role) {
    case TensorRole::token_embedding:
      return "token_embedding";
    case TensorRole::position_embedding:
      return "position_embedding";
    case TensorRole::type_embedding:
      return "type_embedding";
    case TensorRole::linear:
      return "linear";
    case TensorRole::head:
      return "head";
    case TensorRole::experts:
      return "experts";
    case TensorRole::norm:
      return "norm";
    case TensorRole::bias:
      return "bias";
    case TensorRole::other:
      return "other";
  }
  __builtin_unreachable();
}

std::optional<TensorRole> tensor_role_from_string(std::string_view name) {
  for (const TensorRole role :
       {TensorRole::token_embedding, TensorRole::position_embedding, TensorRole::type_embedding, TensorRole::linear,
        TensorRole::head, TensorRole::experts, TensorRole::norm, TensorRole::bias, TensorRole::other}) {
    if (to_string(role) == name) return role;
  }
  return std::nullopt;
}

std::optional<InputSide> input_side(const TensorPlace& place) {
  if (place.role != TensorRole::linear && place.role != TensorRole::head) return std::nullopt;
  return place.transposed ? InputSide::rows : InputSide::cols;
}

bool is_table(TensorRole role) {
  return role == TensorRole::token_embedding || role == TensorRole::position_embedding ||
         role == TensorRole::type_embedding;
}

Architecture analyze_architecture(const Json& config, std::span<const TensorDeclaration> tensors) {
  return Analysis(config, tensors).run();
}

}  // namespace loewner
