// SPDX-License-Identifier: Apache-2.0
// The stored form of HeavyKeyStream: to_bytes and from_bytes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "attention/symmetric_power.hpp"
#include "loewner/attention/heavy_key_stream.hpp"
#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner {
namespace {

constexpr std::string_view kMagic = "LWHEAVY1";

// Writes numbers without padding in the byte order of the machine (little-endian on all supported
// ones).
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
  throw IoError("HeavyKeyStream::from_bytes: " + rule);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  void take(T* values, Index count) {
    const auto size = checked_product(count, static_cast<Index>(sizeof(T)));
    if (!size || *size > static_cast<Index>(bytes_.size())) refuse("the data end early");
    if (*size > 0) std::memcpy(values, bytes_.data(), static_cast<std::size_t>(*size));
    bytes_.remove_prefix(static_cast<std::size_t>(*size));
  }
  template <typename T>
  T take() {
    T value{};
    take(&value, 1);
    return value;
  }
  // A count of elements, each of which takes at least `bytes_each` of the remaining bytes.
  Index take_count(Index bytes_each, const char* what) {
    const auto count = take<Index>();
    const auto size = checked_product(count, bytes_each);
    if (!size || *size > static_cast<Index>(bytes_.size()))
      refuse(std::string(what) + " does not fit the size of the data");
    return count;
  }
  bool is_at_end() const { return bytes_.empty(); }
  void take_magic() {
    if (!bytes_.starts_with(kMagic)) refuse("the data must begin with " + std::string(kMagic));
    bytes_.remove_prefix(kMagic.size());
  }

 private:
  std::string_view bytes_;
};

// Called before the Gram matrix is allocated, so that a forged size cannot exhaust the memory.
void require_room_for_gram(Index key_cols, double power, Index bytes) {
  const auto degree = key_cols >= 1 ? detail::symmetric_degree(key_cols, power) : std::nullopt;
  if (!degree) refuse("power must be even and the columns of keys must give at most 4096 features");
  const Index dimension = *detail::SymmetricPower::dimension(key_cols, *degree);
  const auto numbers = checked_product(dimension, dimension);
  if (!numbers || *numbers > bytes / Index{sizeof(double)}) refuse("the data end before the Gram matrix");
}

void require_finite_numbers(std::span<const float> numbers, const char* what) {
  if (!std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); })) {
    refuse(std::string(what) + " must be finite");
  }
}

void require_indices(std::span<const Index> indices, Index count) {
  Index before = -1;
  for (const Index index : indices) {
    if (index <= before || index >= count) refuse("indices must ascend and be below the number of keys");
    before = index;
  }
}

// Scores bound the weights only if the Gram matrix is positive semidefinite, as sums of phi(k)
// phi(k)^T are.
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
    refuse("the number of columns of values does not fit the size of the data");
  stream.retained_.values.resize(static_cast<std::size_t>(kept * value_cols));
  reader.take(stream.retained_.values.data(), kept * value_cols);
  if (!reader.is_at_end()) refuse("the data continue after the last value");
  require_indices(stream.retained_.indices, count);
  require_gram(stream.gram_);
  require_finite_numbers(stream.retained_.keys, "keys");
  require_finite_numbers(stream.retained_.values, "values");
  return stream;
}

}  // namespace loewner
