// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/bilinear_sketch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/gram_spectrum.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

constexpr Index kMostRepetitions = 4096;

ResidualOptions checked(Index rows, Index cols, ResidualOptions options) {
  const Index k = options.max_rank;
  require(rows >= 0 && cols >= 0 && k >= 0 && k < std::numeric_limits<std::int32_t>::max() / 10, [&] {
    return "residual curve: sizes and max_rank must not be negative, and max_rank below 2^31 / 10, got " +
           std::to_string(rows) + " x " + std::to_string(cols) + " and " + std::to_string(k);
  });
  if (options.sketch_size == 0) options.sketch_size = std::max<Index>(64, 5 * k);
  const Index m = options.sketch_size;
  require(m >= std::max<Index>(1, 2 * k), [&] {
    return "residual curve: sketch_size must be at least 2 max_rank = " + std::to_string(2 * k) + ", got " +
           std::to_string(m);
  });
  const detail::ArgumentCheck check("residual curve");
  check.in_range("nonzeros", options.nonzeros, 1, m);
  check.in_range("repetitions", options.repetitions, 1, kMostRepetitions);
  return options;
}

// Each side of each repetition has its own embedding.
std::optional<SparseSignEmbedding> side_of(Index length, const ResidualOptions& options, Index number) {
  if (length <= options.sketch_size) return {};
  RandomStream random(options.seed, RandomPurpose::sampling, static_cast<std::uint64_t>(number));
  return SparseSignEmbedding(options.sketch_size, length, options.nonzeros, random.next_uint64());
}

struct Entries {
  std::vector<std::int32_t> places;
  std::vector<double> values;
};

Entries column_of(const std::optional<SparseSignEmbedding>& side, Index j) {
  if (!side) return {{static_cast<std::int32_t>(j)}, {1.0}};
  Entries entries{std::vector<std::int32_t>(side->nonzeros()), std::vector<double>(side->nonzeros())};
  side->column_entries(j, entries.places, entries.values);
  return entries;
}

void add(const Matrix<double>& from, MatrixView<double> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    for (Index j = 0; j < to.cols(); ++j) to(i, j) += from(i, j);
  }
}

// A T^T as (T A^T)^T, without a check for non-finite entries.
Matrix<double> times_transposed(const Matrix<double>& a, const SparseSignEmbedding& t) {
  const Matrix<double> at = detail::transposed(a.view());
  Matrix<double> product(t.rows(), a.rows());
  t.accumulate(0, RowMatrix(at.view()), product.view());
  for (Index i = 0; i < product.rows() * product.cols(); ++i) product.data()[i] *= t.scale();
  return detail::transposed(std::as_const(product).view());
}

// sqrt(sum_{i >= k} sigma_i^2) for all k up to the largest rank, smallest first so that small tails keep their digits.
std::vector<double> tails(const std::vector<double>& sigma, Index max_rank) {
  std::vector<double> tails(static_cast<std::size_t>(max_rank) + 1);
  double tail = 0;
  for (auto k = static_cast<Index>(sigma.size()) - 1; k >= 0; --k) {
    tail = std::hypot(tail, sigma[k]);
    if (k <= max_rank) tails[k] = tail;
  }
  return tails;
}

constexpr const char* kCaller = "residual curve";

// The singular values from the Gram matrix of the shorter side, in half the time. Rounding changes squared tails by
// some n eps64 of the whole. Returns nothing if that may hide a requested tail, or if squares may over- or underflow.
std::optional<std::vector<double>> singular_values_by_gram(const Matrix<double>& a, Index max_rank) {
  constexpr double kSmallestTail = 1e-5;  // of the norm: its square is then right to some 1e-4
  constexpr double kLargestSquare = 1e200;
  const Matrix<double> turned = a.rows() < a.cols() ? detail::transposed(a.view()) : Matrix<double>();
  const MatrixView<const double> tall = a.rows() < a.cols() ? turned.view() : a.view();
  Matrix<double> gram(tall.cols(), tall.cols());
  blas::add_gram_upper(tall, gram.view());
  double square = 0;
  for (Index i = 0; i < gram.rows(); ++i) square += gram(i, i);
  if (!(square > 1 / kLargestSquare && square < kLargestSquare)) return {};
  std::vector<double> values = detail::singular_values_from_gram(std::move(gram), kCaller);
  const std::vector<double> found = tails(values, max_rank);
  const Index last = std::min(max_rank, static_cast<Index>(values.size()) - 1);
  if (last >= 0 && !(found[last] >= kSmallestTail * found[0])) return {};
  return values;
}

std::vector<double> singular_values_of(const Matrix<double>& a, Index max_rank) {
  if (auto found = singular_values_by_gram(a, max_rank)) return std::move(*found);
  Matrix<double> work = a.clone();
  std::vector<double> values;
  require(blas::singular_values(work.view(), values),
          [] { return std::string(kCaller) + ": LAPACK did not converge"; });
  return values;
}

// The energy that the largest k squared singular values take from the tail, in units of 1/m of the tail, less k, for
// every k with a tail. In a sketch of m rows l_i grows by l_j l_i / (l_i - l_j) / m for each other l_j [Lawley1956].
// Terms among the leading k cancel. Behind a gap they take k / m of the tail, without a gap more. The damping treats
// values closer than 1/m as equal.
std::vector<double> directions_beyond_rank(const std::vector<double>& sigma, const std::vector<double>& tails,
                                           Index m) {
  const double squared_width = 1 / (static_cast<double>(m) * static_cast<double>(m));
  const auto taken = [&](Index i, Index j) {  // relative to l_0, whose square could overflow
    const double ratio = sigma[j] / sigma[i], share = sigma[j] / sigma[0], gap = (1 - ratio) * (1 + ratio);
    return share * share * gap / (gap * gap + squared_width);
  };
  const auto count = static_cast<Index>(std::ranges::find(sigma, 0.0) - sigma.begin());
  std::vector<double> beyond(tails.size());
  double sum = 0;  // from the largest rank down, so that small tails are no differences of large sums
  Index k = std::min(static_cast<Index>(tails.size()) - 1, count);
  for (Index i = 0; i < k; ++i) {
    for (Index j = k; j < count; ++j) sum += taken(i, j);
  }
  for (; k > 0; --k) {
    const double tail = std::pow(tails[k] / sigma[0], 2);
    if (tail > 0) beyond[k] = std::max(0.0, sum / tail - static_cast<double>(k));
    for (Index j = k; j < count; ++j) sum -= taken(k - 1, j);
    for (Index i = 0; i < k - 1; ++i) sum += taken(i, k - 1);
  }
  return beyond;
}

bool same_options(const ResidualOptions& a, const ResidualOptions& b) {
  return a.max_rank == b.max_rank && a.sketch_size == b.sketch_size && a.nonzeros == b.nonzeros &&
         a.repetitions == b.repetitions && a.seed == b.seed && a.correct_bias == b.correct_bias;
}

struct Spread {
  double mean = 0, deviation = 0;
};

Spread spread_of(const std::vector<std::vector<double>>& curves, std::size_t k) {
  const auto count = static_cast<double>(curves.size());
  Spread spread;
  for (const auto& curve : curves) spread.mean += curve[k] / count;
  if (curves.size() < 2) return spread;
  double sum = 0;
  for (const auto& curve : curves) sum = std::hypot(sum, curve[k] - spread.mean);
  spread.deviation = sum / std::sqrt(count - 1);
  return spread;
}

}  // namespace

BilinearSketch::BilinearSketch(Index rows, Index cols, const ResidualOptions& options)
    : rows_(rows), cols_(cols), options_(checked(rows, cols, options)) {
  for (Index r = 0; r < options_.repetitions; ++r) {
    Part part{side_of(rows, options_, 2 * r), side_of(cols, options_, 2 * r + 1), {}};
    part.sums = Matrix<double>(std::min(rows, sketch_size()), std::min(cols, sketch_size()));
    parts_.push_back(std::move(part));
  }
}

void BilinearSketch::update(Index i, Index j, double change) {
  require(i >= 0 && i < rows_ && j >= 0 && j < cols_ && std::isfinite(change), [&] {
    return "BilinearSketch: the change must be finite and inside the " + std::to_string(rows_) + " x " +
           std::to_string(cols_) + " matrix, got " + std::to_string(change) + " at row " + std::to_string(i) +
           ", column " + std::to_string(j);
  });
  for (Part& part : parts_) {
    const Entries left = column_of(part.left, i), right = column_of(part.right, j);
    for (std::size_t a = 0; a < left.places.size(); ++a) {
      for (std::size_t b = 0; b < right.places.size(); ++b) {
        part.sums(left.places[a], right.places[b]) += left.values[a] * right.values[b] * change;
      }
    }
  }
}

void BilinearSketch::require_block(Index first_row, const RowMatrix& block) const {
  const Index count = block.rows();
  require(first_row >= 0 && first_row <= rows_ && count <= rows_ - first_row && block.cols() == cols_, [&] {
    return "BilinearSketch: the block must lie inside the " + std::to_string(rows_) + " x " + std::to_string(cols_) +
           " matrix and have all columns, got " + std::to_string(count) + " x " + std::to_string(block.cols()) +
           " from row " + std::to_string(first_row) + " on";
  });
}

void BilinearSketch::add_block(Index first_row, const RowMatrix& block) {
  require_block(first_row, block);
  require_finite(block, "BilinearSketch: the block of rows");
  accumulate(first_row, block);
}

void BilinearSketch::accumulate(Index first_row, const RowMatrix& block) {
  require_block(first_row, block);
  std::vector<Matrix<double>> sums;  // all of them before any is added, so that a caller who cancels loses nothing
  for (const Part& part : parts_) sums.push_back(sketched(part, first_row, block));
  for (std::size_t r = 0; r < parts_.size(); ++r) {
    const MatrixView<double> all = parts_[r].sums.view();
    add(sums[r], parts_[r].left ? all : all.row_block(first_row, block.rows()));
  }
}

Matrix<double> BilinearSketch::sketched(const Part& part, Index first_row, const RowMatrix& block) const {
  // Without S the rows keep their positions.
  Matrix<double> left(part.left ? part.left->rows() : block.rows(), cols_);
  if (part.left) {
    part.left->accumulate(first_row, block, left.view());
    for (Index i = 0; i < left.rows() * cols_; ++i) left.data()[i] *= part.left->scale();
  } else {
    read_rows_wide(block, 0, left.view());
  }
  return part.right ? times_transposed(left, *part.right) : std::move(left);
}

void BilinearSketch::merge(const BilinearSketch& other) {
  require(rows_ == other.rows_ && cols_ == other.cols_ && same_options(options_, other.options_), [&] {
    const auto describe = [](const BilinearSketch& s) {
      return std::to_string(s.rows_) + " x " + std::to_string(s.cols_) + ", sketch_size " +
             std::to_string(s.sketch_size()) + ", " + std::to_string(s.options_.nonzeros) + " nonzeros, " +
             std::to_string(s.options_.repetitions) + " repetitions, seed " + std::to_string(s.options_.seed);
    };
    return "BilinearSketch: merged sketches must have the same shape and options, got (" + describe(*this) + ") and (" +
           describe(other) + ")";
  });
  for (std::size_t r = 0; r < parts_.size(); ++r) add(other.parts_[r].sums, parts_[r].sums.view());
}

std::vector<double> BilinearSketch::residuals(const Part& part) const {
  const std::vector<double> sigma = singular_values_of(part.sums, options_.max_rank);
  std::vector<double> residuals = tails(sigma, options_.max_rank);
  const double sides = 0.5 * (part.left.has_value() + part.right.has_value());
  if (!options_.correct_bias || sides == 0) return residuals;
  const auto m = static_cast<double>(sketch_size());
  const std::vector<double> beyond = directions_beyond_rank(sigma, residuals, sketch_size());
  for (std::size_t k = 0; k < residuals.size(); ++k) {
    residuals[k] *= std::pow((1 + beyond[k] / m) / (1 - static_cast<double>(k) / m), sides);
  }
  return residuals;
}

ResidualCurve BilinearSketch::curve(std::optional<double> frobenius_norm) const {
  std::vector<std::vector<double>> curves(parts_.size());
  parallel_for(options_.repetitions, [&](Index r) { curves[r] = residuals(parts_[r]); });
  ResidualCurve curve;
  curve.sketch_size = sketch_size();
  curve.frobenius_norm = frobenius_norm ? *frobenius_norm : spread_of(curves, 0).mean;
  double smallest = curve.frobenius_norm;
  for (std::size_t k = 0; k < curves[0].size(); ++k) {
    const Spread spread = spread_of(curves, k);
    if (k > 0) smallest = std::min(smallest, spread.mean);
    curve.residual.push_back(smallest);
    curve.standard_deviations.push_back(k == 0 && frobenius_norm ? 0 : spread.deviation);
  }
  return curve;
}

}  // namespace loewner
