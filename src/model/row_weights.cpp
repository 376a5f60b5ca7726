// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/row_weights.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <system_error>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"
#include "loewner/model/token_ranks.hpp"
#include "model/quoted.hpp"
#include "model/static_model.hpp"

namespace loewner {
namespace {

// Zipf's law: frequency ~ 1 / (r + offset). The measurements of docs/row-weights.md use 10.
constexpr double kZipfOffset = 10;
// Smallest weight relative to the largest: a row of weight 0 would not be fitted at all.
constexpr double kSmallestWeight = 1e-12;
constexpr Index kMaxCountsBytes = Index{1} << 30;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string to_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

void require_exponent(double exponent) {
  require(std::isfinite(exponent) && exponent > 0,
          [&] { return "row weights: exponent must be positive and finite, got " + to_text(exponent); });
}

TokenKind kind_of(const std::optional<Vocabulary>& vocabulary, Index row) {
  if (!vocabulary) return TokenKind::ordinary;
  return row < static_cast<Index>(vocabulary->kinds.size()) ? vocabulary->kinds[row] : TokenKind::unused;
}

// A table may have fewer rows than its vocabulary, or rows beyond it.
Index known_rows(const Vocabulary& vocabulary, Index rows) {
  return std::min(rows, static_cast<Index>(vocabulary.kinds.size()));
}

// Logarithms of the estimated frequencies; those of special and unused rows are not used.
std::vector<double> zipf_log_frequencies(const std::optional<Vocabulary>& vocabulary, Index rows) {
  std::vector<double> logs(rows);
  if (vocabulary && !vocabulary->log_probability.empty()) {
    std::ranges::copy_n(vocabulary->log_probability.begin(), known_rows(*vocabulary, rows), logs.begin());
    return logs;
  }
  std::iota(logs.begin(), logs.end(), 0.0);
  if (vocabulary) std::ranges::copy_n(token_ranks(*vocabulary).begin(), known_rows(*vocabulary, rows), logs.begin());
  for (double& value : logs) value = -std::log(value + kZipfOffset);
  return logs;
}

// exp(exponent * log), scaled so that the largest ordinary row has weight 1. Special rows get 1,
// unused rows the smallest weight of an ordinary row.
std::vector<double> weights_from_logs(std::vector<double> logs, double exponent,
                                      const std::optional<Vocabulary>& vocabulary) {
  const auto rows = static_cast<Index>(logs.size());
  double largest = -std::numeric_limits<double>::infinity();
  for (Index row = 0; row < rows; ++row) {
    if (kind_of(vocabulary, row) == TokenKind::ordinary) largest = std::max(largest, logs[row]);
  }
  double smallest = 1;
  for (Index row = 0; row < rows; ++row) {
    if (kind_of(vocabulary, row) != TokenKind::ordinary) continue;
    logs[row] = std::max(kSmallestWeight, std::exp(exponent * (logs[row] - largest)));
    smallest = std::min(smallest, logs[row]);
  }
  for (Index row = 0; row < rows; ++row) {
    if (kind_of(vocabulary, row) == TokenKind::special) logs[row] = 1;
    if (kind_of(vocabulary, row) == TokenKind::unused) logs[row] = smallest;
  }
  return logs;
}

// Counts alone would give zero to every token that a short text lacks, so the estimate of the
// tokenizer joins them as kPriorTokens times as many tokens.
std::vector<double> posterior_log_frequencies(const std::vector<std::int64_t>& counts,
                                              const std::optional<Vocabulary>& vocabulary) {
  const auto rows = static_cast<Index>(counts.size());
  std::vector<double> logs = zipf_log_frequencies(vocabulary, rows);
  double largest = -std::numeric_limits<double>::infinity(), sum_of_prior = 0, sum_of_counts = 0;
  const auto is_ordinary = [&](Index row) { return kind_of(vocabulary, row) == TokenKind::ordinary; };
  for (Index row = 0; row < rows; ++row) {
    if (is_ordinary(row)) largest = std::max(largest, logs[row]);
  }
  for (Index row = 0; row < rows; ++row) {
    if (!is_ordinary(row)) continue;
    sum_of_prior += std::exp(logs[row] - largest);
    sum_of_counts += static_cast<double>(counts[row]);
  }
  if (!(sum_of_counts > 0)) return logs;
  for (Index row = 0; row < rows; ++row) {
    const double prior = kPriorTokens * std::exp(logs[row] - largest) / sum_of_prior;
    logs[row] = std::log(static_cast<double>(counts[row]) / sum_of_counts + prior);
  }
  return logs;
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::string describe_zipf(const std::optional<Vocabulary>& vocabulary, double exponent) {
  const std::string power = ", exponent " + to_text(exponent);
  if (!vocabulary) return "zipf by token id (no tokenizer file)" + power;
  if (!vocabulary->log_probability.empty()) return "unigram scores of " + file_name(vocabulary->source) + power;
  return "zipf by the tokens' order and texts in " + file_name(vocabulary->source) + power;
}

// Collects counts and refuses invalid ids and counts.
class CountTable {
 public:
  explicit CountTable(Index rows) : counts_(rows), seen_(rows) {}

  void add(std::string_view id, std::optional<std::int64_t> count, const std::string& where) {
    const auto row = parse_number<Index>(id);
    if (!row || *row < 0 || *row >= static_cast<Index>(counts_.size())) {
      throw IoError(where + "token id must be an integer in [0, " + std::to_string(counts_.size()) + "), got " +
                    detail::quoted(id));
    }
    if (!count || *count < 0)
      throw IoError(where + "count of token " + detail::quoted(id) + " must be an integer >= 0");
    if (seen_[*row]) throw IoError(where + "token " + detail::quoted(id) + " must not be repeated");
    seen_[*row] = true;
    counts_[*row] = *count;
  }

  std::vector<std::int64_t> take() { return std::move(counts_); }

 private:
  std::vector<std::int64_t> counts_;
  std::vector<bool> seen_;
};

void add_json_counts(CountTable& table, std::string_view text, const std::string& file) {
  const SortedJson counts = parse_sorted_json_object(text, file);
  for (const auto& [id, count] : counts.items()) {
    table.add(id, count.is_number_integer() ? std::optional(count.get<std::int64_t>()) : std::nullopt, file + ": ");
  }
}

void add_line_counts(CountTable& table, std::string_view text, const std::string& file) {
  for (Index line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    auto fields = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (fields.ends_with('\r')) fields.remove_suffix(1);
    const std::string where = file + ": line " + std::to_string(line) + ": ";
    const auto tab = fields.find('\t');
    if (tab == fields.npos)
      throw IoError(where + "must be a token id, a tab and a count, got " + detail::quoted(fields));
    table.add(fields.substr(0, tab), parse_number<std::int64_t>(fields.substr(tab + 1)), where);
  }
}

// A guess from a file that cannot be read would be wrong, so the rows get equal weights.
RowWeights estimated_row_weights(const std::filesystem::path& folder, Index rows, double exponent) try {
  return zipf_row_weights(read_vocabulary(folder), rows, exponent);
} catch (const IoError&) {
  return {.values = {}, .description = "none (the tokenizer cannot be read)"};
}

// Counts are complete without a tokenizer; it only marks special tokens.
std::optional<Vocabulary> readable_vocabulary(const std::filesystem::path& folder) try {
  return read_vocabulary(folder);
} catch (const IoError&) {
  return std::nullopt;
}

}  // namespace

RowWeightOptions parse_row_weights(std::string_view text) {
  require(!text.empty(),
          [] { return std::string("row weights must be none, zipf, zipf:EXPONENT or a file of counts, got nothing"); });
  if (text == "none") return {.kind = RowWeightKind::none, .counts_file = {}};
  if (text == "zipf") return {.kind = RowWeightKind::zipf, .counts_file = {}};
  for (const auto kind : {RowWeightKind::zipf, RowWeightKind::text}) {
    if (!text.starts_with(kind == RowWeightKind::zipf ? "zipf:" : "text:")) continue;
    const auto exponent = parse_number<double>(text.substr(5));
    require(exponent.has_value(),
            [&] { return "row weights: exponent must be a number, got " + detail::quoted(text.substr(5)); });
    require_exponent(*exponent);
    return {.kind = kind, .exponent = *exponent, .counts_file = {}};
  }
  return {.kind = RowWeightKind::counts, .exponent = kCountExponent, .counts_file = std::filesystem::path(text)};
}

RowWeights zipf_row_weights(const std::optional<Vocabulary>& vocabulary, Index rows, double exponent) {
  require_exponent(exponent);
  require(rows >= 1, [&] { return "row weights: rows must be at least 1, got " + std::to_string(rows); });
  return {.values = weights_from_logs(zipf_log_frequencies(vocabulary, rows), exponent, vocabulary),
          .description = describe_zipf(vocabulary, exponent)};
}

RowWeights count_row_weights(const std::vector<std::int64_t>& counts, const std::optional<Vocabulary>& vocabulary,
                             double exponent) {
  require_exponent(exponent);
  require(!counts.empty(), [] { return std::string("row weights: counts must have at least one row, got none"); });
  return {.values = weights_from_logs(posterior_log_frequencies(counts, vocabulary), exponent, vocabulary),
          .description = "token counts and " + describe_zipf(vocabulary, exponent)};
}

std::vector<std::int64_t> parse_token_counts(std::string_view text, Index rows, const std::string& file) {
  CountTable table(rows);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') {
    add_json_counts(table, text, file);
  } else {
    add_line_counts(table, text, file);
  }
  return table.take();
}

RowWeights row_weights(const RowWeightOptions& options, const std::filesystem::path& model_folder, Index rows) {
  switch (options.kind) {
    case RowWeightKind::none:
      return {.values = {}, .description = "none"};
    case RowWeightKind::zipf:
      return estimated_row_weights(model_folder, rows, options.exponent);
    case RowWeightKind::text:
      throw InvalidArgument("row weights: 'text' needs the counts of a calibration text");
    case RowWeightKind::counts:
      break;
  }
  const auto& file = options.counts_file;
  const auto counts = parse_token_counts(detail::read_text_file(file, kMaxCountsBytes), rows, file.string());
  RowWeights weights = count_row_weights(counts, readable_vocabulary(model_folder), options.exponent);
  weights.description += ", from " + file.filename().string();
  return weights;
}

namespace {

// The weights of the rows of a checkpoint from those of a number of tokens. Tokens may share rows.
template <typename OfTokens>
RowWeights weights_of_rows(const Checkpoint& model, Index rows, const OfTokens& of_tokens) {
  const std::vector<Index> row_of_token = detail::static_mapping(model, rows);
  const Index tokens = row_of_token.empty() ? rows : static_cast<Index>(row_of_token.size());
  RowWeights weights = of_tokens(tokens);
  if (row_of_token.empty() || weights.values.empty()) return weights;
  std::vector<double> sums(rows, kSmallestWeight);
  for (std::size_t token = 0; token < row_of_token.size(); ++token) sums[row_of_token[token]] += weights.values[token];
  const double largest = *std::ranges::max_element(sums);
  for (double& sum : sums) sum /= largest;
  weights.values = std::move(sums);
  return weights;
}

}  // namespace

RowWeights row_weights(const RowWeightOptions& options, const Checkpoint& model, Index rows) {
  return weights_of_rows(model, rows,
                         [&](Index tokens) { return row_weights(options, model.tokenizer_folder(), tokens); });
}

RowWeights text_row_weights(std::vector<std::int64_t> counts, double exponent, const Checkpoint& model, Index rows) {
  RowWeights weights = weights_of_rows(model, rows, [&](Index tokens) {
    counts.resize(static_cast<std::size_t>(tokens));
    return count_row_weights(counts, readable_vocabulary(model.tokenizer_folder()), exponent);
  });
  weights.description += ", from the calibration text";
  return weights;
}

}  // namespace loewner
