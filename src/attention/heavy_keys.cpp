// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_keys.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "attention/feature_gram.hpp"
#include "attention/power_attention.hpp"
#include "base/argument_check.hpp"
#include "linalg/row_pieces.hpp"
#include "linalg/whitening.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/norms/lewis_weights.hpp"

namespace loewner {
namespace {

constexpr double kHighPower = 32;  // beyond it the factors of a bound may leave float64, though the bound does not
constexpr double kSlack = 1e-9;    // keeps scores slightly below eps, so that rounding excludes no heavy key

void require_usable(MatrixView<const float> keys, const HeavyKeyOptions& options) {
  const detail::ArgumentCheck check("select_heavy_keys");
  check.number(options.power >= 1 && std::isfinite(options.power), "power", "finite and >= 1", options.power);
  check.that(options.eps.has_value() != options.max_keys.has_value(), [&] {
    return std::string("exactly one of eps and max_keys must be given, got ") + (options.eps ? "both" : "neither");
  });
  if (options.eps) check.number(*options.eps > 0 && *options.eps <= 1, "eps", "in (0, 1]", *options.eps);
  if (options.max_keys) check.at_least("max_keys", *options.max_keys, 0);
  check.at_least("protect_first", options.protect_first, 0);
  check.at_least("protect_last", options.protect_last, 0);
  check.number(options.ridge >= 0 && std::isfinite(options.ridge), "ridge", "finite and >= 0", options.ridge);
  require_finite_rows(keys, 0, "select_heavy_keys: the matrix of keys");
}

Matrix<float> centered(MatrixView<const float> keys) {
  std::vector<double> mean(static_cast<std::size_t>(keys.cols()), 0.0);
  for (Index i = 0; i < keys.rows(); ++i) {
    for (Index j = 0; j < keys.cols(); ++j) mean[j] += static_cast<double>(keys(i, j));
  }
  Matrix<float> result = Matrix<float>::uninitialized(keys.rows(), keys.cols());
  for (Index i = 0; i < keys.rows(); ++i) {
    for (Index j = 0; j < keys.cols(); ++j) {
      result(i, j) = static_cast<float>(static_cast<double>(keys(i, j)) - mean[j] / static_cast<double>(keys.rows()));
    }
  }
  return result;
}

struct Scores {
  std::vector<double> values;
  Index rank = 0;
};

Scores scores_in(MatrixView<const float> keys, const detail::SymmetricPower& power, const Matrix<double>& gram,
                 double ridge) {
  Matrix<double> ridged = gram.clone();
  for (Index i = 0; i < ridged.rows(); ++i) ridged(i, i) += ridge;
  const detail::Whitening whitening = detail::whitening_of_features(ridged);
  return {.values = detail::leverages(power, whitening, keys), .rank = whitening.t.cols()};
}

// Scales every column by a power of two such that its largest entry is close to 1. A change of
// basis changes no score. Without it small columns would look like rank deficiency, and high powers
// of large entries would overflow.
Matrix<float> with_scaled_columns(MatrixView<const float> keys) {
  std::vector<float> largest(static_cast<std::size_t>(keys.cols()), 0.0F);
  for (Index i = 0; i < keys.rows(); ++i) {
    for (Index j = 0; j < keys.cols(); ++j) largest[j] = std::max(largest[j], std::abs(keys(i, j)));
  }
  std::vector<int> exponents;
  exponents.reserve(largest.size());
  for (const float x : largest) exponents.push_back(x > 0 ? std::ilogb(x) : 0);
  Matrix<float> result = Matrix<float>::uninitialized(keys.rows(), keys.cols());
  detail::for_each_row(keys.rows(), [&](Index i) {
    std::ranges::transform(keys.row(i), exponents, result.row(i).begin(),
                           [](float x, int exponent) { return std::scalbn(x, -exponent); });
  });
  return result;
}

// sup_q |<k, q>|^p / ||K q||_p^p <= (k^T Q^+ k)^(p/2) sup_q (||q||_Q / ||K q||_p)^p. The
// certificate of the Lewis weights bounds the last factor.
Scores bounds_by_lewis_weights(MatrixView<const float> keys, double p) {
  const LewisWeights lewis =
      lewis_weights(DenseRows(keys), {.norm_exponent = p, .max_iterations = 100, .tolerance = 1e-3});
  const detail::SymmetricPower identity(keys.cols(), 1);
  const auto whitening = detail::whitening_of_features(lewis.q);
  Scores scores{.values = detail::leverages(identity, whitening, keys), .rank = lewis.rank};
  if (p > kHighPower) {
    const double root = std::pow(lewis.omega, 1 - 2 / p);
    for (double& value : scores.values) value = std::min(1.0, std::pow(root * value, p / 2));
    return scores;
  }
  const double factor = std::pow(p <= 2 ? lewis.alpha : lewis.omega, std::abs(1 - p / 2));
  for (double& value : scores.values) value = std::min(1.0, factor * std::pow(value, p / 2));
  return scores;
}

Scores scores_of(MatrixView<const float> keys, const HeavyKeyOptions& options) {
  const auto degree = detail::symmetric_degree(keys.cols(), options.power);
  if (!degree) {
    require(options.ridge == 0, [&] {
      return "select_heavy_keys: ridge must be 0 unless power is even with at most 4096 features, got ridge " +
             std::to_string(options.ridge) + " with power " + std::to_string(options.power);
    });
    const Matrix<float> scaled = with_scaled_columns(keys);
    return bounds_by_lewis_weights(scaled.view(), options.power);
  }
  const detail::SymmetricPower power(keys.cols(), *degree);
  if (*degree == 1 || options.ridge > 0) {  // scaled columns would need another ridge
    detail::require_finite_powers(keys, options.power, "select_heavy_keys");
    return scores_in(keys, power, detail::feature_gram(power, keys), options.ridge);
  }
  const Matrix<float> scaled = with_scaled_columns(keys);
  return scores_in(scaled.view(), power, detail::feature_gram(power, scaled.view()), 0);
}

std::vector<Index> largest(const std::vector<double>& scores, Index count) {
  std::vector<Index> order(scores.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto kept = std::min(static_cast<Index>(scores.size()), count);
  std::ranges::nth_element(order, order.begin() + kept,
                           [&](Index a, Index b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  order.resize(static_cast<std::size_t>(kept));
  return order;
}

HeavyKeys kept_of(Scores scores, const HeavyKeyOptions& options) {
  const auto n = static_cast<Index>(scores.values.size());
  std::vector<bool> kept(scores.values.size(), false);
  if (options.eps) {
    for (Index j = 0; j < n; ++j) kept[j] = scores.values[j] >= *options.eps * (1 - kSlack);
  } else {
    for (const Index j : largest(scores.values, *options.max_keys)) kept[j] = true;
  }
  for (Index j = 0; j < std::min(n, options.protect_first); ++j) kept[j] = true;
  for (Index j = std::max<Index>(0, n - options.protect_last); j < n; ++j) kept[j] = true;
  HeavyKeys result;
  for (Index j = 0; j < n; ++j) {
    if (kept[j]) {
      result.indices.push_back(j);
    } else {
      result.certified_eps = std::max(result.certified_eps, scores.values[j]);
    }
  }
  result.scores = std::move(scores.values);
  result.rank = scores.rank;
  return result;
}

}  // namespace

HeavyKeys select_heavy_keys(MatrixView<const float> keys, const HeavyKeyOptions& options) {
  require_usable(keys, options);
  if (!options.center) return kept_of(scores_of(keys, options), options);
  const Matrix<float> shifted = centered(keys);
  return kept_of(scores_of(shifted.view(), options), options);
}

Matrix<double> heavy_key_gram(MatrixView<const float> keys, double power) {
  const int degree = detail::required_symmetric_degree(keys.cols(), power, "heavy_key_gram");
  require_finite_rows(keys, 0, "heavy_key_gram: the matrix of keys");
  detail::require_finite_powers(keys, power, "heavy_key_gram");
  return detail::feature_gram(detail::SymmetricPower(keys.cols(), degree), keys);
}

HeavyKeys select_heavy_keys_in(MatrixView<const float> part, const Matrix<double>& gram,
                               const HeavyKeyOptions& options) {
  require_usable(part, options);
  const int degree = detail::required_symmetric_degree(part.cols(), options.power, "select_heavy_keys_in");
  const detail::SymmetricPower power(part.cols(), degree);
  require(gram.rows() == power.dimension() && gram.cols() == power.dimension(), [&] {
    return "select_heavy_keys_in: the Gram matrix must be " + std::to_string(power.dimension()) + " x " +
           std::to_string(power.dimension()) + ", got " + std::to_string(gram.rows()) + " x " +
           std::to_string(gram.cols());
  });
  detail::require_positive_powers(gram, part, options.power, "select_heavy_keys_in");
  return kept_of(scores_in(part, power, gram, options.ridge), options);
}

}  // namespace loewner
