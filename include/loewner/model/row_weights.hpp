// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/model/vocabulary.hpp"

namespace loewner {

/// The source of the weights of a token embedding's rows.
enum class RowWeightKind {
  none,    ///< all rows have the same weight
  zipf,    ///< from the tokenizer alone
  counts,  ///< from the user's token counts
  text,    ///< from the counts of a calibration text, which the caller holds
};

/// Exponent of token counts. The square root damps them, because counts of rare tokens are noise.
inline constexpr double kCountExponent = 0.5;

/// The tokens that the estimate of the tokenizer is worth beside counts, relative to their sum
/// (docs/row-weights.md).
inline constexpr double kPriorTokens = 0.5;

struct RowWeightOptions {
  RowWeightKind kind = RowWeightKind::zipf;
  double exponent = 1;                ///< power of the estimated frequency; > 0
  std::filesystem::path counts_file;  ///< for `counts`
};

/// Parses `none`, `zipf` (exponent 1), `zipf:EXPONENT`, `text:EXPONENT`, or the path of a file of
/// token counts (exponent kCountExponent).
///
/// Errors    InvalidArgument on an empty text, and unless the exponent is a number above 0.
RowWeightOptions parse_row_weights(std::string_view text);

/// Weights u_i > 0 of the rows of a token embedding; the largest is 1. No values for
/// RowWeightKind::none.
struct RowWeights {
  std::vector<double> values;
  std::string description;  ///< source of the weights, for reports
};

/// Computes u_i = f_i^exponent, f_i an estimate of the frequency of token i, scaled to a maximum of
/// 1.
///
/// Shapes    counts: one per row.
/// Method    zipf_row_weights: f_i = 1 / (r_i + 10) with the rank r_i of token_ranks(); exp(score)
///           for unigram models; r_i = i without a vocabulary. count_row_weights: f_i = (c_i + K
///           z_i) / (N + K), with the count c_i, the sum N of the counts of ordinary tokens, K =
///           kPriorTokens N, and the estimate z_i of zipf_row_weights, which sums to 1.
///           Special tokens occur in every text and get the largest weight of an ordinary token.
///           Unused ids, and rows beyond the vocabulary, get the smallest.
/// Cost      O(rows), and that of token_ranks().
/// Accuracy  an estimate without guarantee; measured on all-MiniLM-L6-v2 (docs/row-weights.md).
/// Errors    InvalidArgument unless exponent > 0 and there is at least one row.
RowWeights zipf_row_weights(const std::optional<Vocabulary>& vocabulary, Index rows, double exponent);
RowWeights count_row_weights(const std::vector<std::int64_t>& counts, const std::optional<Vocabulary>& vocabulary,
                             double exponent);

/// Parses token counts: lines `id<TAB>count`, or a JSON object {"id": count}. Ids that the text
/// does not name have count 0.
///
/// Shapes    result: one count per row.
/// Method    JSON if the text begins with "{", lines otherwise.
/// Cost      O(rows), and linear in the text; JSON takes O(log rows) more for each id.
/// Accuracy  exact 64-bit integers.
/// Errors    IoError, naming the file and the line, on any other text, an id outside [0, rows), a
///           negative count, or an id that is given twice.
std::vector<std::int64_t> parse_token_counts(std::string_view text, Index rows, const std::string& file);

/// Computes the weights that the options ask for, for a token embedding with `rows` rows in a model
/// folder.
///
/// Shapes    result: one value per row; none for RowWeightKind::none.
/// Method    read_vocabulary() and zipf_row_weights(), or parse_token_counts() and
///           count_row_weights().
/// Cost      reads the tokenizer's files or the file of counts; then O(rows).
/// Accuracy  that of zipf_row_weights().
/// Errors    IoError when the file of counts is broken; InvalidArgument as zipf_row_weights(), and
///           for RowWeightKind::text. If the tokenizer cannot be read, estimated weights are equal
///           and the description says so.
RowWeights row_weights(const RowWeightOptions& options, const std::filesystem::path& model_folder, Index rows);

/// The same for a checkpoint. If the tokens of a static embedding model share rows (tensor
/// `mapping`), a row has the sum of its tokens' weights.
///
/// Shapes    result: one value per row; none for RowWeightKind::none.
/// Method    the weights of the tokens, added for each row and divided by the largest sum.
/// Cost      that of the above, and O(tokens).
/// Accuracy  that of the above.
/// Errors    those of the above, and IoError when `mapping` names a row that does not exist.
RowWeights row_weights(const RowWeightOptions& options, const Checkpoint& model, Index rows);

/// The same with counts that the caller holds (RowWeightKind::text); tokens beyond them have count
/// 0.
///
/// Shapes    counts: one per token; result: one value per row.
/// Method    count_row_weights(), and the sums of row_weights().
/// Cost      reads the tokenizer's files; then O(rows).
/// Accuracy  that of count_row_weights().
/// Errors    those of count_row_weights(), and IoError when `mapping` names a row that does not
///           exist.
RowWeights text_row_weights(std::vector<std::int64_t> counts, double exponent, const Checkpoint& model, Index rows);

}  // namespace loewner
