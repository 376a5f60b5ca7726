// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linalg/held_out_space.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/krylov_range.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/linear_operator.hpp"

namespace loewner::detail {

/// The error of the squared Ritz values from float32 products, relative to ||A||_F^2.
inline constexpr double kSingleNoise = 1e-5;

/// The treatment of a vector of A^T A V that lies in the span already: replaced by a random vector, as multiple
/// singular values and invariant spaces require, or dropped.
enum class Breakdown { refill, drop };

/// The representation of the images A V: orthonormalized, or with their Gram matrix. The second takes a fraction of
/// the time for short vectors of V and keeps half of the digits, enough for float32 products.
enum class RangeKind { orthonormal, gram };

/// An orthonormal basis V of a sum of block Krylov spaces of A^T A, and the images A V. The last rows of V are
/// pending: they have not been multiplied with A yet.
///
/// Shapes    A: n x d; V: at most `capacity` vectors of length d.
/// Cost      step: w products with A and c with A^T for w pending vectors, c of which are continued; one read of A if
///           c = w; some 8 w (n + d) size flops, or 8 w d size with a Gram matrix.
/// Errors    InvalidArgument "<caller>: ..." when a product is not finite: names the entry of A if the entries are
///           known, otherwise the row of the product.
class KrylovSpace {
 public:
  KrylovSpace(const LinearOperator& a, Index capacity, std::uint64_t seed, const char* caller,
              Breakdown breakdown = Breakdown::refill, RangeKind range = RangeKind::orthonormal);
  KrylovSpace(const KrylovSpace&) = delete;  // a_ may point into it
  KrylovSpace& operator=(const KrylovSpace&) = delete;

  Index size() const { return size_; }  ///< vectors whose product with A is known
  Index pending() const { return basis_.size() - size_; }
  bool has_room(Index vectors) const { return basis_.size() + vectors <= capacity_ || capacity_ == basis_.dimension(); }
  Index products() const { return products_; }
  Index products_to_come() const { return probes_.rows() == 0 ? kProbes : 0; }  ///< at most, for a residual

  /// Replaces the pending vectors by random ones and holds out the last `held_out` of them.
  void start(Index vectors, Index held_out = 0);
  /// Replaces the pending vectors by the rows of `vectors`; random vectors replace dependent rows.
  void start(Matrix<double> vectors, Index held_out = 0);
  /// Keeps the last `kept` pending vectors and adds `held_out` random ones, which alone are held out from then on.
  void renew_held_out(Index kept, Index held_out);
  /// Multiplies the pending vectors with A. The next pending vectors are A^T A times the first `continued` of them,
  /// orthonormalized. If the products of the first step are so large or small that later ones would leave the range of
  /// the arithmetic, A is divided by a power of two, the step is repeated, and `leading` multiplies by the power again.
  void step(Index continued);

  /// All vectors, the pending ones last.
  Matrix<double> vectors() const { return leading_rows<double>(basis_.view(), basis_.size()); }
  /// Removes and returns the pending vectors.
  Matrix<double> take_pending();
  /// Orthonormalizes vectors and appends them to the pending ones.
  void add_pending(Matrix<double> vectors);

  RitzTriples ritz() const { return range_->ritz(); }
  std::vector<double> ritz_values() const { return range_->ritz_values(); }

  /// Whether some vectors are held out. A restart mixes them with the others and ends that.
  bool holds_out() const;
  /// The Ritz values of the space without the held-out vectors, without new products. The gain of the held-out
  /// vectors shows whether the block is large enough. Squares are accurate to the rounding of the largest.
  std::vector<double> ritz_values_without_held_out() const;

  /// Keeps the span of the leading `count` Ritz vectors and the pending vectors only: a thick restart.
  void restart(Index count);

  /// ||A - A Z Z^T||_F^2 for the leading k Ritz vectors Z: from ||A||_F unless the difference cancels, otherwise the
  /// mean over kProbes Gaussian probes, which are drawn once and cost as many products.
  double squared_residual(std::span<const double> ritz_values, Index k);
  static constexpr Index kProbes = 16;

  /// The same relative to ||A||_F^2 and without probes: 0 if the difference cancels or the norm is unknown.
  double relative_squared_residual(std::span<const double> ritz_values, Index k) const;

  /// max ||A^T u_i - theta_i v_i|| over the leading k Ritz triples, for k products.
  double largest_ritz_residual(const RitzTriples& ritz, Index k);

  /// The leading k Ritz triples. Left vectors of zero singular values complete an orthonormal set. Without left
  /// vectors no vector of length n is read.
  KrylovSvd leading(const RitzTriples& ritz, Index k, bool with_left = true);

 private:
  void multiply_pending(Index continued, Matrix<double>& images, Matrix<double>& y);
  bool scale_input(const Matrix<double>& images);
  void find_norm();
  void add_left_vectors(const RitzTriples& ritz, Index k, KrylovSvd& svd);
  void require_finite_block(MatrixView<const double> block, const char* matrix) const;
  [[noreturn]] void report_not_finite(const std::string& what) const;
  std::optional<double> subtracted_residual(std::span<const double> ritz_values, Index k) const;
  void note_origins(Index first, bool are_random, const Matrix<double>& coefficients);
  double probed_residual(const RitzTriples& ritz, Index k);
  void draw_probes();

  const LinearOperator* a_;  // the matrix, or scaled_
  std::optional<ScaledOperator> scaled_;
  int exponent_ = 0;  // the space is that of 2^-exponent A
  const char* caller_;
  Breakdown breakdown_;
  RangeKind range_kind_;
  Index capacity_;
  GaussianRows random_;
  GaussianRows probe_random_;
  OrthonormalRows basis_;  // V, pending vectors last
  std::unique_ptr<KrylovRange> range_;
  std::vector<VectorOrigin> origins_;
  Index level_ = 0;  // of the pending vectors
  Index size_ = 0;
  Index products_ = 0;
  std::optional<double> squared_norm_;      // from the first step on
  Matrix<double> probes_, probe_products_;  // kProbes x d and x n
};

}  // namespace loewner::detail
