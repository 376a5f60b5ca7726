// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/model/vocabulary.hpp"

namespace loewner {

/// Where the weights of a token embedding's rows come from.
enum class RowWeightKind {
  none,    ///< every row counts the same
  zipf,    ///< from the tokenizer alone
  counts,  ///< from the user's token counts
};

/// Counts of a small text are damped by a root, because rare tokens' counts are noise.
inline constexpr double kCountExponent = 0.5;

struct RowWeightOptions {
  RowWeightKind kind = RowWeightKind::zipf;
  double exponent = 1;                ///< > 0; of the estimated frequency
  std::filesystem::path counts_file;  ///< for `counts`
};

/// Reads `none`, `zipf` (exponent 1), `zipf:EXPONENT`, or the path of a file of token counts (exponent
/// kCountExponent). InvalidArgument on a bad exponent.
RowWeightOptions parse_row_weights(std::string_view text);

/// Weights u_i > 0 of the rows of a token embedding, the largest 1; none for RowWeightKind::none.
struct RowWeights {
  std::vector<double> values;
  std::string description;  ///< where they came from, for reports
};

/// u_i estimates how often row i is read, to the power of the exponent.
///
/// Method    zipf: (1 / (r + 10))^exponent with r the rank that token_ranks() guesses. Unigram models:
///           exp(score)^exponent. Without a vocabulary r is the id. counts: (count + 1)^exponent; ids that the file
///           does not name have count 0. Special tokens occur in every text: they get the largest weight of an ordinary
///           token. Unused ids, and rows beyond the vocabulary, get the smallest.
/// Errors    InvalidArgument unless exponent > 0 and rows >= 1.
RowWeights zipf_row_weights(const std::optional<Vocabulary>& vocabulary, Index rows, double exponent);
RowWeights count_row_weights(const std::vector<std::int64_t>& counts, const std::optional<Vocabulary>& vocabulary,
                             double exponent);

/// Token counts: lines `id<TAB>count`, or a JSON object {"id": count}.
///
/// Errors    IoError naming the file, and of lines the number, on anything else, an id outside [0, rows), a negative
///           count or an id given twice.
std::vector<std::int64_t> parse_token_counts(std::string_view text, Index rows, const std::string& file);

/// The weights that the options ask for, for a token embedding of `rows` rows in a model folder.
RowWeights row_weights(const RowWeightOptions& options, const std::filesystem::path& model_folder, Index rows);

}  // namespace loewner
