// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_probe.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/argument_check.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

constexpr Index kMostProbes = 65536;

Matrix<double> gaussian_probes(Index rows, Index probes, std::uint64_t seed) {
  Matrix<double> g = Matrix<double>::uninitialized(rows, probes);
  for (Index j = 0; j < probes; ++j) {
    RandomStream random(seed, RandomPurpose::sampling, static_cast<std::uint64_t>(j));
    for (Index i = 0; i < rows; ++i) g(i, j) = random.normal();
  }
  return g;
}

// Lengths, since squares could overflow.
std::vector<double> column_lengths(const Matrix<double>& a) {
  std::vector<double> largest(static_cast<std::size_t>(a.cols())), lengths = largest;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      require(std::isfinite(a(i, j)),
              [] { return std::string("probe_frobenius_norm: a product with the operator has a non-finite value"); });
      largest[j] = std::max(largest[j], std::abs(a(i, j)));
    }
  }
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      const double share = largest[j] > 0 ? a(i, j) / largest[j] : 0;
      lengths[j] += share * share;
    }
  }
  for (std::size_t j = 0; j < lengths.size(); ++j) lengths[j] = largest[j] * std::sqrt(lengths[j]);
  return lengths;
}

}  // namespace

ProbedNorm probe_frobenius_norm(const LinearOperator& a, Index probes, std::uint64_t seed) {
  detail::ArgumentCheck("probe_frobenius_norm").in_range("probes", probes, 1, kMostProbes);
  const Matrix<double> g = gaussian_probes(a.cols(), probes, seed);
  Matrix<double> image = Matrix<double>::uninitialized(a.rows(), probes);
  a.apply(g.view(), image.view());
  const auto lengths = column_lengths(image);
  const auto count = static_cast<double>(probes);
  double sum = 0, spread = 0;
  for (const double length : lengths) sum = std::hypot(sum, length);
  ProbedNorm result{.norm = sum / std::sqrt(count)};
  if (probes == 1 || result.norm == 0) return result;
  for (const double length : lengths) {
    const double square = std::pow(length / result.norm, 2);
    spread += (square - 1) * (square - 1) / (count - 1);
  }
  result.standard_error = 0.5 * result.norm * std::sqrt(spread / count);
  return result;
}

}  // namespace loewner
