// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/online_regression.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/random.hpp"
#include "regression/ridged_cholesky.hpp"
#include "regression/sampling_weights.hpp"

namespace loewner {
namespace {

using detail::ArgumentCheck;
using detail::dot;
using detail::euclidean_norm;
using detail::text_of;

constexpr const char* kName = "OnlineActiveRegression";

constexpr double kNewDirection = 1e-7;   // a smaller part outside the span, relative to the row, is rounding
constexpr double kLeastEnergy = 1e-270;  // of M in a direction of its span: its inverse is finite
constexpr double kMostGrowth = 1e8;      // of M in an update of its inverse, which loses as many digits
constexpr int kUpdatesPerInversion = 256;
constexpr int kBisections = 200;

// The root w in (0, 1) of  w^(2/p) / tau + w = 1,  tau > 0.
double lewis_root(double tau, double p) {
  double low = 0, high = 1;
  for (int i = 0; i < kBisections && low < high; ++i) {
    const double middle = low > 0 && high > 2 * low ? std::sqrt(low * high) : 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    (std::pow(middle, 2 / p) / tau + middle < 1 ? low : high) = middle;
  }
  return high;
}

// The c of the probabilities min(1, c w): the expected number of labels is three standard
// deviations of a Poisson variable below the budget.
double checked_factor(Index cols, const OnlineRegressionOptions& options) {
  const ArgumentCheck check(kName);
  check.norm_exponent(options.norm_exponent);
  check.at_least("cols", cols, 1);
  check.at_least("budget", options.budget, 1);
  check.at_least("expected_rows", options.expected_rows, 1);
  const auto d = static_cast<double>(cols), n = static_cast<double>(options.expected_rows);
  // mean + 3 sqrt(mean) = budget for mean = root^2.
  const double root = std::sqrt(static_cast<double>(options.budget) + 2.25) - 1.5;
  return root * root / (d * (1 + 2 / options.norm_exponent * std::log(std::max(1.0, n / d))));
}

}  // namespace

OnlineActiveRegression::OnlineActiveRegression(Index cols, const OnlineRegressionOptions& options)
    : cols_(cols),
      options_(options),
      factor_(checked_factor(cols, options)),
      span_(cols, cols),
      gram_(cols, cols),
      inverse_(cols, cols) {}

void OnlineActiveRegression::require_no_open_label() const {
  ArgumentCheck(kName).that(!waiting_,
                            [&] { return "the label of row " + text_of(num_rows_ - 1) + " must be added first"; });
}

bool OnlineActiveRegression::offer(std::span<const double> row) {
  require_no_open_label();
  const ArgumentCheck check(kName);
  check.that(static_cast<Index>(row.size()) == cols_,
             [&] { return "a row must have " + text_of(cols_) + " entries, got " + text_of(row.size()); });
  const auto bad = std::ranges::find_if_not(row, [](double x) { return std::isfinite(x); });
  check.that(bad == row.end(), [&] {
    return "row " + text_of(num_rows_) + " has a non-finite value at column " + text_of(bad - row.begin());
  });
  const Index rank = rank_;
  const double weight = online_weight(row);
  const bool is_new = rank_ > rank;
  const double probability = is_new ? 1.0 : std::min(1.0, factor_ * weight);
  const auto index = static_cast<std::uint64_t>(num_rows_++);
  if (!(RandomStream(options_.seed, RandomPurpose::sampling, index).uniform() < probability)) return false;
  const Index reserved = is_new ? 0 : cols_ - rank_;  // labels for rows outside the span
  if (static_cast<Index>(labeled_rows_.size()) + reserved >= options_.budget) {
    exhausted_ = true;
    return false;
  }
  labeled_rows_.push_back(static_cast<Index>(index));
  probabilities_.push_back(probability);
  kept_rows_.insert(kept_rows_.end(), row.begin(), row.end());
  waiting_ = true;
  return true;
}

void OnlineActiveRegression::add_label(double label) {
  const ArgumentCheck check(kName);
  check.that(waiting_, [] { return "add_label must follow an offer that returned true"; });
  check.that(std::isfinite(label),
             [&] { return "the label of row " + text_of(num_rows_ - 1) + " must be finite, got " + text_of(label); });
  labels_.push_back(label);
  waiting_ = false;
}

RobustRegression OnlineActiveRegression::fit(double tolerance) const {
  require_no_open_label();
  const auto count = static_cast<Index>(labels_.size());
  const std::vector<double> weights = detail::sampling_weights(probabilities_);
  return lp_regression(RowMatrix(MatrixView<const double>(kept_rows_.data(), count, cols_)),
                       MatrixView<const double>(labels_.data(), count, 1),
                       {.norm_exponent = options_.norm_exponent, .row_weights = weights, .tolerance = tolerance});
}

// The row divided by 2^exponent_. The first row that is not 0 sets the exponent, and M is divided again when a much
// larger row comes.
std::vector<double> OnlineActiveRegression::scaled(std::span<const double> row) {
  double largest = 0;
  for (const double x : row) largest = std::max(largest, std::abs(x));
  const int more = largest > 0 ? std::ilogb(largest) - exponent_ : 0;
  if (more > detail::kOrdinaryDoubles || (more < -detail::kOrdinaryDoubles && rank_ == 0)) {
    exponent_ += more;
    for (Index k = 0; k < rank_; ++k) {
      for (double& x : gram_.row(k)) x = std::ldexp(x, -2 * more);
      gram_(k, k) = std::max(gram_(k, k), kLeastEnergy);
    }
    if (rank_ > 0) invert();
  }
  std::vector<double> result(row.begin(), row.end());
  if (exponent_ != 0) {
    for (double& x : result) x = std::ldexp(x, -exponent_);
  }
  return result;
}

// The online Lewis weight of the row, which is added to M; 0 for a row of zeros.
double OnlineActiveRegression::online_weight(std::span<const double> row) {
  std::vector<double> rest = scaled(row), coordinates(rank_, 0.0);
  const double length = euclidean_norm(rest);
  if (length == 0) return 0;
  for (int pass = 0; pass < 2; ++pass) {
    for (Index k = 0; k < rank_; ++k) {
      const double part = dot(rest, span_.row(k));
      coordinates[k] += part;
      detail::add_scaled(-part, span_.row(k), rest);
    }
  }
  const double rest_norm = euclidean_norm(rest);
  if (rest_norm > kNewDirection * length) {
    enlarge(coordinates, rest, rest_norm);
    return 1;
  }
  double tau = 0;
  for (Index k = 0; k < rank_; ++k) tau += coordinates[k] * dot(inverse_.row(k).first(rank_), coordinates);
  if (!(tau > 0)) return 0;
  const double p = options_.norm_exponent, weight = lewis_root(tau, p);
  add_to_gram(coordinates, std::pow(weight, 1 - 2 / p));
  return weight;
}

// A new direction of the span. Only this row, with weight 1, has a component in it.
void OnlineActiveRegression::enlarge(std::span<const double> coordinates, std::span<const double> rest,
                                     double rest_norm) {
  std::ranges::transform(rest, span_.row(rank_).begin(), [&](double x) { return x / rest_norm; });
  std::vector<double> all(coordinates.begin(), coordinates.end());
  all.push_back(rest_norm);
  ++rank_;
  for (Index k = 0; k < rank_; ++k) detail::add_scaled(all[k], all, gram_.row(k).first(rank_));
  invert();
}

// A rank-one update of M and, by Sherman-Morrison, of its inverse.
void OnlineActiveRegression::add_to_gram(std::span<const double> coordinates, double weight) {
  for (Index k = 0; k < rank_; ++k) {
    detail::add_scaled(weight * coordinates[k], coordinates, gram_.row(k).first(rank_));
  }
  if (++updates_ % kUpdatesPerInversion == 0) return invert();
  std::vector<double> image(rank_);
  for (Index k = 0; k < rank_; ++k) image[k] = dot(inverse_.row(k).first(rank_), coordinates);
  const double growth = weight * dot(image, coordinates);
  if (growth > kMostGrowth) return invert();
  const double scale = weight / (1 + growth);
  for (Index k = 0; k < rank_; ++k) detail::add_scaled(-scale * image[k], image, inverse_.row(k).first(rank_));
}

void OnlineActiveRegression::invert() {
  Matrix<double> gram(rank_, rank_);
  for (Index k = 0; k < rank_; ++k) std::ranges::copy(gram_.row(k).first(rank_), gram.row(k).begin());
  const Matrix<double> factor = detail::ridged_cholesky(gram), root = blas::inverse_of_upper(factor.view());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, root.view(), root.view(), 0.0,
             inverse_.view().row_block(0, rank_).col_block(0, rank_));
}

}  // namespace loewner
