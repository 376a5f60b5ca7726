// SPDX-License-Identifier: Apache-2.0
#include "attention/power_attention.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

constexpr Index kQueriesPerBlock = 64;
constexpr double kMostOfGram = 980, kLeastOfGram = -900;  // log2 of the squared features of a Gram matrix

// Calls body(first query, number of queries) for all blocks of queries, in parallel.
template <typename Body>
void for_each_query_block(Index queries, Body&& body) {
  parallel_for((queries + kQueriesPerBlock - 1) / kQueriesPerBlock, [&](Index block) {
    const Index first = block * kQueriesPerBlock;
    body(first, std::min(kQueriesPerBlock, queries - first));
  });
}

}  // namespace

Matrix<double> inner_products(MatrixView<const float> queries, MatrixView<const float> keys) {
  const Matrix<double> wide_keys = widened(keys);
  Matrix<double> result = Matrix<double>::uninitialized(queries.rows(), keys.rows());
  for_each_query_block(queries.rows(), [&](Index first, Index count) {
    const Matrix<double> wide = widened(queries.row_block(first, count));
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, wide.view(), wide_keys.view(), 0.0,
               result.view().row_block(first, count));
  });
  return result;
}

Matrix<double> powers_of(Matrix<double> products, double power, std::span<const double> divisors) {
  parallel_for(products.rows(), [&](Index i) {
    const double divisor = divisors.empty() ? 1.0 : divisors[i];
    for (double& w : products.row(i)) {
      if (divisor != 1) w /= divisor;
      w = power == 2 ? w * w : std::pow(std::abs(w), power);
    }
  });
  return products;
}

std::vector<double> power_divisors(const Matrix<double>& products, double power) {
  constexpr double kOrdinary = 900;  // |log2| of a power that stays in float64, and sums of 2^100 of them
  std::vector<double> divisors(static_cast<std::size_t>(products.rows()), 1.0);
  for (Index i = 0; i < products.rows(); ++i) {
    double largest = 0;
    for (const double x : products.row(i)) largest = std::max(largest, std::abs(x));
    if (largest > 0 && !(std::abs(power * std::log2(largest)) <= kOrdinary)) divisors[i] = largest;
  }
  return divisors;
}

bool has_ordinary_powers(MatrixView<const float> rows, double power) {
  constexpr double kOrdinary = 300;  // |log2| of a power
  for (Index i = 0; i < rows.rows(); ++i) {
    float largest = 0;
    for (const float x : rows.row(i)) largest = std::max(largest, std::abs(x));
    if (largest > 0 && std::abs(power * std::ilogb(largest)) > kOrdinary) return false;
  }
  return true;
}

void require_finite_powers(MatrixView<const float> keys, double power, const char* caller) {
  for (Index i = 0; i < keys.rows(); ++i) {
    float largest = 0;
    for (const float x : keys.row(i)) largest = std::max(largest, std::abs(x));
    ArgumentCheck(caller).that(largest == 0 || power * std::ilogb(largest) <= kMostOfGram, [&] {
      return "powers of the keys must stay in float64, got the largest entry " + text_of(largest) + " in row " +
             text_of(i) + " with power " + text_of(power) + "; multiply all keys by a constant";
    });
  }
}

void require_positive_powers(const Matrix<double>& gram, MatrixView<const float> keys, double power,
                             const char* caller) {
  double trace = 0;
  for (Index i = 0; i < gram.rows(); ++i) trace += gram(i, i);
  ArgumentCheck(caller).that(trace >= std::exp2(kLeastOfGram) || largest_magnitude(DenseRows(keys), caller) == 0, [&] {
    return "powers of the keys underflow float64 with power " + text_of(power) + "; multiply all keys by a constant";
  });
}

Matrix<float> with_scaled_rows(MatrixView<const float> rows) {
  Matrix<float> result = Matrix<float>::uninitialized(rows.rows(), rows.cols());
  for (Index i = 0; i < rows.rows(); ++i) {
    float largest = 0;
    for (const float x : rows.row(i)) largest = std::max(largest, std::abs(x));
    const int exponent = largest > 0 ? std::ilogb(largest) : 0;
    std::ranges::transform(rows.row(i), result.row(i).begin(), [&](float x) { return std::ldexp(x, -exponent); });
  }
  return result;
}

Matrix<float> weighted_values(const Matrix<double>& weights, MatrixView<const float> values,
                              std::span<const double> denominators) {
  const Matrix<double> wide_values = widened(values);
  Matrix<float> output(weights.rows(), values.cols());
  for_each_query_block(weights.rows(), [&](Index first, Index count) {
    Matrix<double> sums = Matrix<double>::uninitialized(count, values.cols());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, weights.view().row_block(first, count), wide_values.view(), 0.0,
               sums.view());
    for (Index i = 0; i < count; ++i) {
      const double denominator = denominators[first + i];
      if (denominator == 0) continue;
      std::ranges::transform(sums.row(i), output.row(first + i).begin(),
                             [&](double x) { return static_cast<float>(x / denominator); });
    }
  });
  return output;
}

std::vector<double> row_sums(const Matrix<double>& weights) {
  std::vector<double> sums(static_cast<std::size_t>(weights.rows()));
  for (Index i = 0; i < weights.rows(); ++i) {
    const auto row = weights.row(i);
    sums[i] = lane_sum(weights.cols(), [&](Index j) { return row[j]; });
  }
  return sums;
}

}  // namespace loewner::detail
