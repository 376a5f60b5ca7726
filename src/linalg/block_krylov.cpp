// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/block_krylov_sizes.hpp"
#include "linalg/krylov_space.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/schatten_excess.hpp"
#include "linalg/sum_of_squares.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/linalg/matrix_operator.hpp"

namespace loewner {
namespace {

// The gain of held-out vectors falls by more than this factor per estimate if they only speed up convergence.
constexpr double kFalling = 0.7;

class Solver {
 public:
  // noise: the error of the products, as detail::kSingleNoise.
  Solver(const LinearOperator& a, const BlockKrylovOptions& options, double noise = 0)
      : sizes_(detail::block_krylov_sizes(a, options, noise > 0)),
        options_(options),
        noise_(noise),
        space_(a, sizes_.capacity, options.seed, detail::kBlockKrylov, detail::Breakdown::refill,
               noise > 0 ? detail::RangeKind::gram : detail::RangeKind::orthonormal) {
    if (options.start.rows() > 0) {
      space_.start(detail::leading_rows<double>(options.start, sizes_.block));
    } else {
      space_.start(sizes_.block, sizes_.block > sizes_.fresh ? sizes_.fresh : 0);
    }
  }

  KrylovSvd run() { return options_.steps > 0 ? fixed() : adaptive(); }

  // Whether the noise of the products exceeds eps: the result is of no use then.
  bool is_too_noisy() const { return is_too_noisy_; }

 private:
  KrylovSvd fixed() {
    for (Index step = 0; step < options_.steps && space_.pending() > 0; ++step) {
      throw_if_cancelled();
      space_.step(sizes_.block);
    }
    if (space_.pending() > 0) space_.step(0);
    return result(Status::converged);
  }

  KrylovSvd adaptive() {
    while (space_.pending() > 0) {
      if (!can_afford(space_.pending())) return result(Status::max_iterations);
      advance();
      ++steps_;
      if (!is_due()) continue;
      estimate();
      if (is_too_noisy_) return result(Status::max_iterations);
      if (!is_settled() || !vectors_are_settled()) continue;
      if (!options_.closing_check) return result(Status::converged);
      if (space_.holds_out()) {
        if (steps_ < next_held_out_check_) continue;
        if (!held_out_vectors_gain()) return result(Status::converged);
      } else {
        if (!can_afford(fresh_steps() * sizes_.fresh)) return result(Status::max_iterations);
        if (!fresh_block_gains()) return result(Status::converged);
      }
    }
    return result(Status::converged);  // V is a basis of the whole space
  }

  bool can_afford(Index vectors) const {
    return space_.products() + space_.products_to_come() + 2 * vectors <= sizes_.max_products;
  }

  void make_room(Index vectors) {
    if (!space_.has_room(vectors)) space_.restart(2 * options_.rank);
  }

  void advance() {
    throw_if_cancelled();
    make_room(space_.pending());
    space_.step(space_.pending());
    ++steps_since_estimate_;
  }

  // True after every step, less often in a large space, so that the small SVDs cost less than the products.
  bool is_due() const {
    const bool is_grown = 16 * steps_since_estimate_ * sizes_.block >= space_.size();
    return space_.size() > options_.rank && (is_grown || space_.pending() == 0);
  }

  // Rayleigh-Ritz, and the gain of the last two estimates.
  void estimate() {
    steps_since_estimate_ = 0;
    const auto values = space_.ritz_values();
    note_noise(values);
    const double now = captured(values);
    gain_ = estimates_ < 2 ? std::numeric_limits<double>::infinity() : gain(before_last_, now);
    before_last_ = estimates_ == 0 ? now : last_;
    last_ = now;
    ++estimates_;
    if (std::isfinite(gain_)) excess_ = excess(values, slack() * gain_);
  }

  // The residual only falls as the space grows, so the verdict is final.
  void note_noise(std::span<const double> values) {
    is_too_noisy_ = is_too_noisy_ ||
                    (noise_ > 0 && options_.eps * space_.relative_squared_residual(values, options_.rank) < noise_);
  }

  bool is_settled() const { return estimates_ > 2 && excess_ <= options_.eps; }

  // The check costs k products, so after a failure the space grows by a quarter before the next one.
  bool vectors_are_settled() {
    if (options_.vector_tolerance == 0) return true;
    if (steps_ < next_vector_check_ || !can_afford((options_.rank + 1) / 2)) return false;
    next_vector_check_ = steps_ + std::max<Index>(1, steps_ / 4);
    const auto ritz = space_.ritz();
    return space_.largest_ritz_residual(ritz, options_.rank) <= options_.vector_tolerance * ritz.values.front();
  }

  double captured(std::span<const double> values) const {
    return detail::sum_of_squares(values.first(std::min<std::size_t>(options_.rank, values.size())));
  }

  // now - before, or zero if rounding explains the difference.
  static double gain(double before, double now) {
    const double difference = now - before;
    return difference > 64 * std::numeric_limits<double>::epsilon() * now ? difference : 0;
  }

  // Without a gap in the spectrum the error falls as 1 / steps^2, and two steps gain 4 / steps of the remaining gain.
  // The factor has twice that as a margin.
  double slack() const { return std::max(4.0, 0.5 * static_cast<double>(steps_)); }

  // The relative excess of the error if `remaining` is the remaining gain.
  double excess(std::span<const double> values, double remaining) {
    const double p = options_.norm_exponent;
    return detail::schatten_excess({.tail = values.subspan(options_.rank),
                                    .squared_norm = p <= 2 ? space_.squared_residual(values, options_.rank) : 0,
                                    .rank = options_.rank,
                                    .gain = remaining},
                                   p);
  }

  Index fresh_steps() const { return std::max<Index>(2, steps_); }

  // A block smaller than the multiplicity of a singular value finds as many copies as it has vectors, and converges to
  // them; only new vectors reveal the others. New vectors get as many steps as the block, since behind a thin gap two
  // steps do not separate a copy from its neighbors. Few vectors find few copies, so their gain is multiplied by
  // k / fresh.
  bool fresh_vectors_matter(std::span<const double> values, double gained) {
    const Index times = options_.rank / sizes_.fresh;
    excess_ = excess(values, gained * std::max(4.0, static_cast<double>(times)));
    return excess_ > options_.eps;
  }

  // The gain of the held-out vectors over the space without them. If it falls from estimate to estimate, the others
  // converge to the same space; otherwise it comes from copies, and new vectors are held out.
  bool held_out_vectors_gain() {
    const auto values = space_.ritz_values();
    const double gained = gain(captured(space_.ritz_values_without_held_out()), captured(values));
    if (!fresh_vectors_matter(values, gained)) return false;
    const bool falls = gained < kFalling * held_out_gain_;
    held_out_gain_ = gained;
    if (falls) return true;
    held_out_gain_ = std::numeric_limits<double>::infinity();
    next_held_out_check_ = steps_ + std::max<Index>(2, steps_ - renewed_);
    renewed_ = steps_;
    make_room(sizes_.block + sizes_.fresh);
    space_.renew_held_out(sizes_.block, sizes_.fresh);
    restart_estimates();
    return true;
  }

  void restart_estimates() {
    estimates_ = 0;
    steps_since_estimate_ = 0;
  }

  // The same check with a separate chain, after a restart has mixed all vectors. On a gain both chains continue.
  bool fresh_block_gains() {
    Matrix<double> parked = space_.take_pending();
    make_room(sizes_.fresh);
    space_.start(sizes_.fresh);
    for (Index step = fresh_steps(); step > 0 && space_.pending() > 0; --step) advance();
    const auto values = space_.ritz_values();
    if (!fresh_vectors_matter(values, gain(last_, captured(values)))) return false;
    const Index room = std::min(parked.rows(), sizes_.block + sizes_.fresh - space_.pending());
    make_room(room);
    space_.add_pending(detail::leading_rows<double>(parked.view(), room));
    restart_estimates();
    return true;
  }

  KrylovSvd result(Status status) {
    const auto ritz = space_.ritz();
    note_noise(ritz.values);
    KrylovSvd svd = space_.leading(ritz, options_.rank, options_.left_vectors);
    svd.status = status;
    svd.excess_estimate = space_.pending() == 0 && options_.steps == 0 ? 0 : excess_;
    return svd;
  }

  detail::BlockKrylovSizes sizes_;
  const BlockKrylovOptions& options_;
  double noise_;
  bool is_too_noisy_ = false;
  detail::KrylovSpace space_;
  Index steps_ = 0;  // of the main chain, without those of checks
  Index steps_since_estimate_ = 0;
  Index next_vector_check_ = 0;
  Index next_held_out_check_ = 0, renewed_ = 0;
  int estimates_ = 0;
  double last_ = 0, before_last_ = 0, gain_ = 0;
  double excess_ = std::numeric_limits<double>::infinity();
  double held_out_gain_ = std::numeric_limits<double>::infinity();
};

// Whether vectors may be rounded to float32: the rows have no more digits, and p = 2 averages the errors.
bool may_round(const RowMatrix& a, const BlockKrylovOptions& options) {
  return MatrixOperator::has_float32_products(a) && options.norm_exponent == 2 && options.vector_tolerance == 0;
}

}  // namespace

KrylovSvd block_krylov(const LinearOperator& a, const BlockKrylovOptions& options) {
  detail::require_usable(a, options);
  return Solver(a, options).run();
}

KrylovSvd block_krylov(const RowMatrix& a, const BlockKrylovOptions& options) {
  Index wasted = 0;
  if (may_round(a, options)) {
    const MatrixOperator rounded(a, ProductPrecision::float32);
    detail::require_usable(rounded, options);
    Solver solver(rounded, options, detail::kSingleNoise);
    KrylovSvd svd = solver.run();
    if (!solver.is_too_noisy()) return svd;
    wasted = svd.products;
  }
  KrylovSvd svd = block_krylov(MatrixOperator(a), options);
  svd.products += wasted;
  return svd;
}

}  // namespace loewner
