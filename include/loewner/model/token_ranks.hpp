// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/model/vocabulary.hpp"

namespace loewner {

/// Estimates the rank of every token id by frequency (0: the most frequent token) from the order
/// and the texts of the tokens. The ranks of tokens that are not ordinary have no meaning.
///
/// Shapes    the result has one rank per token id.
/// Method    Vocabularies are roughly sorted by frequency, so the rank is the number of ordinary
///           tokens with a smaller id. Tokens whose position says nothing about frequency are left
///           out of that count:
///           - The alphabet. WordPiece and GPT-2's BPE begin with all single characters in the
///             order of their code points (all-MiniLM-L6-v2: a thousand of them before "the"); that
///             order identifies it. ASCII punctuation and digits get rank 0, ASCII letters 100,
///             other characters the middle rank; the bytes of a byte-level BPE get 100, its space
///             and line break 0. If characters are most of the vocabulary, as in Chinese models,
///             they are its words, and no rank is changed.
///           - Byte fallbacks `<0xNN>` of SentencePiece get the middle rank, the line break 0.
/// Cost      O(tokens).
/// Accuracy  measured on all-MiniLM-L6-v2 (docs/row-weights.md); no guarantee.
/// Errors    none.
std::vector<double> token_ranks(const Vocabulary& vocabulary);

}  // namespace loewner
