// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detail/conversion.hpp"
#include "detail/orthonormal_rows.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/linear_operator.hpp"

namespace loewner::detail {

/// What happens to a direction of A^T A V that is no longer new: multiplicities and invariant spaces need the refill.
enum class Breakdown { refill, drop };

/// An orthonormal basis V of a sum of block Krylov spaces of A^T A, with A V = Q R for orthonormal Q. The last rows of
/// V are pending: their product with A is still to come.
///
/// Shapes    A: n x d; V: at most `capacity` vectors of length d.
/// Cost      step: w products with A and c with A^T for w pending vectors of which c go on, one read of A where c = w,
///           and some 8 w (n + d) size flops.
/// Errors    InvalidArgument when a product comes out non-finite, `caller` in front: names the entry of A where entries
///           are at hand, else the row of the product.
class KrylovSpace {
 public:
  /// Ritz triples A v_i = theta_i u_i: v_i = sum_j right_t(i, j) V_j, u_i = sum_j left_t(i, j) Q_j.
  struct Ritz {
    std::vector<double> values;  // all of them, descending
    Matrix<double> right_t;      // size x size, orthonormal
    Matrix<double> left_t;       // size x rows of Q
  };

  KrylovSpace(const LinearOperator& a, Index capacity, std::uint64_t seed, const char* caller,
              Breakdown breakdown = Breakdown::refill);

  Index size() const { return size_; }  ///< vectors whose product with A is known
  Index pending() const { return basis_.size() - size_; }
  bool has_room(Index vectors) const { return basis_.size() + vectors <= capacity_ || capacity_ == basis_.dimension(); }
  Index products() const { return products_; }
  Index products_to_come() const { return probes_.rows() == 0 ? kProbes : 0; }  ///< those that a residual may cost

  /// Random vectors take the place of the pending ones.
  void start(Index vectors);
  /// Takes the pending vectors in; A^T A times the first `continued` of them, orthonormalised, are pending next.
  void step(Index continued);

  /// All vectors, the pending ones last.
  Matrix<double> vectors() const { return leading_rows<double>(basis_.view(), basis_.size()); }
  /// The pending vectors, which are no longer pending.
  Matrix<double> take_pending();
  /// Orthonormalises vectors and lets them follow the pending ones.
  void add_pending(Matrix<double> vectors);

  Ritz ritz() const;
  std::vector<double> ritz_values() const;  ///< the values alone, faster

  /// Keeps the span of the leading `count` Ritz vectors and the pending vectors only: a thick restart.
  void restart(Index count);

  /// ||A - A Z Z^T||_F^2 for the leading k Ritz vectors Z, from ||A||_F where that leaves digits, else the mean over
  /// kProbes Gaussian probes, which are drawn once and cost as many products.
  double squared_residual(std::span<const double> ritz_values, Index k);
  static constexpr Index kProbes = 16;

  /// The same relative to ||A||_F^2, without probes: 0 where rounding has taken it or the norm is not known.
  double relative_squared_residual(std::span<const double> ritz_values, Index k) const;

  /// max ||A^T u_i - theta_i v_i|| over the leading k Ritz triples, for k products.
  double largest_ritz_residual(const Ritz& ritz, Index k);

  /// The leading k Ritz triples. Left vectors of zero singular values complete an orthonormal set.
  KrylovSvd leading(const Ritz& ritz, Index k);

 private:
  void require_finite_block(MatrixView<const double> block, const char* matrix) const;
  [[noreturn]] void report_not_finite(const std::string& what) const;
  void append_products(Matrix<double> products_t);
  Matrix<double> projected() const;
  std::optional<double> subtracted_residual(std::span<const double> ritz_values, Index k) const;
  double probed_residual(const Ritz& ritz, Index k);
  void draw_probes();

  const LinearOperator& a_;
  const char* caller_;
  Breakdown breakdown_;
  Index capacity_;
  GaussianRows random_;
  GaussianRows probe_random_;
  OrthonormalRows basis_;               // V, pending vectors last
  OrthonormalRows range_;               // Q
  std::vector<std::vector<double>> r_;  // r_[j]: coefficients of A V_j on the first rows of Q
  Index size_ = 0;
  Index products_ = 0;
  std::optional<double> squared_norm_;
  Matrix<double> probes_, probe_products_;  // kProbes x d and x n
};

}  // namespace loewner::detail
