// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/less_embedding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

void require_usable(std::span<const double> scores, const LessOptions& options) {
  const auto bad = std::ranges::find_if_not(scores, [](double l) { return l >= 0 && std::isfinite(l); });
  require(bad == scores.end(), [&] {
    return "LessEmbedding: scores must be finite and >= 0, got " + std::to_string(*bad) + " for row " +
           std::to_string(bad - scores.begin());
  });
  require(std::ranges::any_of(scores, [](double l) { return l > 0; }),
          [] { return std::string("LessEmbedding: at least one score must be positive"); });
  require(options.rows >= 1 && options.rows <= std::numeric_limits<std::int32_t>::max() && options.row_nonzeros > 0 &&
              std::isfinite(options.row_nonzeros) && std::isfinite(options.uniform_share),
          [&] {
            return "LessEmbedding: rows must be in [1, 2^31) and row_nonzeros positive and finite, got " +
                   std::to_string(options.rows) + " and " + std::to_string(options.row_nonzeros);
          });
}

// The entries of column j: each of the m rows has one with probability p, independently, so gaps are geometric.
void append_column(const LessOptions& options, Index j, double p, CscMatrix& s) {
  RandomStream random(options.seed, RandomPurpose::sketch, static_cast<std::uint64_t>(j));
  const double value = 1 / std::sqrt(static_cast<double>(options.rows) * p), log_out = std::log1p(-p);
  const auto gap = [&] { return p >= 1 ? 0.0 : std::floor(std::log1p(-random.uniform()) / log_out); };
  double row = gap();
  while (row < static_cast<double>(options.rows)) {
    s.row_indices.push_back(static_cast<std::int32_t>(row));
    s.values.push_back((random.next_word() & 1) ? -value : value);
    row += 1 + gap();
  }
  s.col_offsets.push_back(static_cast<std::int64_t>(s.values.size()));
}

template <typename T>
void add_row(MatrixView<const T> rows, Index i, double factor, std::span<double> out) {
  detail::add_scaled(factor, rows.row(i), out);
}

template <typename T>
void add_row(CsrView<T> rows, Index i, double factor, std::span<double> out) {
  const auto columns = rows.columns_of(i);
  const auto values = rows.values_of(i);
  for (std::size_t k = 0; k < columns.size(); ++k) out[columns[k]] += factor * static_cast<double>(values[k]);
}

}  // namespace

LessEmbedding::LessEmbedding(std::span<const double> scores, const LessOptions& options) {
  require_usable(scores, options);
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0), n = static_cast<double>(scores.size());
  const double uniform = options.uniform_share < 0 ? sum : options.uniform_share * sum;
  s_.rows = options.rows;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const double p = std::min(1.0, options.row_nonzeros * (scores[j] + uniform / n) / (sum + uniform));
    if (p > 0) {
      append_column(options, static_cast<Index>(j), p, s_);
    } else {
      s_.col_offsets.push_back(s_.col_offsets.back());
    }
  }
}

Matrix<double> LessEmbedding::apply(const RowMatrix& a) const {
  require(a.rows() == cols(), [&] {
    return "LessEmbedding: the matrix must have " + std::to_string(cols()) + " rows, got " + std::to_string(a.rows());
  });
  Matrix<double> result(rows(), a.cols());
  const Index per_block = rows_per_block(a.cols());
  for (Index first = 0; first < a.rows(); first += per_block) {
    const Index count = std::min(per_block, a.rows() - first);
    if (s_.col_offsets[first] == s_.col_offsets[first + count]) continue;
    a.visit_rows(first, count, [&](const auto& rows) {
      for (Index i = 0; i < count; ++i) {
        for (std::int64_t k = s_.col_offsets[first + i]; k < s_.col_offsets[first + i + 1]; ++k) {
          add_row(rows, i, s_.values[k], result.row(s_.row_indices[k]));
        }
      }
    });
  }
  const bool finite = std::all_of(result.data(), result.data() + result.rows() * result.cols(),
                                  [](double x) { return std::isfinite(x); });
  if (!finite) {
    require_finite(a, "LessEmbedding: the matrix");
    throw InvalidArgument("LessEmbedding: the entries are so large that their sums overflow");
  }
  return result;
}

}  // namespace loewner
