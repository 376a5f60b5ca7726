// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sketched_svd.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/krylov_space.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/projected_svd.hpp"
#include "linalg/squared_norm.hpp"
#include "linalg/sum_of_squares.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "sketch/accumulate_rows.hpp"

namespace loewner {
namespace {

constexpr const char* kMethod = "sketched_svd";
constexpr double kRowsPerDirection = 3;
constexpr Index kRowsSaved = 4;  // a sketch saves little if A has fewer than this many times its rows

void require_usable(const RowMatrix& a, const SketchedSvdOptions& options) {
  using detail::text_of;
  const detail::ArgumentCheck check(kMethod);
  check.rank(options.rank, a.rows(), a.cols());
  check.positive_and_finite("eps", options.eps);
  check.number(options.rows == 0 || (options.rows >= 2 * options.rank && options.rows <= a.rows()), "rows",
               "in [" + text_of(2 * options.rank) + ", " + text_of(a.rows()) + "] (or 0)", options.rows);
  check.that(options.steps >= 0, [&] { return "steps must not be negative, got " + text_of(options.steps); });
}

// A, with the squares of its entries summed while its blocks are read, each once.
class NormedRows final : public RowSource {
 public:
  explicit NormedRows(const RowSource& a)
      : a_(a), per_block_(rows_per_block(a.cols())), parts_(static_cast<std::size_t>(num_row_blocks(a))) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    const auto rows = a_.read_rows(first, count, buffer);
    double& part = parts_[first / per_block_];
    part = detail::squared_norm(rows);
    if (!std::isfinite(part)) require_finite_rows(rows, first, std::string(kMethod) + ": the matrix");
    return rows;
  }
  double squared_norm() const { return std::accumulate(parts_.begin(), parts_.end(), 0.0); }

 private:
  const RowSource& a_;
  Index per_block_;
  mutable std::vector<double> parts_;
};

// The sketch S A and ||A||_F^2. Sums of very large or small entries leave float32; then `exponent` is not 0, and the
// sketch is of no use.
struct Sketch {
  int exponent = 0;
  RightSingularVectors leading;  // k of them
  double squared_norm = 0;       // of A
  double squared_residual = 0;   // of the best rank-k matrix of the sketch
};

// The vectors need the accuracy of the sketch only, whose excess is k / (2 m) or more.
RightSingularVectors leading_of(const RowSource& sketch, const SketchedSvdOptions& options) {
  if (options.steps > 0) {
    auto svd = block_krylov(
        RowMatrix(sketch), {.rank = options.rank, .steps = options.steps, .left_vectors = false, .seed = options.seed});
    return {.singular_values = std::move(svd.singular_values),
            .vt = std::move(svd.vt),
            .route = SvdRoute::krylov,
            .residual_norm = svd.residual_norm};
  }
  const double eps = static_cast<double>(options.rank) / static_cast<double>(8 * sketch.rows());
  return truncated_svd(sketch, {.rank = options.rank, .eps = eps});
}

Sketch sketch_of(const RowSource& a, Index rows, const SketchedSvdOptions& options) {
  const NormedRows normed(a);
  Matrix<float> sketch(rows, a.cols());  // one entry of 1 per column of S
  detail::accumulate_rows_single(SparseSignEmbedding(rows, a.rows(), 1, options.seed), normed, sketch.view());
  Sketch result;
  result.squared_norm = normed.squared_norm();
  result.exponent = detail::input_exponent(std::sqrt(result.squared_norm), detail::kOrdinaryFloats);
  if (result.exponent != 0) return result;
  result.leading = leading_of(DenseRows(sketch.view()), options);
  result.squared_residual =
      *MatrixOperator(sketch.view()).squared_frobenius_norm() - detail::sum_of_squares(result.leading.singular_values);
  return result;
}

// The SVD of A V V^T.
KrylovSvd projected(const RowSource& a, const Matrix<double>& vt, double squared_norm, ProductPrecision precision) {
  const Index k = vt.rows();
  const Matrix<double> v = detail::transposed<double>(vt.view());
  Matrix<double> images = Matrix<double>::uninitialized(a.rows(), k);
  MatrixOperator(RowMatrix(a), precision).apply(v.view(), images.view());
  detail::ProjectedSvd found = detail::svd_of_projection(std::move(images), vt.view());
  KrylovSvd svd;
  svd.u = std::move(found.u);
  svd.singular_values = std::move(found.singular_values);
  svd.vt = std::move(found.vt);
  svd.residual_norm = std::sqrt(std::max(0.0, squared_norm - detail::sum_of_squares(svd.singular_values)));
  svd.numerical_rank = svd.products = k;
  return svd;
}

// An estimate of the relative excess, too high as a rule: ||S (A - A_k)||_F^2 is at least the residual of the sketch,
// and its mean over S is ||A - A_k||_F^2 with a variance below 2 / m sigma_k^2 ||A - A_k||_F^2.
double excess(const KrylovSvd& svd, const Sketch& sketch, Index rows) {
  const double residual = std::max(0.0, sketch.squared_residual);
  const double chance = 2 * sketch.leading.singular_values.back() * std::sqrt(2 * residual / static_cast<double>(rows));
  return std::sqrt(std::max(1.0, svd.residual_norm * svd.residual_norm / std::max(0.0, residual - chance))) - 1;
}

}  // namespace

Index sketch_rows_for(Index rank, double eps) {
  return static_cast<Index>(std::ceil(std::min(1e15, kRowsPerDirection * static_cast<double>(rank) / eps)));
}

namespace {

KrylovSvd of_scaled(const RowSource& a, int exponent, const SketchedSvdOptions& options) {
  const detail::ScaledRows rows(a, exponent);
  KrylovSvd svd = sketched_svd(RowMatrix(rows), options);
  const detail::ArgumentCheck check(kMethod);
  detail::restore(check, "the singular values", svd.singular_values, exponent);
  svd.residual_norm = detail::restored(check, "the error of the approximation", svd.residual_norm, exponent);
  return svd;
}

}  // namespace

KrylovSvd sketched_svd(const RowMatrix& a, const SketchedSvdOptions& options) {
  require_usable(a, options);
  BlockKrylovOptions of_a{.rank = options.rank, .eps = options.eps, .steps = options.steps, .seed = options.seed};
  const Index rows = options.rows > 0 ? options.rows : sketch_rows_for(options.rank, options.eps);
  const RowSource* const dense = a.visit([]<typename Storage>(const Storage& storage) -> const RowSource* {
    if constexpr (std::is_base_of_v<RowSource, Storage>) return &storage;
    return nullptr;
  });
  if (!dense || (options.rows == 0 && a.rows() < kRowsSaved * rows)) return block_krylov(a, of_a);
  const Sketch sketch = sketch_of(*dense, rows, options);
  if (sketch.exponent != 0) return of_scaled(*dense, sketch.exponent, options);
  const bool is_single = options.eps * sketch.squared_residual >= detail::kSingleNoise * sketch.squared_norm;
  if (is_single || options.steps > 0) {
    KrylovSvd svd = projected(*dense, sketch.leading.vt, sketch.squared_norm,
                              is_single ? ProductPrecision::float32 : ProductPrecision::float64);
    svd.excess_estimate = options.steps > 0 ? std::numeric_limits<double>::infinity() : excess(svd, sketch, rows);
    if (options.steps > 0 || svd.excess_estimate <= options.eps) return svd;
  }
  of_a.start = sketch.leading.vt.view();
  return block_krylov(a, of_a);
}

}  // namespace loewner
