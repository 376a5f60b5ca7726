// SPDX-License-Identifier: Apache-2.0
#include "codec/row_steps.hpp"

#include <cmath>
#include <limits>

#include "base/first_double.hpp"
#include "base/lane_sum.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner::detail {
namespace {

// The error of each row on each step.
Matrix<double> errors_of(MatrixView<const double> energies, const CodeLadder& ladder) {
  const auto& steps = ladder.steps();
  Matrix<double> errors(energies.rows(), static_cast<Index>(steps.size()));
  for (Index i = 0; i < energies.rows(); ++i) {
    for (Index s = 0; s < errors.cols(); ++s) {
      for (Index g = 0; g < energies.cols(); ++g) {
        errors(i, s) +=
            energies(i, g) * kTrellisDistortion[steps[static_cast<std::size_t>(s)][static_cast<std::size_t>(g)]];
      }
    }
  }
  return errors;
}

// The lowest step with the least sum of error and price.
std::uint8_t best_step(std::span<const double> errors, const CodeLadder& ladder, double price_of_byte) {
  std::uint8_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < errors.size(); ++s) {
    const double cost = errors[s] + price_of_byte * static_cast<double>(ladder.bytes(static_cast<int>(s)));
    if (cost < least) {
      least = cost;
      best = static_cast<std::uint8_t>(s);
    }
  }
  return best;
}

}  // namespace

Matrix<double> band_energies(const RowSource& a, const CodeLadder& ladder, std::span<const double> row_weights) {
  Matrix<double> energies(a.rows(), static_cast<Index>(ladder.bands().size()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      const float* entry = rows.row(i).data();
      const double weight = row_weights.empty() ? 1.0 : row_weights[first + i];
      for (Index g = 0; g < energies.cols(); ++g) {
        const Index cols = ladder.bands()[static_cast<std::size_t>(g)].cols;
        energies(first + i, g) =
            weight * lane_sum(cols, [&](Index j) { return static_cast<double>(entry[j]) * entry[j]; });
        entry += cols;
      }
    }
  });
  return energies;
}

std::vector<std::uint8_t> row_steps(MatrixView<const double> energies, const CodeLadder& ladder, Index max_bytes) {
  const Matrix<double> errors = errors_of(energies, ladder);
  const auto bytes_above = [&](double price) {
    Index bytes = 0;
    for (Index i = 0; i < errors.rows(); ++i) bytes += ladder.bytes(best_step(errors.row(i), ladder, price));
    return bytes;
  };
  const double last = first_double_that([&](double price) { return bytes_above(price) <= max_bytes; });
  const double before = std::nextafter(last, 0.0);
  Index rest = max_bytes - bytes_above(last);
  std::vector<std::uint8_t> steps;
  for (Index i = 0; i < errors.rows(); ++i) {
    const auto low = best_step(errors.row(i), ladder, last), high = best_step(errors.row(i), ladder, before);
    const Index more = ladder.bytes(high) - ladder.bytes(low);
    const bool fits = more <= rest;
    steps.push_back(fits ? high : low);
    if (fits) rest -= more;
  }
  return steps;
}

}  // namespace loewner::detail
