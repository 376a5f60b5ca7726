// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linalg/krylov_range.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/linear_operator.hpp"

namespace loewner::detail {

/// What float32 products may change of the squares that a gain is read from, relative to ||A||_F^2.
inline constexpr double kSingleNoise = 1e-5;

/// What happens to a direction of A^T A V that is no longer new: multiplicities and invariant spaces need the refill.
enum class Breakdown { refill, drop };

/// How the images A V are kept: orthonormalized, or with their Gram matrix, in a fraction of the time where V is short,
/// for half of the digits: enough for products in float32, whose errors hide the others.
enum class RangeKind { orthonormal, gram };

/// An orthonormal basis V of a sum of block Krylov spaces of A^T A, and the images A V. The last rows of V are pending:
/// their product with A is still to come.
///
/// Shapes    A: n x d; V: at most `capacity` vectors of length d.
/// Cost      step: w products with A and c with A^T for w pending vectors of which c go on, one read of A where c = w,
///           and some 8 w (n + d) size flops, 8 w d size of them for a Gram matrix.
/// Errors    InvalidArgument when a product comes out non-finite, `caller` in front: names the entry of A where entries
///           are at hand, else the row of the product.
class KrylovSpace {
 public:
  KrylovSpace(const LinearOperator& a, Index capacity, std::uint64_t seed, const char* caller,
              Breakdown breakdown = Breakdown::refill, RangeKind range = RangeKind::orthonormal);

  Index size() const { return size_; }  ///< vectors whose product with A is known
  Index pending() const { return basis_.size() - size_; }
  bool has_room(Index vectors) const { return basis_.size() + vectors <= capacity_ || capacity_ == basis_.dimension(); }
  Index products() const { return products_; }
  Index products_to_come() const { return probes_.rows() == 0 ? kProbes : 0; }  ///< those that a residual may cost

  /// Random vectors take the place of the pending ones; the last `held_out` of them are held out.
  void start(Index vectors, Index held_out = 0);
  /// The same with given vectors, one per row; random ones come for those that are dependent.
  void start(Matrix<double> vectors, Index held_out = 0);
  /// The last `kept` pending vectors stay, and `held_out` random ones come to them, which alone are held out from then
  /// on.
  void renew_held_out(Index kept, Index held_out);
  /// Takes the pending vectors in; A^T A times the first `continued` of them, orthonormalized, are pending next.
  void step(Index continued);

  /// All vectors, the pending ones last.
  Matrix<double> vectors() const { return leading_rows<double>(basis_.view(), basis_.size()); }
  /// The pending vectors, which are no longer pending.
  Matrix<double> take_pending();
  /// Orthonormalizes vectors and lets them follow the pending ones.
  void add_pending(Matrix<double> vectors);

  RitzTriples ritz() const { return range_->ritz(); }
  std::vector<double> ritz_values() const { return range_->ritz_values(); }

  /// False without held-out vectors, and after a restart, which mixes them with the others.
  bool holds_out() const;
  /// The Ritz values of the space that would have come about without the held-out vectors, from the images at hand:
  /// what they add shows whether the block was large enough. To the rounding of the largest square.
  std::vector<double> ritz_values_without_held_out() const;

  /// Keeps the span of the leading `count` Ritz vectors and the pending vectors only: a thick restart.
  void restart(Index count);

  /// ||A - A Z Z^T||_F^2 for the leading k Ritz vectors Z, from ||A||_F where that leaves digits, else the mean over
  /// kProbes Gaussian probes, which are drawn once and cost as many products.
  double squared_residual(std::span<const double> ritz_values, Index k);
  static constexpr Index kProbes = 16;

  /// The same relative to ||A||_F^2, without probes: 0 where rounding has taken it or the norm is not known.
  double relative_squared_residual(std::span<const double> ritz_values, Index k) const;

  /// max ||A^T u_i - theta_i v_i|| over the leading k Ritz triples, for k products.
  double largest_ritz_residual(const RitzTriples& ritz, Index k);

  /// The leading k Ritz triples. Left vectors of zero singular values complete an orthonormal set; without them the
  /// vectors of length n are not touched.
  KrylovSvd leading(const RitzTriples& ritz, Index k, bool with_left = true);

 private:
  void find_norm();
  void add_left_vectors(const RitzTriples& ritz, Index k, KrylovSvd& svd);
  void require_finite_block(MatrixView<const double> block, const char* matrix) const;
  [[noreturn]] void report_not_finite(const std::string& what) const;
  std::optional<double> subtracted_residual(std::span<const double> ritz_values, Index k) const;
  void note_origins(Index first, bool are_random, const Matrix<double>& coefficients);
  Matrix<double> space_without_held_out(const Matrix<double>& gram) const;
  double probed_residual(const RitzTriples& ritz, Index k);
  void draw_probes();

  // Where a vector of the basis comes from: from A^T A times those one level below, or from nowhere.
  struct Origin {
    Index level = 0;
    bool is_random = false;
    bool is_held_out = false;
  };

  const LinearOperator& a_;
  const char* caller_;
  Breakdown breakdown_;
  RangeKind range_kind_;
  Index capacity_;
  GaussianRows random_;
  GaussianRows probe_random_;
  OrthonormalRows basis_;  // V, pending vectors last
  std::unique_ptr<KrylovRange> range_;
  std::vector<Origin> origins_;
  Index level_ = 0;  // of the pending vectors
  Index size_ = 0;
  Index products_ = 0;
  std::optional<double> squared_norm_;      // from the first step on
  Matrix<double> probes_, probe_products_;  // kProbes x d and x n
};

}  // namespace loewner::detail
