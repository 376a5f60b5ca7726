// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lewis_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/squared_norm.hpp"
#include "linalg/whitening.hpp"
#include "loewner/linalg/gram.hpp"
#include "norms/lp_norm.hpp"

namespace loewner {
namespace {

using detail::squared_norm;
using detail::Whitening;

constexpr double kCoarseTolerance = 1e-3;  // from here on the certificate may be computed in float32
constexpr double kFloat32Condition = 100;  // mean eigenvalue of Q times mean inverse: the limit for float32
constexpr double kFloat32Margin = 0.01;    // share of the float32 error bound in the certificate: the limit
constexpr double kHighExponent = 32;       // powers p/2 may leave float64 beyond it: their roots are compared
constexpr double kSmallestWeight = 1e-12;  // of the mean weight: later steps may raise a tiny weight

// Memory that the thread keeps between blocks: the system clears the pages of new memory, which
// takes time.
template <typename Real>
MatrixView<Real> whitened_block(Index rows, Index cols) {
  thread_local Matrix<Real> memory;
  if (memory.rows() < rows || memory.cols() != cols) memory = Matrix<Real>::uninitialized(rows, cols);
  return memory.view().row_block(0, rows);
}

// max over i of  visit(i, a_i, ||a_i T||^2),  with the products a_i T in the type Real.
template <typename Real, typename Visit>
double max_over_rows(const RowSource& a, const Matrix<Real>& t, bool upper, Visit&& visit) {
  std::vector<double> largest(num_row_blocks(a), 0.0);
  for_each_row_block(a, [&](Index block, Index first, MatrixView<const float> rows) {
    const auto whitened = whitened_block<Real>(rows.rows(), t.cols());
    detail::whiten_rows(rows, t.view(), upper, whitened);
    for (Index i = 0; i < rows.rows(); ++i) {
      const double value = visit(first + i, rows.row(i), squared_norm<Real>(whitened.row(i)));
      largest[block] = std::max(largest[block], value);
    }
  });
  return largest.empty() ? 0.0 : *std::ranges::max_element(largest);
}

template <typename Visit>
double max_over_rows(const RowSource& a, const Whitening& whitening, bool in_float32, Visit&& visit) {
  if (!in_float32) return max_over_rows<double>(a, whitening.t, whitening.upper, visit);
  return max_over_rows<float>(a, detail::narrowed(whitening.t.view()), whitening.upper, visit);
}

// The Lewis weights of one matrix in one norm.
class LewisProblem {
 public:
  LewisProblem(const RowSource& a, const LewisOptions& options)
      : a_(a),
        p_(options.norm_exponent),
        squared_scales_(detail::squared_scales(options.row_weights, options.norm_exponent)),
        is_coarse_(options.tolerance >= kCoarseTolerance) {}

  std::vector<double> first_weights() const;
  LewisWeights iterate(const LewisOptions& options);
  LewisWeights certify(std::vector<double> weights) const;

 private:
  double squared_scale(Index i) const { return squared_scales_.empty() ? 1.0 : squared_scales_[i]; }
  double certificate(double alpha, double omega) const { return std::pow(alpha * omega, std::abs(1 / p_ - 0.5)); }
  std::vector<double> gram_weights(std::span<const double> weights) const;
  Whitening whiten(std::span<const double> weights);
  double update(const Whitening& whitening, std::span<double> weights) const;
  struct Alpha {
    double safe, plain;
  };
  Alpha alpha(const Whitening& whitening, std::span<const double> weights, bool in_float32, double margin) const;
  double safe_alpha(const Whitening& whitening, std::span<const double> weights) const;

  const RowSource& a_;
  double p_;
  std::vector<double> squared_scales_;
  bool is_coarse_;                 // float32 meets the tolerance
  bool float32_is_enough_ = true;  // for the next step
};

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Positive weights stay above a floor: for p < 2 the power 1 - 2/p would turn 0 into infinity.
void scale_to_sum(std::span<double> weights, double sum) {
  const double factor = sum / sum_of(weights), floor = kSmallestWeight * sum / static_cast<double>(weights.size());
  for (double& w : weights) w = w > 0 ? std::max(w * factor, floor) : 0.0;
}

// For p <= 2 one plain step from Q = I. It is exact up to scale if the directions of the rows are
// spread evenly, and it divides huge rows by their norm, which would otherwise hide the others. For
// p > 2 that step would give huge rows all the weight.
std::vector<double> LewisProblem::first_weights() const {
  std::vector<double> weights(a_.rows());
  for_each_row_block(a_, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      const double size = squared_scale(first + i) * squared_norm<float>(rows.row(i));
      weights[first + i] = p_ <= 2 ? std::pow(size, p_ / 2) : (size > 0 ? 1.0 : 0.0);
    }
  });
  return weights;
}

std::vector<double> LewisProblem::gram_weights(std::span<const double> weights) const {
  std::vector<double> result(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool counts = weights[i] > 0 || p_ == 2;
    result[i] = counts ? squared_scale(static_cast<Index>(i)) * std::pow(weights[i], 1 - 2 / p_) : 0.0;
  }
  return result;
}

Whitening LewisProblem::whiten(std::span<const double> weights) {
  const auto row_weights = gram_weights(weights);
  if (float32_is_enough_) {
    const auto d = static_cast<double>(a_.cols());  // Whitening::condition is the product of the two sums
    auto fast = detail::whitening_by_cholesky(gram_float32(a_, row_weights), kFloat32Condition * d * d);
    if (fast) return std::move(*fast);
    float32_is_enough_ = false;
  }
  return detail::whitening_of(gram(a_, row_weights));
}

// One step of the fixed-point iteration in place; returns alpha of the weights before it. The plain
// step for p <= 2 has the worse proved rate, |1 - p/2| against (2 - p) / (2 + p) with damping. It is
// faster for tall matrices, where the weight of one row depends little on the others: on an
// embedding table of 30522 x 384 numbers the certificate is 0.1 % above its limit after three plain
// steps and 6 % after three damped ones.
double LewisProblem::update(const Whitening& whitening, std::span<double> weights) const {
  const double damping = p_ <= 2 ? 1.0 : 4 / (p_ + 2);
  const double largest =
      max_over_rows(a_, whitening, float32_is_enough_, [&](Index i, std::span<const float>, double leverage) {
        if (weights[i] == 0) return 0.0;
        if (p_ > kHighExponent) {
          const double root = squared_scale(i) * leverage / std::pow(weights[i], 2 / p_);
          const double next =
              std::pow(squared_scale(i) * leverage, p_ / 2 * damping) * std::pow(weights[i], 1 - damping);
          weights[i] = std::max(next, std::numeric_limits<double>::min());
          return root;
        }
        const double growth = std::pow(squared_scale(i) * leverage, p_ / 2) / weights[i];
        weights[i] = std::max(weights[i] * std::pow(growth, damping), std::numeric_limits<double>::min());
        return growth;
      });
  scale_to_sum(weights, static_cast<double>(whitening.t.cols()));
  return p_ > kHighExponent ? largest : std::pow(largest, 2 / p_);
}

LewisWeights LewisProblem::iterate(const LewisOptions& options) {
  std::vector<double> weights = first_weights();
  Status status = Status::max_iterations;
  int iterations = 0;
  double last_excess = std::numeric_limits<double>::infinity();
  while (status == Status::max_iterations && iterations < options.max_iterations) {
    const Whitening whitening = whiten(weights);
    const auto rank = static_cast<double>(whitening.t.cols());
    if (rank == 0) break;
    const double omega = sum_of(weights), largest = update(whitening, weights);
    ++iterations;
    const double excess = certificate(largest, omega) / certificate(1, rank) - 1;
    if (excess <= options.tolerance && (is_coarse_ || !float32_is_enough_)) status = Status::converged;
    // Each step corrects the errors of the previous one, so float32 is enough while the excess
    // decreases.
    if (!is_coarse_ && (excess <= options.tolerance || excess >= last_excess)) float32_is_enough_ = false;
    last_excess = excess;
  }
  LewisWeights result = certify(std::move(weights));
  if (result.rank == 0) status = Status::converged;  // the zero matrix
  result.status = status;
  result.iterations = iterations;
  return result;
}

// max_i u_i^(2/p) (||a_i T|| + margin ||a_i||)^2 / w_i^(2/p),  with the margin and without.
LewisProblem::Alpha LewisProblem::alpha(const Whitening& whitening, std::span<const double> weights, bool in_float32,
                                        double margin) const {
  std::vector<double> plain(weights.size(), 0.0);
  const auto growth = [&](Index i, double norm) {
    if (norm == 0) return 0.0;
    if (p_ > kHighExponent) return squared_scale(i) * norm * norm / std::pow(weights[i], 2 / p_);
    return std::pow(squared_scale(i) * norm * norm, p_ / 2) / weights[i];
  };
  const double safe =
      max_over_rows(a_, whitening, in_float32, [&](Index i, std::span<const float> row, double leverage) {
        if (squared_scale(i) == 0) return 0.0;
        plain[i] = growth(i, std::sqrt(leverage));
        return growth(i, std::sqrt(leverage) + margin * std::sqrt(squared_norm(row)));
      });
  if (p_ > kHighExponent) return {.safe = safe, .plain = std::ranges::max(plain)};
  return {.safe = std::pow(safe, 2 / p_), .plain = std::pow(std::ranges::max(plain), 2 / p_)};
}

// In arithmetic with unit roundoff e, the error of an entry of a_i T, including the rounding of T,
// is at most (d + 2) e |a_i| |T|, so the error of the row is at most (d + 2) e ||a_i|| ||T||_F. The
// Cholesky factorization or the eigenvectors of Q change x^T Q x by at most d e64 condition(Q),
// relative to itself.
double LewisProblem::safe_alpha(const Whitening& whitening, std::span<const double> weights) const {
  const double d = static_cast<double>(a_.cols()), size = std::sqrt(squared_norm(whitening.t.view()));
  const auto with_roundoff = [&](double roundoff, bool in_float32) {
    return alpha(whitening, weights, in_float32, (d + 2) * roundoff * size);
  };
  const double factorization = 1 + d * std::numeric_limits<double>::epsilon() * whitening.condition;
  if (is_coarse_ && float32_is_enough_) {
    const Alpha fast = with_roundoff(std::numeric_limits<float>::epsilon() / 2, true);
    if (certificate(fast.safe, 1) <= (1 + kFloat32Margin) * certificate(fast.plain, 1)) {
      return factorization * fast.safe;
    }
  }
  return factorization * with_roundoff(std::numeric_limits<double>::epsilon() / 2, false).safe;
}

LewisWeights LewisProblem::certify(std::vector<double> weights) const {
  LewisWeights result;
  result.q = gram(a_, gram_weights(weights));
  result.omega = sum_of(weights);
  const Whitening whitening = detail::whitening_of(result.q);
  result.rank = whitening.t.cols();
  if (result.rank > 0) {
    result.alpha = safe_alpha(whitening, weights);
    result.certificate = certificate(result.alpha, result.omega);
  }
  result.weights = std::move(weights);
  return result;
}

using detail::ArgumentCheck;

// Returns the exponent of the scale of A (input_scale.hpp).
int check_arguments(const ArgumentCheck& check, const RowSource& a, const LewisOptions& options) {
  check.norm_exponent(options.norm_exponent);
  check.row_weights(options.row_weights, a.rows());
  check.at_least("max_iterations", options.max_iterations, 0);
  check.at_least("tolerance", options.tolerance, 0);
  const double largest = detail::largest_magnitude(a, std::string(check.function()) + ": the matrix");
  return detail::input_exponent(largest, detail::kOrdinaryFloats);
}

// The result for A from that for 2^-exponent A: the weights are equal, and Q is quadratic in A. The squares of float32
// entries stay in float64.
LewisWeights of_unscaled(LewisWeights result, int exponent) {
  for (Index i = 0; i < result.q.rows() * result.q.cols(); ++i) {
    result.q.data()[i] = std::ldexp(result.q.data()[i], 2 * exponent);
  }
  return result;
}

}  // namespace

LewisWeights lewis_weights(const RowSource& a, const LewisOptions& options) {
  const int exponent = check_arguments(ArgumentCheck("lewis_weights"), a, options);
  if (exponent == 0) return LewisProblem(a, options).iterate(options);
  return of_unscaled(LewisProblem(detail::ScaledRows(a, exponent), options).iterate(options), exponent);
}

LewisWeights certify_weights(const RowSource& a, std::vector<double> weights, const LewisOptions& options) {
  const ArgumentCheck check("certify_weights");
  const int exponent = check_arguments(check, a, options);
  check.one_value_per_row("weights", weights.size(), a.rows());
  check.row_weights(weights, a.rows(), "weights");
  if (exponent == 0) return LewisProblem(a, options).certify(std::move(weights));
  return of_unscaled(LewisProblem(detail::ScaledRows(a, exponent), options).certify(std::move(weights)), exponent);
}

}  // namespace loewner
