// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "loewner/regression/lp_regression.hpp"

namespace loewner {

struct OnlineRegressionOptions {
  double norm_exponent = 1;  ///< p >= 1, finite
  Index budget = 0;          ///< >= 1: labels at most
  Index expected_rows = 0;   ///< >= 1: of the stream; the budget is spread over so many
  std::uint64_t seed = 0;
};

/// l_p regression on rows that arrive one after the other: whether a row gets a label is decided when it arrives, for
/// good.
///
/// Method    row a_i is labelled with probability min(1, c w_i), w_i its online Lewis weight: that which it has among
///           the rows before it [ChenLiSun2022]. With M = sum of w_k^(1-2/p) a_k a_k^T before it and tau = a_i^T M^+
///           a_i it solves  w^(2/p) / tau + w = 1.  A row outside the span of those before has w = 1 and is always
///           labelled; as many labels as it may take are held back for such rows. c: so that the labels come out three
///           standard deviations below the budget where the weights add up to  d (1 + (2/p) ln(expected rows / d)),
///           which they do on rows of one distribution.
/// Cost      O(d^2) per row, O(d^3) for the rows that enlarge the span and every 256 rows; memory 4 d^2 doubles and the
///           rows that were labelled.
/// Accuracy  on streams with more rows than expected, or whose rows grow, the budget may end early: later rows are then
///           not represented, and exhausted() says so.
/// Random    seed, and the place of a row in the stream.
/// Errors    InvalidArgument on bad options, a row of another width or with a non-finite entry, a label that is not
///           finite, or a call out of order.
class OnlineActiveRegression {
 public:
  OnlineActiveRegression(Index cols, const OnlineRegressionOptions& options);

  /// True when the row is to be labelled: add_label() must then be called before the next offer.
  bool offer(std::span<const double> row);
  void add_label(double label);

  /// The regression on the labelled rows, each with weight 1 / probability.
  RobustRegression fit(double tolerance = 1e-9) const;

  Index num_rows() const { return num_rows_; }  ///< offered so far
  const std::vector<Index>& labeled_rows() const { return labeled_rows_; }
  const std::vector<double>& probabilities() const { return probabilities_; }
  /// A row that should have had a chance came after the budget was spent.
  bool exhausted() const { return exhausted_; }

 private:
  double online_weight(std::span<const double> row);
  void enlarge(std::span<const double> coordinates, std::span<const double> rest, double rest_norm);
  void add_to_gram(std::span<const double> coordinates, double weight);
  void invert();

  Index cols_;
  OnlineRegressionOptions options_;
  double factor_;
  Matrix<double> span_;     // rows 0 ... rank - 1: an orthonormal basis of the span of all rows so far
  Matrix<double> gram_;     // M in this basis, rank x rank of it used
  Matrix<double> inverse_;  // of that
  Index rank_ = 0;
  Index num_rows_ = 0;
  int updates_ = 0;
  bool waiting_ = false;
  bool exhausted_ = false;
  std::vector<Index> labeled_rows_;
  std::vector<double> probabilities_, labels_;
  std::vector<double> kept_rows_;  // of the labelled, one after the other
};

}  // namespace loewner
