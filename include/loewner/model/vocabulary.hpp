// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// The use of a token id. Ids that a tokenizer does not name are unused.
enum class TokenKind : char { unused, ordinary, special };

/// The tokens of a tokenizer file.
struct Vocabulary {
  std::vector<TokenKind> kinds;         ///< by token id
  std::vector<double> log_probability;  ///< scores of a unigram model by token id, or empty
  std::string source;                   ///< name of the file
  std::vector<std::string> tokens{};    ///< by token id, as the file spells them, or empty
};

/// Parses tokenizer.json of the tokenizers library, with a WordPiece, BPE, WordLevel or Unigram
/// model.
///
/// Method    the ids of `model.vocab`, then those of `added_tokens`, which may change the kind.
///           Names such as [PAD] and [unused0] tell special and unused tokens if no flag does.
/// Cost      O(text log tokens).
/// Errors    IoError "<file>: ..." when the text breaks the format.
Vocabulary parse_tokenizer_json(std::string_view text, const std::string& file);

/// Parses vocab.txt: one WordPiece per line.
///
/// Method    the number of a line is the id of its token. Names tell special and unused tokens.
/// Cost      O(text).
/// Errors    none; `file` becomes Vocabulary::source.
Vocabulary parse_vocab_txt(std::string_view text, const std::string& file);

/// Parses vocab.json: an object that maps tokens to ids.
///
/// Method    parse_sorted_json_object(); names tell special and unused tokens.
/// Cost      O(text log tokens).
/// Errors    IoError "<file>: ..." when the text breaks the format.
Vocabulary parse_vocab_json(std::string_view text, const std::string& file);

/// Parses a SentencePiece model. Its scores are used only if it is a unigram model.
///
/// Method    reads the fields of the protocol buffer in order; the type of each piece and its name
///           tell special and unused tokens.
/// Cost      O(bytes).
/// Errors    IoError "<file>: ..." when the bytes break the format.
Vocabulary parse_sentencepiece_model(std::string_view bytes, const std::string& file);

/// Reads the vocabulary of a model folder from the first of these files that exists:
/// tokenizer.json, vocab.txt, vocab.json, a SentencePiece model. Nothing if none exists.
///
/// Method    the parser of that file. The names of SentencePiece models, in this order:
///           spiece.model, tokenizer.model, spm.model, sentencepiece.bpe.model.
/// Cost      reads one file.
/// Errors    IoError, naming the file, when it breaks its format.
std::optional<Vocabulary> read_vocabulary(const std::filesystem::path& folder);

}  // namespace loewner
