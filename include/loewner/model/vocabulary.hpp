// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// How a token id is used. Ids that a tokenizer does not name are unused.
enum class TokenKind : char { unused, ordinary, special };

/// What a tokenizer file says about how often its tokens may occur.
struct Vocabulary {
  std::vector<TokenKind> kinds;         ///< by token id
  std::vector<double> log_probability;  ///< by token id: scores of a unigram model; empty for other models
  std::string source;                   ///< the file it was read from
  std::vector<std::string> tokens{};    ///< by token id, as the file spells them; empty where it names none
};

/// tokenizer.json of the tokenizers library: models WordPiece, BPE, WordLevel and Unigram.
Vocabulary parse_tokenizer_json(std::string_view text, const std::string& file);
/// vocab.txt: one WordPiece per line.
Vocabulary parse_vocab_txt(std::string_view text, const std::string& file);
/// vocab.json: an object token -> id.
Vocabulary parse_vocab_json(std::string_view text, const std::string& file);
/// A SentencePiece model; its scores count only when the model is of the unigram kind.
Vocabulary parse_sentencepiece_model(std::string_view bytes, const std::string& file);

/// The vocabulary of a model folder, from the first of tokenizer.json, vocab.txt, vocab.json and a SentencePiece model
/// that is there; nothing when none is.
///
/// Errors    IoError naming the file when it breaks its format.
std::optional<Vocabulary> read_vocabulary(const std::filesystem::path& folder);

}  // namespace loewner
