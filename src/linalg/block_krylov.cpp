// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "linalg/krylov_space.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/schatten_excess.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/linalg/matrix_operator.hpp"

namespace loewner {
namespace {

constexpr const char* kCaller = "block_krylov";

std::string message(const std::string& requirement, const std::string& received) {
  return std::string(kCaller) + ": " + requirement + ", got " + received;
}

// What held-out vectors gain falls faster than this per look where they only help to converge.
constexpr double kFalling = 0.7;

class Solver {
 public:
  // noise: of the products, as detail::kSingleNoise.
  Solver(const LinearOperator& a, const BlockKrylovOptions& options, double noise = 0)
      : k_(options.rank),
        block_(block_size(a, options, noise > 0)),
        fresh_(std::min(k_, (block_ + 3) / 4)),
        max_products_(options.max_products > 0 ? options.max_products
                                               : 8 * (std::min(a.rows(), a.cols()) + block_ + 2)),
        options_(options),
        noise_(noise),
        space_(a, capacity(a, options), options.seed, kCaller, detail::Breakdown::refill,
               noise > 0 ? detail::RangeKind::gram : detail::RangeKind::orthonormal) {
    require_products();
    if (options.start.rows() > 0) {
      space_.start(detail::leading_rows<double>(options.start, block_));
    } else {
      space_.start(block_, block_ > fresh_ ? fresh_ : 0);
    }
  }

  KrylovSvd run() { return options_.steps > 0 ? fixed() : adaptive(); }

  // Whether eps is less than what the noise of the products can do: the result is of no use then.
  bool is_drowned() const { return is_drowned_; }

 private:
  KrylovSvd fixed() {
    for (Index step = 0; step < options_.steps; ++step) space_.step(block_);
    space_.step(0);
    return result(Status::converged);
  }

  KrylovSvd adaptive() {
    while (space_.pending() > 0) {
      if (!can_afford(space_.pending())) return result(Status::max_iterations);
      advance();
      ++steps_;
      if (!is_due()) continue;
      look();
      if (is_drowned_) return result(Status::max_iterations);
      if (!is_settled() || !vectors_are_settled()) continue;
      if (!options_.closing_check) return result(Status::converged);
      if (space_.holds_out()) {
        if (steps_ < next_held_out_look_) continue;
        if (!held_out_vectors_gain()) return result(Status::converged);
      } else {
        if (!can_afford(fresh_steps() * fresh_)) return result(Status::max_iterations);
        if (!fresh_block_gains()) return result(Status::converged);
      }
    }
    return result(Status::converged);  // V is a basis of the whole space
  }

  // 16 vectors take float32 products no longer than 8: both wait for the matrix.
  static Index block_size(const LinearOperator& a, const BlockKrylovOptions& options, bool is_single) {
    const Index wanted = options.start.rows() > 0 ? options.start.rows()
                         : options.block > 0      ? options.block
                         : options.rank < 8       ? 4
                         : is_single              ? 16
                                                  : 8;
    return std::min({wanted, a.rows(), a.cols()});
  }

  // Vectors that a restart must leave room for: the Ritz vectors it keeps, the pending block and two more of them.
  Index smallest_capacity() const { return 2 * k_ + 3 * (block_ + fresh_); }

  Index capacity(const LinearOperator& a, const BlockKrylovOptions& options) const {
    const Index bytes_each = 8 * (a.rows() + a.cols()), smallest = std::min(a.cols(), smallest_capacity());
    if (options.steps > 0) return block_ * (options.steps + 1);
    if (options.max_bytes == 0) return std::max(smallest, (Index{1} << 30) / bytes_each);
    require(options.max_bytes >= smallest * bytes_each, [&] {
      return message("max_bytes must be at least " + std::to_string(smallest * bytes_each) + " (or 0)",
                     std::to_string(options.max_bytes));
    });
    return options.max_bytes / bytes_each;
  }

  // Enough for a space of k vectors, and the probes.
  void require_products() const {
    const Index steps_needed = (k_ + block_ - 1) / block_;
    const Index least = 2 * block_ * steps_needed + detail::KrylovSpace::kProbes;
    if (options_.steps > 0) {
      require(options_.steps + 1 >= steps_needed, [&] {
        return message(
            "steps must be at least " + std::to_string(steps_needed - 1) + " for blocks of " + std::to_string(block_),
            std::to_string(options_.steps));
      });
    } else {
      require(max_products_ >= least, [&] {
        return message("max_products must be at least " + std::to_string(least) + " (or 0)",
                       std::to_string(options_.max_products));
      });
    }
  }

  bool can_afford(Index vectors) const {
    return space_.products() + space_.products_to_come() + 2 * vectors <= max_products_;
  }

  void make_room(Index vectors) {
    if (!space_.has_room(vectors)) space_.restart(2 * k_);
  }

  void advance() {
    throw_if_cancelled();
    make_room(space_.pending());
    space_.step(space_.pending());
    ++steps_since_look_;
  }

  // After every step, and less often in a large space, so that the small SVDs stay cheap beside the products.
  bool is_due() const {
    const bool is_grown = 16 * steps_since_look_ * block_ >= space_.size();
    return space_.size() > k_ && (is_grown || space_.pending() == 0);
  }

  // Rayleigh-Ritz, and what the last two looks gained.
  void look() {
    steps_since_look_ = 0;
    const auto values = space_.ritz_values();
    note_noise(values);
    const double now = captured(values);
    gain_ = looks_ < 2 ? std::numeric_limits<double>::infinity() : gain(before_last_, now);
    before_last_ = looks_ == 0 ? now : last_;
    last_ = now;
    ++looks_;
    if (std::isfinite(gain_)) excess_ = excess(values, slack() * gain_);
  }

  // The residual only falls as the space grows: drowned once is drowned for good.
  void note_noise(std::span<const double> values) {
    is_drowned_ = is_drowned_ || (noise_ > 0 && options_.eps * space_.relative_squared_residual(values, k_) < noise_);
  }

  bool is_settled() const { return looks_ > 2 && excess_ <= options_.eps; }

  // Asking costs k products, so on a refusal the space grows by a quarter before the next time.
  bool vectors_are_settled() {
    if (options_.vector_tolerance == 0) return true;
    if (steps_ < next_vector_look_ || !can_afford((k_ + 1) / 2)) return false;
    next_vector_look_ = steps_ + std::max<Index>(1, steps_ / 4);
    const auto ritz = space_.ritz();
    return space_.largest_ritz_residual(ritz, k_) <= options_.vector_tolerance * ritz.values.front();
  }

  double captured(std::span<const double> values) const {
    double sum = 0;
    for (const double value : values.first(std::min<std::size_t>(k_, values.size()))) sum += value * value;
    return sum;
  }

  // now - before, or zero where rounding could have made the difference.
  static double gain(double before, double now) {
    const double difference = now - before;
    return difference > 64 * std::numeric_limits<double>::epsilon() * now ? difference : 0;
  }

  // Where no gap speeds it up, the error falls as 1 / steps^2: then two steps gain 4 / steps of what is left to gain.
  // Twice that for slack.
  double slack() const { return std::max(4.0, 0.5 * static_cast<double>(steps_)); }

  // By what the error could still fall, relatively, if `left` is left to gain.
  double excess(std::span<const double> values, double left) {
    const double p = options_.norm_exponent;
    return detail::schatten_excess({.tail = values.subspan(k_),
                                    .squared_norm = p <= 2 ? space_.squared_residual(values, k_) : 0,
                                    .rank = k_,
                                    .gain = left},
                                   p);
  }

  Index fresh_steps() const { return std::max<Index>(2, steps_); }

  // A block smaller than the multiplicity of a singular value sees as many copies of it as it has vectors, and
  // converges to that: only vectors that it has not seen can tell. They get as many steps as the others had, because
  // behind a thin gap two are too few to tell a copy from its neighbors; and since few vectors find few of
  // the copies, their gain counts k / fresh times.
  bool fresh_vectors_matter(std::span<const double> values, double gained) {
    const Index times = k_ / fresh_;
    excess_ = excess(values, gained * std::max(4.0, static_cast<double>(times)));
    return excess_ > options_.eps;
  }

  // What the last vectors of the block have added to what the others would have found alone. Where that falls from look
  // to look, the others come to the same; where it stays, it is copies, and new vectors are held out.
  bool held_out_vectors_gain() {
    const auto values = space_.ritz_values();
    const double gained = gain(captured(space_.ritz_values_without_held_out()), captured(values));
    if (!fresh_vectors_matter(values, gained)) return false;
    const bool falls = gained < kFalling * held_out_gain_;
    held_out_gain_ = gained;
    if (falls) return true;
    held_out_gain_ = std::numeric_limits<double>::infinity();
    next_held_out_look_ = steps_ + std::max<Index>(2, steps_ - renewed_);
    renewed_ = steps_;
    make_room(block_ + fresh_);
    space_.renew_held_out(block_, fresh_);
    look_anew();
    return true;
  }

  void look_anew() {
    looks_ = 0;
    steps_since_look_ = 0;
  }

  // The same by a chain of its own, where all have been mixed. On a gain both chains go on.
  bool fresh_block_gains() {
    Matrix<double> parked = space_.take_pending();
    make_room(fresh_);
    space_.start(fresh_);
    for (Index step = fresh_steps(); step > 0 && space_.pending() > 0; --step) advance();
    const auto values = space_.ritz_values();
    if (!fresh_vectors_matter(values, gain(last_, captured(values)))) return false;
    const Index room = std::min(parked.rows(), block_ + fresh_ - space_.pending());
    make_room(room);
    space_.add_pending(detail::leading_rows<double>(parked.view(), room));
    look_anew();
    return true;
  }

  KrylovSvd result(Status status) {
    const auto ritz = space_.ritz();
    note_noise(ritz.values);
    KrylovSvd svd = space_.leading(ritz, k_, options_.left_vectors);
    svd.status = status;
    svd.excess_estimate = space_.pending() == 0 && options_.steps == 0 ? 0 : excess_;
    return svd;
  }

  Index k_, block_, fresh_, max_products_;
  const BlockKrylovOptions& options_;
  double noise_;
  bool is_drowned_ = false;
  detail::KrylovSpace space_;
  Index steps_ = 0;  // of the main chain, not of checks
  Index steps_since_look_ = 0;
  Index next_vector_look_ = 0;
  Index next_held_out_look_ = 0, renewed_ = 0;
  int looks_ = 0;
  double last_ = 0, before_last_ = 0, gain_ = 0;
  double excess_ = std::numeric_limits<double>::infinity();
  double held_out_gain_ = std::numeric_limits<double>::infinity();
};

void require_usable(const LinearOperator& a, const BlockKrylovOptions& options) {
  const Index limit = std::min(a.rows(), a.cols());
  require(options.rank >= 1 && options.rank <= limit, [&] {
    return message("rank must be in [1, " + std::to_string(limit) + "] for a " + std::to_string(a.rows()) + " x " +
                       std::to_string(a.cols()) + " matrix",
                   std::to_string(options.rank));
  });
  require(options.norm_exponent >= 1,
          [&] { return message("norm_exponent must be at least 1", std::to_string(options.norm_exponent)); });
  require(options.eps > 0 && std::isfinite(options.eps),
          [&] { return message("eps must be positive and finite", std::to_string(options.eps)); });
  require(options.vector_tolerance >= 0,
          [&] { return message("vector_tolerance must not be negative", std::to_string(options.vector_tolerance)); });
  require(options.start.rows() == 0 || (options.start.rows() <= limit && options.start.cols() == a.cols() &&
                                        (options.block == 0 || options.block == options.start.rows())),
          [&] {
            return message("start must have `block` rows, at most " + std::to_string(limit) + ", of " +
                               std::to_string(a.cols()) + " numbers",
                           std::to_string(options.start.rows()) + " of " + std::to_string(options.start.cols()));
          });
  require_finite(RowMatrix(options.start), std::string(kCaller) + ": start");
  for (const Index count : {options.block, options.steps, options.max_products, options.max_bytes}) {
    require(count >= 0, [&] {
      return message("block, steps, max_products and max_bytes must not be negative", std::to_string(count));
    });
  }
}

// Whether rounding vectors to float32 may do: the rows have no more digits, and the error is that of a mean.
bool may_round(const RowMatrix& a, const BlockKrylovOptions& options) {
  return MatrixOperator::has_float32_products(a) && options.norm_exponent == 2 && options.vector_tolerance == 0;
}

}  // namespace

KrylovSvd block_krylov(const LinearOperator& a, const BlockKrylovOptions& options) {
  require_usable(a, options);
  return Solver(a, options).run();
}

KrylovSvd block_krylov(const RowMatrix& a, const BlockKrylovOptions& options) {
  Index wasted = 0;
  if (may_round(a, options)) {
    const MatrixOperator rounded(a, ProductPrecision::float32);
    require_usable(rounded, options);
    Solver solver(rounded, options, detail::kSingleNoise);
    KrylovSvd svd = solver.run();
    if (!solver.is_drowned()) return svd;
    wasted = svd.products;
  }
  KrylovSvd svd = block_krylov(MatrixOperator(a), options);
  svd.products += wasted;
  return svd;
}

}  // namespace loewner
