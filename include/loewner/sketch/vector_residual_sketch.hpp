// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct VectorResidualOptions {
  Index max_terms = 1;       ///< the largest k of an estimate, >= 1
  double norm_exponent = 4;  ///< p > 2, finite
  std::uint64_t seed = 0;
};

/// Estimates ||x - x_k||_p for p > 2, where x_k is the best k-sparse approximation of a long x that
/// arrives as changes of its entries, in several places or with both signs. If x fits into memory,
/// sort it instead.
///
/// Shapes    x: `size` values.
/// Method    CountSketch [CharikarChenFarachColton2002] finds the k largest entries, which are
///           subtracted. Max-stability gives F_p of the rest [Andoni2017]: max_i |x_i|^p / E_i with
///           E_i exponential has the median ||x||_p^p / ln 2.
/// Cost      262 additions per update; memory 56 k^(2/p) n^(1-2/p) + 4080 n^(1-2/p) doubles; an
///           estimate O(262 n).
/// Accuracy  within a factor of 1.5 (test VectorResiduals.AreClose); rounding errors of sums that
///           cancel remain.
/// Random    seed. The same bits for any number of threads; the order of updates changes rounding
///           only.
/// Errors    InvalidArgument on invalid options, an index outside [0, n), a non-finite change, k
///           outside [0, max_terms], or a merge of sketches with different sizes or options.
class VectorResidualSketch {
 public:
  VectorResidualSketch(Index size, const VectorResidualOptions& options);

  Index size() const { return size_; }

  void update(Index i, double change);  ///< x_i += change
  void merge(const VectorResidualSketch& other);
  double estimate(Index num_terms) const;  ///< of ||x - x_k||_p for k = num_terms

 private:
  struct Term {
    Index index = 0;
    double value = 0;
  };

  std::vector<Term> largest_terms(Index num_terms) const;

  Index size_;
  VectorResidualOptions options_;
  Matrix<double> heavy_;  // 7 x buckets
  Matrix<double> rest_;   // (51 * 5) x buckets: CountSketches of x_i / E_ti^(1/p), t = 1 ... 51
};

}  // namespace loewner
