// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_key_stream.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "attention/feature_gram.hpp"
#include "attention/power_attention.hpp"
#include "loewner/attention/heavy_keys.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {
namespace {

constexpr Index kMaxCols = 1 << 16;

void require_options(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options) {
  require(key_cols >= 1 && key_cols <= kMaxCols && value_cols >= 0 && value_cols <= kMaxCols, [&] {
    return "HeavyKeyStream: key_cols must be in [1, 65536] and value_cols in [0, 65536], got " +
           std::to_string(key_cols) + " and " + std::to_string(value_cols);
  });
  require(options.eps > 0 && options.eps <= 1,
          [&] { return "HeavyKeyStream: eps must be in (0, 1], got " + std::to_string(options.eps); });
}

void add_into(const Matrix<double>& part, Matrix<double>& sum) {
  for (Index i = 0; i < sum.rows() * sum.cols(); ++i) sum.data()[i] += part.data()[i];
}

void append(MatrixView<const float> rows, std::vector<float>& out) {
  for (Index i = 0; i < rows.rows(); ++i) out.insert(out.end(), rows.row(i).begin(), rows.row(i).end());
}

}  // namespace

HeavyKeyStream::HeavyKeyStream(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options)
    : key_cols_(key_cols), value_cols_(value_cols), options_(options) {
  require_options(key_cols, value_cols, options);
  detail::required_symmetric_degree(key_cols, options.power, "HeavyKeyStream");
  gram_ = heavy_key_gram(MatrixView<const float>(nullptr, 0, key_cols, key_cols), options.power);
}

MatrixView<const float> HeavyKeyStream::retained_keys() const {
  return {retained_.keys.data(), static_cast<Index>(retained_.indices.size()), key_cols_};
}

MatrixView<const float> HeavyKeyStream::retained_values() const {
  return {retained_.values.data(), static_cast<Index>(retained_.indices.size()), value_cols_};
}

void HeavyKeyStream::push(MatrixView<const float> keys, MatrixView<const float> values) {
  require(keys.cols() == key_cols_ && values.cols() == value_cols_ && keys.rows() == values.rows(), [&] {
    return "HeavyKeyStream: keys and values must be b x " + std::to_string(key_cols_) + " and b x " +
           std::to_string(value_cols_) + ", got " + std::to_string(keys.rows()) + " x " + std::to_string(keys.cols()) +
           " and " + std::to_string(values.rows()) + " x " + std::to_string(values.cols());
  });
  require_finite_rows(values, 0, "HeavyKeyStream: the matrix of values");
  require_finite_rows(keys, 0, "HeavyKeyStream: the matrix of keys");
  const int degree = detail::required_symmetric_degree(key_cols_, options_.power, "HeavyKeyStream");
  detail::require_finite_powers(keys, options_.power, "HeavyKeyStream");
  detail::add_feature_gram(detail::SymmetricPower(key_cols_, degree), keys, gram_);
  append(keys, retained_.keys);
  append(values, retained_.values);
  for (Index i = 0; i < keys.rows(); ++i) retained_.indices.push_back(count_ + i);
  count_ += keys.rows();
  compact_when_full();
}

void HeavyKeyStream::merge(const HeavyKeyStream& other) {
  require(other.key_cols_ == key_cols_ && other.value_cols_ == value_cols_ && other.options_.eps == options_.eps &&
              other.options_.power == options_.power,
          [] { return std::string("HeavyKeyStream: streams to merge must have the same shapes and options"); });
  const Retained theirs = other.retained_;  // a copy, since `other` may be this stream
  add_into(other.gram_, gram_);
  retained_.keys.insert(retained_.keys.end(), theirs.keys.begin(), theirs.keys.end());
  retained_.values.insert(retained_.values.end(), theirs.values.begin(), theirs.values.end());
  for (const Index index : theirs.indices) retained_.indices.push_back(count_ + index);
  count_ += other.count_;
  compact_when_full();
}

HeavyKeyStream::Kept HeavyKeyStream::current() const {
  HeavyKeyOptions options;
  options.power = options_.power;
  options.eps = options_.eps;
  const HeavyKeys heavy = select_heavy_keys_in(retained_keys(), gram_, options);
  const auto kept = static_cast<Index>(heavy.indices.size());
  Kept result;
  result.keys = Matrix<float>::uninitialized(kept, key_cols_);
  result.values = Matrix<float>::uninitialized(kept, value_cols_);
  result.rank = heavy.rank;
  for (Index i = 0; i < kept; ++i) {
    const Index j = heavy.indices[i];
    result.indices.push_back(retained_.indices[j]);
    result.scores.push_back(heavy.scores[j]);
    std::ranges::copy(retained_keys().row(j), result.keys.row(i).begin());
    std::ranges::copy(retained_values().row(j), result.values.row(i).begin());
  }
  return result;
}

void HeavyKeyStream::compact_when_full() {
  const auto held = static_cast<double>(retained_.indices.size());
  if (held <= 2 * std::ceil(static_cast<double>(gram_.rows()) / options_.eps)) return;
  const Kept kept = current();
  retained_ = {.indices = kept.indices, .keys = {}, .values = {}};
  append(kept.keys.view(), retained_.keys);
  append(kept.values.view(), retained_.values);
}

Matrix<float> HeavyKeyStream::attend(MatrixView<const float> queries) const {
  require(queries.cols() == key_cols_, [&] {
    return "HeavyKeyStream: queries must have " + std::to_string(key_cols_) + " columns, got " +
           std::to_string(queries.cols());
  });
  require_finite_rows(queries, 0, "HeavyKeyStream: the matrix of queries");
  const Kept kept = current();
  const int degree = detail::required_symmetric_degree(key_cols_, options_.power, "HeavyKeyStream");
  const Matrix<float> scaled =
      detail::has_ordinary_powers(queries, options_.power) ? Matrix<float>() : detail::with_scaled_rows(queries);
  const auto rows = scaled.rows() > 0 ? scaled.view() : queries;
  const auto sums = detail::power_sums(detail::SymmetricPower(key_cols_, degree), gram_, rows);
  return detail::weighted_values(detail::powers_of(detail::inner_products(rows, kept.keys.view()), options_.power),
                                 kept.values.view(), sums);
}

}  // namespace loewner
