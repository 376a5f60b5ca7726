// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/vector_residual_sketch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

constexpr Index kLargestSize = Index{1} << 40;
constexpr Index kHeavyRows = 7, kScalings = 51, kRestRows = 5;
constexpr Index kIndicesAtOnce = 4096;  // per task of an estimate

struct Place {
  Index bucket = 0;
  double sign = 1;
};

Place draw_place(RandomStream& random, Index buckets) {
  const std::uint64_t word = random.next_word();
  const auto bucket = static_cast<Index>(((word >> 1) * static_cast<std::uint64_t>(buckets)) >> 31);
  return {bucket, (word & 1) ? -1.0 : 1.0};
}

// The random numbers of one index.
struct Hashes {
  std::array<Place, kHeavyRows> heavy;
  std::array<double, kScalings> factors;  // E^(-1/p)
  std::array<Place, kScalings * kRestRows> rest;
};

Hashes hashes_of(Index i, const VectorResidualOptions& options, Index heavy_buckets, Index rest_buckets) {
  RandomStream random(options.seed, RandomPurpose::sketch, static_cast<std::uint64_t>(i));
  Hashes hashes;
  for (Place& place : hashes.heavy) place = draw_place(random, heavy_buckets);
  for (double& factor : hashes.factors) {
    factor = std::pow(-std::log1p(-random.uniform()), -1 / options.norm_exponent);
    factor = std::min(factor, std::numeric_limits<float>::max() + 0.0);  // E = 0 has probability 2^-53
  }
  for (Place& place : hashes.rest) place = draw_place(random, rest_buckets);
  return hashes;
}

template <std::size_t Count>
double median(std::array<double, Count> values) {
  std::ranges::nth_element(values, values.begin() + Count / 2);
  return values[Count / 2];
}

double heavy_estimate(const Hashes& hashes, const Matrix<double>& sums) {
  std::array<double, kHeavyRows> values;
  for (Index r = 0; r < kHeavyRows; ++r) values[r] = hashes.heavy[r].sign * sums(r, hashes.heavy[r].bucket);
  return median(values);
}

double rest_estimate(const Hashes& hashes, Index scaling, const Matrix<double>& sums) {
  std::array<double, kRestRows> values;
  for (Index r = 0; r < kRestRows; ++r) {
    const Index row = scaling * kRestRows + r;
    values[r] = hashes.rest[row].sign * sums(row, hashes.rest[row].bucket);
  }
  return median(values);
}

void add_to_rest(const Hashes& hashes, double change, Matrix<double>& sums) {
  for (Index row = 0; row < kScalings * kRestRows; ++row) {
    sums(row, hashes.rest[row].bucket) += hashes.rest[row].sign * hashes.factors[row / kRestRows] * change;
  }
}

// Calls body(task, i) for all indices, tasks in parallel.
template <typename Body>
void for_each_index(Index size, const Body& body) {
  parallel_for((size + kIndicesAtOnce - 1) / kIndicesAtOnce, [&](Index task) {
    const Index last = std::min(size, (task + 1) * kIndicesAtOnce);
    for (Index i = task * kIndicesAtOnce; i < last; ++i) body(task, i);
  });
}

Index checked_size(Index size, const VectorResidualOptions& options) {
  const double p = options.norm_exponent;
  require(size >= 0 && size <= kLargestSize && options.max_terms >= 1 && p > 2 && std::isfinite(p), [&] {
    return "VectorResidualSketch: size must be in [0, 2^40], max_terms >= 1 and norm_exponent finite and > 2, got " +
           std::to_string(size) + ", " + std::to_string(options.max_terms) + " and " + std::to_string(p);
  });
  return size;
}

Index buckets(double factor, Index terms, Index size, double p) {
  const double count =
      factor * std::pow(static_cast<double>(terms), 2 / p) * std::pow(static_cast<double>(size), 1 - 2 / p);
  require(count < 0x1p31, [&] {
    return "VectorResidualSketch: the number of buckets must be below 2^31, got " + std::to_string(count);
  });
  return std::max<Index>(1, static_cast<Index>(std::ceil(count)));
}

void add(const Matrix<double>& from, Matrix<double>& to) {
  for (Index i = 0; i < to.rows() * to.cols(); ++i) to.data()[i] += from.data()[i];
}

}  // namespace

VectorResidualSketch::VectorResidualSketch(Index size, const VectorResidualOptions& options)
    : size_(checked_size(size, options)),
      options_(options),
      heavy_(kHeavyRows, buckets(8, options.max_terms, size, options.norm_exponent)),
      rest_(kScalings * kRestRows, buckets(16, 1, size, options.norm_exponent)) {}

void VectorResidualSketch::update(Index i, double change) {
  require(i >= 0 && i < size_ && std::isfinite(change), [&] {
    return "VectorResidualSketch: the change must be finite and its index in [0, " + std::to_string(size_) + "), got " +
           std::to_string(change) + " for index " + std::to_string(i);
  });
  const Hashes hashes = hashes_of(i, options_, heavy_.cols(), rest_.cols());
  for (Index r = 0; r < kHeavyRows; ++r) heavy_(r, hashes.heavy[r].bucket) += hashes.heavy[r].sign * change;
  add_to_rest(hashes, change, rest_);
}

void VectorResidualSketch::merge(const VectorResidualSketch& other) {
  const bool same = size_ == other.size_ && options_.max_terms == other.options_.max_terms &&
                    options_.norm_exponent == other.options_.norm_exponent && options_.seed == other.options_.seed;
  require(same, [&] {
    const auto describe = [](const VectorResidualSketch& s) {
      return std::to_string(s.size_) + " entries, " + std::to_string(s.options_.max_terms) +
             " terms, p = " + std::to_string(s.options_.norm_exponent) + ", seed " + std::to_string(s.options_.seed);
    };
    return "VectorResidualSketch: merged sketches must have the same size and options, got (" + describe(*this) +
           ") and (" + describe(other) + ")";
  });
  add(other.heavy_, heavy_);
  add(other.rest_, rest_);
}

std::vector<VectorResidualSketch::Term> VectorResidualSketch::largest_terms(Index num_terms) const {
  std::vector<Term> terms(size_);
  for_each_index(size_, [&](Index, Index i) {
    terms[i] = {i, heavy_estimate(hashes_of(i, options_, heavy_.cols(), rest_.cols()), heavy_)};
  });
  const auto is_larger = [](const Term& a, const Term& b) {
    const double x = std::abs(a.value), y = std::abs(b.value);
    return x > y || (x == y && a.index < b.index);
  };
  std::ranges::nth_element(terms, terms.begin() + num_terms, is_larger);
  terms.resize(num_terms);
  return terms;
}

double VectorResidualSketch::estimate(Index num_terms) const {
  require(num_terms >= 0 && num_terms <= options_.max_terms, [&] {
    return "VectorResidualSketch: the number of terms must be in [0, " + std::to_string(options_.max_terms) +
           "], got " + std::to_string(num_terms);
  });
  if (num_terms >= size_) return 0;
  Matrix<double> rest = rest_.clone();
  for (const Term& term : largest_terms(num_terms)) {
    add_to_rest(hashes_of(term.index, options_, heavy_.cols(), rest_.cols()), -term.value, rest);
  }
  std::vector<std::array<double, kScalings>> largest((size_ + kIndicesAtOnce - 1) / kIndicesAtOnce);
  for_each_index(size_, [&](Index task, Index i) {
    const Hashes hashes = hashes_of(i, options_, heavy_.cols(), rest_.cols());
    for (Index t = 0; t < kScalings; ++t) {
      largest[task][t] = std::max(largest[task][t], std::abs(rest_estimate(hashes, t, rest)));
    }
  });
  std::array<double, kScalings> maxima{};
  for (const auto& part : largest) {
    for (Index t = 0; t < kScalings; ++t) maxima[t] = std::max(maxima[t], part[t]);
  }
  return std::pow(std::numbers::ln2, 1 / options_.norm_exponent) * median(maxima);
}

}  // namespace loewner
