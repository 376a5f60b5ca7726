// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/model/vocabulary.hpp"

namespace loewner {

/// Where every token id would stand, 0 first, in a list of all tokens by frequency, guessed from their order and texts.
/// Only ranks of ordinary tokens mean anything.
///
/// Method    Vocabularies are roughly sorted by frequency, so the rank is the number of ordinary tokens of smaller id.
///           Left out of that count are tokens whose place says nothing about frequency:
///           - The alphabet. WordPiece and GPT-2's BPE begin with all single characters in the order of their code
///             points: all-MiniLM-L6-v2 has a thousand of them before "the". It is known by that order. ASCII
///             punctuation and digits get rank 0, ASCII letters 100, other characters the rank in the middle; the
///             bytes of a byte-level BPE 100, its space and line break 0. Where characters are most of the vocabulary,
///             as in Chinese models, they are its words, and no rank is changed.
///           - Byte fallbacks `<0xNN>` of SentencePiece: the rank in the middle, the line break 0.
/// Cost      O(tokens).
/// Source    measured on all-MiniLM-L6-v2, docs/row-weights.md.
std::vector<double> token_ranks(const Vocabulary& vocabulary);

}  // namespace loewner
