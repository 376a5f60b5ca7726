// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_key_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "attention/even_power.hpp"
#include "attention/kept_attention.hpp"
#include "loewner/attention/heavy_keys.hpp"
#include "loewner/base/checked_size.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner {
namespace {

constexpr std::string_view kMagic = "LWHEAVY1";
constexpr Index kMaxCols = 1 << 16;

void require_options(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options) {
  require(key_cols >= 1 && key_cols <= kMaxCols && value_cols >= 0 && value_cols <= kMaxCols, [&] {
    return "HeavyKeyStream: columns of keys and values must be in [1, 65536] and [0, 65536], got " +
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

// Numbers one after the other, in the byte order of the machines that transformers run on: little-endian.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  template <typename T>
  void put(const T* values, Index count) {
    if (count > 0) out_.append(reinterpret_cast<const char*>(values), static_cast<std::size_t>(count) * sizeof(T));
  }
  template <typename T>
  void put(T value) {
    put(&value, 1);
  }

 private:
  std::string& out_;
};

[[noreturn]] void refuse(const std::string& rule) {
  throw IoError("state of a stream of heavy keys: " + rule);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  void take(T* values, Index count) {
    const auto size = checked_product(count, static_cast<Index>(sizeof(T)));
    if (!size || *size > static_cast<Index>(bytes_.size())) refuse("ends too early");
    if (*size > 0) std::memcpy(values, bytes_.data(), static_cast<std::size_t>(*size));
    bytes_.remove_prefix(static_cast<std::size_t>(*size));
  }
  template <typename T>
  T take() {
    T value{};
    take(&value, 1);
    return value;
  }
  // A number of things that take at least `bytes_each` bytes of what is left.
  Index take_count(Index bytes_each, const char* what) {
    const auto count = take<Index>();
    const auto size = checked_product(count, bytes_each);
    if (!size || *size > static_cast<Index>(bytes_.size())) refuse(std::string(what) + " does not fit the size");
    return count;
  }
  bool is_at_end() const { return bytes_.empty(); }
  void take_magic() {
    if (!bytes_.starts_with(kMagic)) refuse("does not begin with " + std::string(kMagic));
    bytes_.remove_prefix(kMagic.size());
  }

 private:
  std::string_view bytes_;
};

// Before a matrix of the size that the bytes name is made.
void require_room_for_gram(Index key_cols, double power, Index bytes) {
  const auto degree = key_cols >= 1 ? detail::lifting_degree(key_cols, power) : std::nullopt;
  if (!degree) refuse("power and columns of keys must be those of a stream");
  const Index dimension = *detail::SymmetricPower::dimension(key_cols, *degree);
  const auto numbers = checked_product(dimension, dimension);
  if (!numbers || *numbers > bytes / Index{sizeof(double)}) refuse("ends before its Gram matrix");
}

void require_finite_numbers(std::span<const float> numbers, const char* what) {
  if (!std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); })) {
    refuse(std::string(what) + " must be finite");
  }
}

// A matrix that is no sum of phi(k) phi(k)^T would give scores that bound nothing.
void require_gram(const Matrix<double>& upper) {
  Matrix<double> gram = upper.clone();
  for (Index i = 0; i < gram.rows(); ++i) {
    for (Index j = 0; j < gram.cols(); ++j) {
      if (!std::isfinite(gram(i, j))) refuse("the Gram matrix must be finite");
      if (j < i) gram(i, j) = gram(j, i);
    }
  }
  const auto values = symmetric_eigen(std::move(gram)).values;
  if (values.back() < -1e-9 * std::abs(values.front())) refuse("the Gram matrix must not have negative eigenvalues");
}

}  // namespace

HeavyKeyStream::HeavyKeyStream(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options)
    : key_cols_(key_cols), value_cols_(value_cols), options_(options) {
  require_options(key_cols, value_cols, options);
  detail::required_lifting_degree(key_cols, options.power, "HeavyKeyStream");
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
  const int degree = detail::required_lifting_degree(key_cols_, options_.power, "HeavyKeyStream");
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
  const Retained theirs = other.retained_;  // a copy: other may be this stream
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
  const int degree = detail::required_lifting_degree(key_cols_, options_.power, "HeavyKeyStream");
  const auto sums = detail::power_sums(detail::SymmetricPower(key_cols_, degree), gram_, queries);
  return detail::weighted_values(detail::power_weights(queries, kept.keys.view(), options_.power), kept.values.view(),
                                 sums);
}

std::string HeavyKeyStream::to_bytes() const {
  std::string bytes(kMagic);
  Writer writer(bytes);
  writer.put(options_.power);
  writer.put(options_.eps);
  writer.put(key_cols_);
  writer.put(value_cols_);
  writer.put(count_);
  writer.put(static_cast<Index>(retained_.indices.size()));
  writer.put(gram_.data(), gram_.rows() * gram_.cols());
  writer.put(retained_.indices.data(), static_cast<Index>(retained_.indices.size()));
  writer.put(retained_.keys.data(), static_cast<Index>(retained_.keys.size()));
  writer.put(retained_.values.data(), static_cast<Index>(retained_.values.size()));
  return bytes;
}

HeavyKeyStream HeavyKeyStream::from_bytes(std::string_view bytes) {
  Reader reader(bytes);
  reader.take_magic();
  const auto power = reader.take<double>(), eps = reader.take<double>();
  const Index key_cols = reader.take_count(Index{sizeof(double)}, "the number of columns of keys");
  const auto value_cols = reader.take<Index>(), count = reader.take<Index>();
  const Index kept = reader.take_count(key_cols * Index{sizeof(float)}, "the number of kept keys");
  require_room_for_gram(key_cols, power, static_cast<Index>(bytes.size()));
  HeavyKeyStream stream = [&] {
    try {
      return HeavyKeyStream(key_cols, value_cols, {.power = power, .eps = eps});
    } catch (const InvalidArgument& error) {
      refuse(error.what());
    }
  }();
  stream.count_ = count;
  reader.take(stream.gram_.data(), stream.gram_.rows() * stream.gram_.cols());
  stream.retained_.indices.resize(static_cast<std::size_t>(kept));
  reader.take(stream.retained_.indices.data(), kept);
  stream.retained_.keys.resize(static_cast<std::size_t>(kept * key_cols));
  reader.take(stream.retained_.keys.data(), kept * key_cols);
  const auto value_bytes = checked_product(kept, value_cols * Index{sizeof(float)});
  if (!value_bytes || *value_bytes > static_cast<Index>(bytes.size()))
    refuse("the columns of values do not fit the size");
  stream.retained_.values.resize(static_cast<std::size_t>(kept * value_cols));
  reader.take(stream.retained_.values.data(), kept * value_cols);
  if (!reader.is_at_end()) refuse("has bytes behind its end");
  Index before = -1;
  for (const Index index : stream.retained_.indices) {
    if (index <= before || index >= count) refuse("indices must ascend below the number of keys");
    before = index;
  }
  require_gram(stream.gram_);
  require_finite_numbers(stream.retained_.keys, "keys");
  require_finite_numbers(stream.retained_.values, "values");
  return stream;
}

}  // namespace loewner
