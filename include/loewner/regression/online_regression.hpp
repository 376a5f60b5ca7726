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
  Index budget = 0;          ///< >= 1: the largest number of labels
  Index expected_rows = 0;   ///< >= 1: of the stream; the budget is spread over so many rows
  std::uint64_t seed = 0;
};

/// l_p regression on a stream of rows. Whether a row gets a label is decided when it arrives.
///
/// Shapes    row: d = cols values; the solution of fit(): d values.
/// Method    row a_i is labeled with the probability min(1, c w_i), where w_i is its online Lewis
///           weight, its weight among the rows before it [ChenLiSun2022]: with M = sum of
///           w_k^(1-2/p) a_k a_k^T over those rows and tau = a_i^T M^+ a_i it solves  w^(2/p) / tau
///           + w = 1.  A row outside their span has w = 1 and is always labeled; the budget keeps a
///           label for each such row that may still come. c is such that the expected number of
///           labels is three standard deviations below the budget if the weights add up to  d (1 +
///           (2/p) ln(expected rows / d)),  as they do for rows of one distribution.
/// Cost      O(d^2) flops per row; O(d^3) for a row that enlarges the span and for every 256th row;
///           memory 4 d^2 doubles and the labeled rows.
/// Accuracy  if the stream has more rows than expected, or its rows grow, the budget may end early.
///           Then later rows are not represented and exhausted() is true.
/// Random    seed, and the place of a row in the stream.
/// Errors    InvalidArgument on bad options, a row with a wrong width or a non-finite entry, a
///           non-finite label, and a call out of order.
class OnlineActiveRegression {
 public:
  OnlineActiveRegression(Index cols, const OnlineRegressionOptions& options);

  /// True if the row needs a label: add_label() must then be called before the next offer.
  bool offer(std::span<const double> row);
  void add_label(double label);

  /// The regression on the labeled rows, each with the weight 1 / probability.
  RobustRegression fit(double tolerance = 1e-9) const;

  Index num_rows() const { return num_rows_; }  ///< offered so far
  const std::vector<Index>& labeled_rows() const { return labeled_rows_; }
  const std::vector<double>& probabilities() const { return probabilities_; }
  /// The budget was spent when a row was chosen.
  bool exhausted() const { return exhausted_; }

 private:
  void require_no_open_label() const;
  double online_weight(std::span<const double> row);
  std::vector<double> scaled(std::span<const double> row);
  void enlarge(std::span<const double> coordinates, std::span<const double> rest, double rest_norm);
  void add_to_gram(std::span<const double> coordinates, double weight);
  void invert();

  Index cols_;
  OnlineRegressionOptions options_;
  double factor_;
  Matrix<double> span_;     // rows 0 ... rank - 1: an orthonormal basis of the rows so far
  Matrix<double> gram_;     // M in this basis; the leading rank x rank block is used
  Matrix<double> inverse_;  // of that block
  int exponent_ = 0;        // M is that of the rows divided by 2^exponent_
  Index rank_ = 0;
  Index num_rows_ = 0;
  int updates_ = 0;
  bool waiting_ = false;
  bool exhausted_ = false;
  std::vector<Index> labeled_rows_;
  std::vector<double> probabilities_, labels_;
  std::vector<double> kept_rows_;  // the labeled rows, one after the other
};

}  // namespace loewner
