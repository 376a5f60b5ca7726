// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"
#include "model/protobuf_reader.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

constexpr Index kMaxFileBytes = Index{512} << 20;
constexpr Index kMaxTokens = 10'000'000;  // ten times the largest vocabularies in use; an id beyond it is a broken file

// The special tokens that files without flags use.
constexpr std::array<std::string_view, 13> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]",        "[SEP]", "[MASK]",
                                                             "<s>",   "</s>",  "<pad>",        "<unk>", "<mask>",
                                                             "<cls>", "<sep>", "<|endoftext|>"};

// Reserved ids of vocabularies. Some tokenizers flag them as special, but they occur in no text.
constexpr std::array<std::string_view, 4> kUnusedPrefixes = {"[unused", "<extra_id_", "<|reserved_special_token_",
                                                             "madeupword"};

bool is_unused_name(std::string_view token) {
  return std::ranges::any_of(kUnusedPrefixes, [&](std::string_view prefix) { return token.starts_with(prefix); });
}

TokenKind kind_by_name(std::string_view token) {
  if (is_unused_name(token)) return TokenKind::unused;
  return std::ranges::find(kSpecialTokens, token) != kSpecialTokens.end() ? TokenKind::special : TokenKind::ordinary;
}

// Names an id and returns its kind, to be set. The vocabulary grows to hold the id.
TokenKind& name_token(Vocabulary& vocabulary, const SortedJson& id, std::string_view token) {
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= static_cast<std::uint64_t>(kMaxTokens)) {
    throw IoError(vocabulary.source + ": token " + detail::quoted(token) + ": id must be an integer in [0, " +
                  std::to_string(kMaxTokens) + "), got " + detail::quoted(id.dump()));
  }
  const auto index = id.get<std::size_t>();
  if (index >= vocabulary.kinds.size()) {
    vocabulary.kinds.resize(index + 1, TokenKind::unused);
    vocabulary.tokens.resize(index + 1);
  }
  vocabulary.tokens[index] = token;
  return vocabulary.kinds[index];
}

void add_ids(Vocabulary& vocabulary, const SortedJson& ids) {
  for (const auto& [token, id] : ids.items()) name_token(vocabulary, id, token) = kind_by_name(token);
}

// A score of 0 is probability 1: it marks pieces whose frequency was not estimated, such as control
// symbols.
void add_scored_piece(Vocabulary& vocabulary, std::string_view piece, TokenKind kind, double score) {
  if (!std::isfinite(score)) {
    throw IoError(vocabulary.source + ": piece " + std::to_string(vocabulary.kinds.size()) + ": score must be finite");
  }
  vocabulary.kinds.push_back(kind == TokenKind::ordinary && score >= 0 ? TokenKind::special : kind);
  vocabulary.log_probability.push_back(score);
  vocabulary.tokens.emplace_back(piece);
}

void add_unigram_pieces(Vocabulary& vocabulary, const SortedJson& pieces) {
  for (const auto& piece : pieces) {
    if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string() || !piece[1].is_number()) {
      throw IoError(vocabulary.source + ": model.vocab: entry " + std::to_string(vocabulary.kinds.size()) +
                    " must be a piece and its score");
    }
    const auto& text = piece[0].get_ref<const std::string&>();
    add_scored_piece(vocabulary, text, kind_by_name(text), piece[1].get<double>());
  }
}

void add_added_tokens(Vocabulary& vocabulary, const SortedJson& tokens) {
  for (const auto& token : tokens) {
    const auto content = token.is_object() ? token.find("content") : token.end();
    const auto id = token.is_object() ? token.find("id") : token.end();
    if (!token.is_object() || id == token.end() || content == token.end() || !content->is_string()) {
      throw IoError(vocabulary.source + ": added_tokens must be objects with id and content");
    }
    const auto& text = content->get_ref<const std::string&>();
    auto& kind = name_token(vocabulary, *id, text);
    const auto special = token.find("special");
    const bool is_special = special != token.end() && special->is_boolean() && special->get<bool>();
    const bool lacks_score = !vocabulary.log_probability.empty() && kind == TokenKind::unused;
    if (is_unused_name(text)) {
      kind = TokenKind::unused;
    } else if (is_special || lacks_score) {
      kind = TokenKind::special;
    } else if (kind == TokenKind::unused) {
      kind = kind_by_name(text);
    }
  }
  if (!vocabulary.log_probability.empty()) vocabulary.log_probability.resize(vocabulary.kinds.size());
}

TokenKind kind_of_piece(std::uint64_t type, std::string_view piece) {
  enum : std::uint64_t {
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5
  };  // sentencepiece_model.proto
  if (type == unused) return TokenKind::unused;
  const auto kind = kind_by_name(piece);
  const bool is_special = type == unknown || type == control || type == user_defined;
  return is_special && kind != TokenKind::unused ? TokenKind::special : kind;
}

void add_sentencepiece(Vocabulary& vocabulary, std::string_view message) {
  std::string_view piece;
  double score = 0;
  std::uint64_t type = 1;
  detail::ProtobufReader reader(message, vocabulary.source);
  while (const auto field = reader.next()) {
    if (field->number == 1) piece = field->bytes;
    if (field->number == 2 && field->is_fixed32) score = field->as_float();
    if (field->number == 3) type = field->integer;
  }
  add_scored_piece(vocabulary, piece, kind_of_piece(type, piece), score);
}

bool is_unigram_trainer(std::string_view message, const std::string& file) {
  constexpr std::uint64_t kUnigram = 1;
  std::uint64_t model_type = kUnigram;
  detail::ProtobufReader reader(message, file);
  while (const auto field = reader.next()) {
    if (field->number == 3) model_type = field->integer;
  }
  return model_type == kUnigram;
}

}  // namespace

Vocabulary parse_tokenizer_json(std::string_view text, const std::string& file) {
  const SortedJson tokenizer = parse_sorted_json_object(text, file);
  Vocabulary vocabulary{.kinds = {}, .log_probability = {}, .source = file};
  const auto model = tokenizer.find("model");
  const auto ids = model != tokenizer.end() && model->is_object() ? model->find("vocab") : tokenizer.end();
  if (model == tokenizer.end() || !model->is_object() || ids == model->end() ||
      !(ids->is_object() || ids->is_array())) {
    throw IoError(file + ": model.vocab must be an object token -> id or an array of scored pieces");
  }
  if (ids->is_object()) {
    add_ids(vocabulary, *ids);
  } else {
    add_unigram_pieces(vocabulary, *ids);
  }
  if (const auto added = tokenizer.find("added_tokens"); added != tokenizer.end() && !added->is_null()) {
    if (!added->is_array()) throw IoError(file + ": added_tokens must be an array, got " + added->type_name());
    add_added_tokens(vocabulary, *added);
  }
  return vocabulary;
}

Vocabulary parse_vocab_txt(std::string_view text, const std::string& file) {
  Vocabulary vocabulary{.kinds = {}, .log_probability = {}, .source = file};
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto token = text.substr(0, end);
    if (token.ends_with('\r')) token.remove_suffix(1);
    vocabulary.kinds.push_back(kind_by_name(token));
    vocabulary.tokens.emplace_back(token);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return vocabulary;
}

Vocabulary parse_vocab_json(std::string_view text, const std::string& file) {
  Vocabulary vocabulary{.kinds = {}, .log_probability = {}, .source = file};
  add_ids(vocabulary, parse_sorted_json_object(text, file));
  return vocabulary;
}

Vocabulary parse_sentencepiece_model(std::string_view bytes, const std::string& file) {
  Vocabulary vocabulary{.kinds = {}, .log_probability = {}, .source = file};
  bool is_unigram = true;
  detail::ProtobufReader reader(bytes, file);
  while (const auto field = reader.next()) {
    if (field->number == 1) add_sentencepiece(vocabulary, field->bytes);
    if (field->number == 2) is_unigram = is_unigram_trainer(field->bytes, file);
  }
  if (vocabulary.kinds.empty()) throw IoError(file + ": must be a SentencePiece model with pieces, got none");
  if (!is_unigram) vocabulary.log_probability.clear();  // scores of other models are not log probabilities
  return vocabulary;
}

std::optional<Vocabulary> read_vocabulary(const std::filesystem::path& folder) {
  using Parse = Vocabulary (*)(std::string_view, const std::string&);
  constexpr std::array<std::pair<const char*, Parse>, 7> kReaders = {
      {{"tokenizer.json", parse_tokenizer_json},
       {"vocab.txt", parse_vocab_txt},
       {"vocab.json", parse_vocab_json},
       {"spiece.model", parse_sentencepiece_model},
       {"tokenizer.model", parse_sentencepiece_model},
       {"spm.model", parse_sentencepiece_model},
       {"sentencepiece.bpe.model", parse_sentencepiece_model}}};
  for (const auto& [name, parse] : kReaders) {
    const auto path = folder / name;
    if (std::filesystem::exists(path)) return parse(detail::read_text_file(path, kMaxFileBytes), path.string());
  }
  return std::nullopt;
}

}  // namespace loewner
