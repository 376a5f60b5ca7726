// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sampled_singular_values.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

#include "base/argument_check.hpp"
#include "loewner/linalg/singular_values.hpp"

namespace loewner {
namespace {

constexpr Index kMostValues = Index{1} << 32;
constexpr Index kSampleForEachValue = 4;  // rows of the sample per value that it provides
constexpr double kSmoothing = 0.35;       // distance from the real axis at t = 1; proportional to t^(-1/3)
constexpr Index kNeighbors = 8;           // least number of values whose median starts the power law
constexpr double kSteepest = 60;          // exponent of the power law

std::vector<double> eigenvalues_of(const EnergySample& sample) {
  if (sample.rows.rows() == 0) return {};
  std::vector<double> values = singular_values(DenseRows(sample.rows.view()), sample.weights);
  for (double& value : values) value *= value;
  return values;
}

// Scales the values so that they add up to the energy, which is known more accurately.
void scale_to_sum(std::vector<double>& values, double energy) {
  const double sum = std::accumulate(values.rbegin(), values.rend(), 0.0);
  if (!(sum > 0)) return;
  for (double& value : values) value *= energy / sum;
}

// l_i / |1 - c sum_{j != i} l_j / (l_j - l_i)|.
double without_spread(const std::vector<double>& eigenvalues, std::size_t i, double c, double smoothing) {
  const double at = eigenvalues[i];
  std::complex<double> sum = 0;
  for (std::size_t j = 0; j < eigenvalues.size(); ++j) {
    if (j != i) sum += eigenvalues[j] / std::complex<double>(eigenvalues[j] - at, smoothing * at);
  }
  return std::min(at, at / std::abs(1.0 - c * sum));
}

std::vector<double> leading_values(const std::vector<double>& eigenvalues, const EnergySample& sample, Index count) {
  const auto t = static_cast<double>(sample.rows.rows());
  std::vector<double> values;
  for (Index i = 0; i < std::min(count, sample.rows.rows() / kSampleForEachValue); ++i) {
    if (!(eigenvalues[i] > 0)) return values.empty() ? std::vector{0.0} : values;
    const double value =
        without_spread(eigenvalues, static_cast<std::size_t>(i), sample.missing / t, kSmoothing / std::cbrt(t));
    values.push_back(values.empty() ? value : std::min(value, values.back()));
  }
  return values;
}

double power_sum(double start, Index from, Index to, double exponent) {
  double sum = 0;
  for (Index i = to; i > from; --i) {
    sum += start * std::pow(static_cast<double>(i) / static_cast<double>(from), -exponent);
  }
  return sum;
}

// The exponent for which a power law that starts with `start` at index `from` adds up to `energy`.
double exponent_for(double start, Index from, Index to, double energy) {
  double low = 0, high = kSteepest;
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2;
    (power_sum(start, from, to, middle) > energy ? low : high) = middle;
  }
  return (low + high) / 2;
}

void append_power_law(std::vector<double>& values, double energy, Index count) {
  const auto known = static_cast<Index>(values.size());
  const double rest = std::max(0.0, energy - std::accumulate(values.rbegin(), values.rend(), 0.0));
  const Index neighbors = std::min(known, std::max(kNeighbors, known / 16));
  const double start = std::max(values[known - 1 - neighbors / 2], rest / static_cast<double>(count - known));
  const double exponent = exponent_for(start, known, count, rest);
  for (Index i = known + 1; i <= count; ++i) {
    values.push_back(start * std::pow(static_cast<double>(i) / static_cast<double>(known), -exponent));
  }
}

}  // namespace

std::vector<double> sampled_singular_values(const EnergySample& sample, double energy, Index count) {
  detail::ArgumentCheck("sampled_singular_values").in_range("count", count, 0, kMostValues);
  const Index t = sample.rows.rows();
  std::vector<double> eigenvalues = eigenvalues_of(sample), values;
  scale_to_sum(eigenvalues, energy);
  if (sample.missing == 0 || t < kSampleForEachValue) {
    values = std::move(eigenvalues);
    values.resize(static_cast<std::size_t>(count));
  } else {
    values = leading_values(eigenvalues, sample, count);
    if (static_cast<Index>(values.size()) < count) append_power_law(values, energy, count);
    std::ranges::sort(values, std::ranges::greater());  // the power law may start above the last known value
    scale_to_sum(values, energy);
  }
  for (double& value : values) value = std::sqrt(value);
  return values;
}

}  // namespace loewner
