// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/architecture.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

// Text models whose configuration class leaves word embedding and head untied when config.json does
// not say (transformers 5.23); all others tie.
constexpr std::array<std::string_view, 52> kUntiedByDefault = {"apertus",    "arcee",       "bamba",
                                                               "bitnet",     "codegen",     "cwm",
                                                               "dbrx",       "deepseek_v2", "deepseek_v3",
                                                               "diffllama",  "doge",        "dots1",
                                                               "eurobert",   "exaone4",     "falcon_h1",
                                                               "flex_olmo",  "fsmt",        "glm",
                                                               "glm4",       "glm4_moe",    "gpt_neox",
                                                               "gpt_oss",    "gptj",        "granite",
                                                               "granitemoe", "helium",      "hunyuan_v1_dense",
                                                               "jamba",      "llama",       "llama4_text",
                                                               "mamba2",     "ministral",   "mistral",
                                                               "mixtral",    "nemotron",    "olmo",
                                                               "olmo2",      "olmo3",       "olmoe",
                                                               "persimmon",  "phi",         "phi3",
                                                               "phimoe",     "qwen2",       "qwen2_moe",
                                                               "qwen3",      "qwen3_moe",   "qwen3_next",
                                                               "reformer",   "rembert",     "rwkv",
                                                               "stablelm"};

// Model types whose blocks use Conv1D, which stores a linear layer as inputs x outputs.
constexpr std::array<std::string_view, 4> kConv1dModels = {"decision_transformer", "gpt2", "imagegpt", "openai-gpt"};
constexpr std::array<std::string_view, 4> kConv1dModules = {"c_attn", "c_fc", "c_proj", "q_attn"};

// Modules that look up tokens. Their number of rows may exceed vocab_size, because tables are
// padded.
constexpr std::array<std::string_view, 10> kTokenEmbeddings = {
    "embed_in",         "embed_tokens", "shared",         "tok_embeddings",  "token_embedding",
    "token_embeddings", "tokens_embed", "word_embedding", "word_embeddings", "wte"};

// Parts of the names of output layers over the vocabulary.
constexpr std::array<std::string_view, 7> kHeadParts = {"head", "decoder", "lm_", "vocab", "logits", "output", "proj"};

template <typename Names>
bool is_one_of(std::string_view name, const Names& names) {
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

class Analysis {
 public:
  Analysis(const Json& config, std::span<const TensorDeclaration> tensors) : config_(config), tensors_(tensors) {
    const auto model_type = config_value<std::string>(config, "model_type");
    if (!model_type) throw IoError("config.json: model_type must be a string, got none");
    model_type_ = *model_type;
    vocabulary_ = config_value<Index>(text_config(config), "vocab_size").value_or(-1);
  }

  Architecture run() {
    places_.resize(tensors_.size());
    for (std::size_t i = 0; i < tensors_.size(); ++i) places_[i] = place_of(tensors_[i]);
    if (!source_embedding()) adopt_unnamed_embedding();
    add_ties();
    return {.model_type = model_type_, .places = std::move(places_)};
  }

 private:
  TensorPlace place_of(const TensorDeclaration& tensor) const {
    const NameParts name(tensor.name);
    if (contains_any(name.leaf, {"bias"}) || name.leaf == "beta") return {.role = TensorRole::bias};
    if (name.leaf == "gamma") return {.role = TensorRole::norm};
    if (name.leaf != "weight") return {};
    if (tensor.shape.size() == 1) return {.role = TensorRole::norm};
    if (tensor.shape.size() != 2) return {};
    const bool transposed = is_one_of(model_type_, kConv1dModels) && is_one_of(name.module, kConv1dModules);
    return {.role = role_of_matrix(name, tensor.shape[0]), .transposed = transposed};
  }

  TensorRole role_of_matrix(const NameParts& name, Index rows) const {
    if (is_head(name, rows)) return TensorRole::head;
    if (!is_embedding(name)) return TensorRole::linear;
    if (contains_any(name.module, {"pos", "wpe", "relative", "rel_emb"})) return TensorRole::position_embedding;
    if (contains_any(name.module, {"type", "segment", "seg_", "lang"})) return TensorRole::type_embedding;
    const bool is_known = is_one_of(name.module, kTokenEmbeddings);
    return is_known || rows == vocabulary_ ? TensorRole::token_embedding : TensorRole::other;
  }

  // Projections of embeddings and maps between embedding spaces are linear layers.
  static bool is_embedding(const NameParts& name) {
    if (contains_any(name.module, {"proj", "mapping", "dense", "norm"})) return false;
    return contains_any(name.module, {"emb", "relative_attention_bias"}) || is_one_of(name.module, kTokenEmbeddings) ||
           name.module == "wpe";
  }

  bool is_head(const NameParts& name, Index rows) const {
    if (rows != vocabulary_ || name.is_in_a_block()) return false;
    return name.module == "embed_out" || (!is_embedding(name) && contains_any(name.module, kHeadParts));
  }

  // If no module is named as an embedding: a matrix outside the blocks with one row per token.
  void adopt_unnamed_embedding() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const bool has_token_rows = tensors_[i].shape.size() == 2 && tensors_[i].shape[0] == vocabulary_;
      if (places_[i].role != TensorRole::linear || !has_token_rows || NameParts(tensors_[i].name).is_in_a_block())
        continue;
      places_[i] = {.role = TensorRole::token_embedding};
      return;
    }
  }

  // The token embedding that all others copy: the one that encoder and decoder share, if there is
  // one.
  std::optional<std::size_t> source_embedding() const {
    std::optional<std::size_t> source;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (places_[i].role != TensorRole::token_embedding) continue;
      if (NameParts(tensors_[i].name).module == "shared") return i;
      if (!source) source = i;
    }
    return source;
  }

  bool shares_embeddings() const {
    if (model_type_ == "fsmt" || config_value<bool>(config_, "share_encoder_decoder_embeddings") == false) return false;
    const auto source = source_embedding();
    const bool is_named_shared = source && NameParts(tensors_[*source].name).module == "shared";
    return is_named_shared || config_value<bool>(config_, "is_encoder_decoder") == true;
  }

  bool ties_head() const {
    if (const auto tie = config_value<bool>(config_, "tie_word_embeddings")) return *tie;
    if (const auto tie = config_value<bool>(text_config(config_), "tie_word_embeddings")) return *tie;
    return !is_one_of(model_type_, kUntiedByDefault);
  }

  void add_ties() {
    const auto source = source_embedding();
    if (!source) return;
    const bool shared = shares_embeddings(), head = ties_head();
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const bool is_tied =
          (places_[i].role == TensorRole::token_embedding && shared) || (places_[i].role == TensorRole::head && head);
      if (i != *source && is_tied && tensors_[i].shape == tensors_[*source].shape)
        places_[i].tied_to = tensors_[*source].name;
    }
  }

  const Json& config_;
  std::span<const TensorDeclaration> tensors_;
  std::string model_type_;
  Index vocabulary_ = -1;
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
    case TensorRole::norm:
      return "norm";
    case TensorRole::bias:
      return "bias";
    case TensorRole::other:
      return "other";
  }
  __builtin_unreachable();
}

Architecture analyze_architecture(const Json& config, std::span<const TensorDeclaration> tensors) {
  return Analysis(config, tensors).run();
}

}  // namespace loewner
