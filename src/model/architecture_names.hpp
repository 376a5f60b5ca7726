// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

/// Names in configurations and of modules of transformers, by which `analyze_architecture` finds roles and ties.
namespace loewner::detail {

// Text models whose configuration class leaves word embedding and head untied when config.json does
// not say (transformers 5.23); all others tie.
inline constexpr std::array<std::string_view, 52> kUntiedByDefault = {"apertus",    "arcee",       "bamba",
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
inline constexpr std::array<std::string_view, 4> kConv1dModels = {"decision_transformer", "gpt2", "imagegpt",
                                                                  "openai-gpt"};
inline constexpr std::array<std::string_view, 4> kConv1dModules = {"c_attn", "c_fc", "c_proj", "q_attn"};

// Model types whose encoder and decoder always look up tokens in one table, also if that table is stored
// under the encoder's name (_tied_weights_keys in transformers 5.24).
inline constexpr std::array<std::string_view, 20> kSharedTables = {"bart",
                                                                   "bigbird_pegasus",
                                                                   "blenderbot",
                                                                   "blenderbot-small",
                                                                   "led",
                                                                   "longt5",
                                                                   "m2m_100",
                                                                   "mbart",
                                                                   "mt5",
                                                                   "mvp",
                                                                   "nllb-moe",
                                                                   "pegasus",
                                                                   "pegasus_x",
                                                                   "plbart",
                                                                   "pop2piano",
                                                                   "seamless_m4t",
                                                                   "switch_transformers",
                                                                   "t5",
                                                                   "udop",
                                                                   "umt5"};

// Model types that tie their tables although their configurations may say otherwise.
inline constexpr std::array<std::string_view, 6> kAlwaysTied = {"longt5", "mt5", "pop2piano", "t5", "udop", "umt5"};

// Fields of configurations that say how many experts a layer has.
inline constexpr std::array kExpertCounts = {"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts",
                                             "n_experts"};

// Tensors of dbrx in which the matrices of all experts are below each other.
inline constexpr std::array<std::string_view, 3> kExpertMatrices = {"w1", "v1", "w2"};

// Modules that look up tokens. Their number of rows may exceed vocab_size, because tables are
// padded.
inline constexpr std::array<std::string_view, 10> kTokenEmbeddings = {
    "embed_in",         "embed_tokens", "shared",         "tok_embeddings",  "token_embedding",
    "token_embeddings", "tokens_embed", "word_embedding", "word_embeddings", "wte"};

inline constexpr std::array<std::string_view, 5> kGeneralEmbeddings = {"emb", "embed", "embedding", "embeddings",
                                                                       "weight"};
inline constexpr std::array<std::string_view, 6> kPositionParts = {"pos",  "wpe",      "relative",
                                                                   "rel_", "distance", "rotary"};

// Output layers over the vocabulary whose names say "embedding".
inline constexpr std::array<std::string_view, 5> kUnembeddings = {"embed_out", "embedding_out", "emb_out", "unemb",
                                                                  "output_emb"};

// Parts of the names of other output layers over the vocabulary.
inline constexpr std::array<std::string_view, 7> kHeadParts = {"head",   "decoder", "lm_", "vocab",
                                                               "logits", "output",  "proj"};

}  // namespace loewner::detail
