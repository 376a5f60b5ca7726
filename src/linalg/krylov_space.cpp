// SPDX-License-Identifier: Apache-2.0
#include "linalg/krylov_space.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/gram_spectrum.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/projected_svd.hpp"
#include "linalg/sum_of_squares.hpp"
#include "linalg/vector_pieces.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

// Ritz values below this fraction of the largest are rounding errors of the products.
constexpr double kNoise = 64 * std::numeric_limits<double>::epsilon();

// A coefficient below this fraction of the length of its row is a rounding error.
constexpr double kNothing = 1e-10;

Matrix<double> combined(MatrixView<const double> coefficients, MatrixView<const double> rows) {
  Matrix<double> result = Matrix<double>::uninitialized(coefficients.rows(), rows.cols());
  for_each_piece(rows.cols(), [&](Index first, Index count) {
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, coefficients, rows.col_block(first, count), 0.0,
               result.view().col_block(first, count));
  });
  return result;
}

std::unique_ptr<KrylovRange> make_range(RangeKind kind, Index capacity, Index dimension, const char* caller) {
  if (kind == RangeKind::gram) return std::make_unique<GramRange>(dimension, caller);
  return std::make_unique<OrthonormalRange>(std::min(capacity, dimension), dimension, caller);
}

}  // namespace

KrylovSpace::KrylovSpace(const LinearOperator& a, Index capacity, std::uint64_t seed, const char* caller,
                         Breakdown breakdown, RangeKind range)
    : a_(&a),
      caller_(caller),
      breakdown_(breakdown),
      range_kind_(range),
      capacity_(std::min(capacity, a.cols())),
      random_(seed, RandomPurpose::initial_guess),
      probe_random_(seed, RandomPurpose::sampling),
      basis_(capacity_, a.cols()),
      range_(make_range(range, capacity_, a.rows(), caller)) {}

void KrylovSpace::start(Index vectors, Index held_out) {
  start(random_.draw(vectors, a_->cols()), held_out);
}

void KrylovSpace::start(Matrix<double> vectors, Index held_out) {
  basis_.truncate(size_);
  origins_.resize(size_);
  basis_.append(std::move(vectors), &random_);
  note_origins(size_, true, {});
  for (Index j = std::max(size_, basis_.size() - held_out); j < basis_.size(); ++j) origins_[j].is_held_out = true;
}

void KrylovSpace::renew_held_out(Index kept, Index held_out) {
  kept = std::min(kept, pending());
  Matrix<double> vectors = leading_rows<double>(basis_.view(basis_.size() - kept, kept), kept);
  origins_.erase(origins_.begin() + size_, origins_.end() - kept);
  for (VectorOrigin& origin : origins_) origin.is_held_out = false;
  basis_.truncate(size_);
  basis_.append(std::move(vectors), nullptr);
  const Index first = basis_.size();
  basis_.append(random_.draw(held_out, a_->cols()), &random_);
  note_origins(first, true, {});
  for (Index j = first; j < basis_.size(); ++j) origins_[j].is_held_out = true;
}

// Records the origins of the vectors from `first` on. coefficients: of the block that they were appended from; refills
// have none.
void KrylovSpace::note_origins(Index first, bool are_random, const Matrix<double>& coefficients) {
  for (Index j = first; j < basis_.size(); ++j) {
    bool is_random = true;
    for (Index i = 0; i < coefficients.rows() && is_random; ++i) {
      const double length = std::sqrt(sum_of_squares(coefficients.row(i)));
      is_random = std::abs(coefficients(i, j)) <= kNothing * length;
    }
    origins_.push_back({.level = level_, .is_random = are_random || is_random});
  }
}

void KrylovSpace::step(Index continued) {
  const Index count = pending(), both = std::min(continued, count);
  Matrix<double> images = Matrix<double>::uninitialized(a_->rows(), count), y(a_->cols(), both);
  multiply_pending(both, images, y);
  if (size_ == 0 && scale_input(images)) multiply_pending(both, images, y);
  if (size_ == 0) find_norm();
  require_finite_block(images.view(), "the matrix");
  require_finite_block(y.view(), "its transpose");
  size_ += count;
  Matrix<double> next = transposed<double>(y.view()), inner;
  if (range_kind_ == RangeKind::gram) inner = times_transposed(next.view(), basis_.view(0, size_));
  range_->append(std::move(images), inner);
  ++level_;
  note_origins(size_, false, basis_.append(std::move(next), breakdown_ == Breakdown::refill ? &random_ : nullptr));
}

void KrylovSpace::multiply_pending(Index continued, Matrix<double>& images, Matrix<double>& y) {
  const Index count = pending();
  const Matrix<double> x = transposed(basis_.view(size_, count));
  if (continued > 0) {
    const std::vector<double> zeros(continued);
    a_->golub_kahan_step(x.view().col_block(0, continued), zeros, images.view().col_block(0, continued), y.view());
  }
  if (continued < count) {
    const Index rest = count - continued;
    a_->apply(x.view().col_block(continued, rest), images.view().col_block(continued, rest));
  }
  products_ += count + continued;
}

// Called after the first products: decides from their size whether the matrix is scaled. Those of float32 rows may have
// left their range already; then the norm tells the size. Known entries that are not finite are reported here.
bool KrylovSpace::scale_input(const Matrix<double>& images) {
  double largest = 0;
  for (Index i = 0; i < images.rows() * images.cols(); ++i) {
    const double size = std::abs(images.data()[i]);
    largest = std::isfinite(size) ? std::max(largest, size) : std::numeric_limits<double>::infinity();
    if (std::isinf(largest)) break;
  }
  if (largest == 0 || std::isinf(largest)) {
    const double norm = std::sqrt(a_->squared_frobenius_norm().value_or(0));
    if (std::isinf(largest) && !std::isfinite(norm)) a_->require_finite_entries(std::string(caller_) + ": the matrix");
    if (norm > 0) largest = norm;
  }
  exponent_ = input_exponent(largest, range_kind_ == RangeKind::gram ? kOrdinaryFloats : kOrdinaryDoubles);
  if (exponent_ == 0) return false;
  scaled_.emplace(*a_, exponent_);
  a_ = &*scaled_;
  return true;
}

// Called after the first product, during which some operators compute the norm.
void KrylovSpace::find_norm() {
  squared_norm_ = a_->squared_frobenius_norm();
  if (squared_norm_ && !std::isfinite(*squared_norm_)) report_not_finite("the squared norm of the matrix");
}

void KrylovSpace::require_finite_block(MatrixView<const double> block, const char* matrix) const {
  for_each_piece(block.rows(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      if (std::ranges::all_of(block.row(i), [](double x) { return std::isfinite(x); })) continue;
      report_not_finite("row " + std::to_string(i) + " of a product with " + matrix);
    }
  });
}

void KrylovSpace::report_not_finite(const std::string& what) const {
  a_->require_finite_entries(std::string(caller_) + ": the matrix");
  throw InvalidArgument(std::string(caller_) + ": " + what + " is not finite");
}

Matrix<double> KrylovSpace::take_pending() {
  Matrix<double> vectors = leading_rows<double>(basis_.view(size_, pending()), pending());
  basis_.truncate(size_);
  origins_.resize(size_);
  return vectors;
}

void KrylovSpace::add_pending(Matrix<double> vectors) {
  const Index first = basis_.size();
  basis_.append(std::move(vectors), nullptr);
  note_origins(first, true, {});
}

void KrylovSpace::restart(Index count) {
  const RitzTriples all = ritz();
  count = std::min(count, size_);
  Matrix<double> kept = combined(all.right_t.view().row_block(0, count), basis_.view(0, size_));
  Matrix<double> images = range_->combined(all.left_t.view().row_block(0, count));
  Matrix<double> waiting = take_pending();
  basis_.truncate(0);
  range_->clear();
  size_ = count;
  basis_.append(std::move(kept), nullptr);
  for (Index i = 0; i < images.rows(); ++i) {
    for (Index j = 0; j < count; ++j) images(i, j) *= all.values[j];
  }
  range_->append(std::move(images), {});
  basis_.append(std::move(waiting), nullptr);
  origins_.assign(basis_.size(), {.level = level_, .is_random = true});
}

bool KrylovSpace::holds_out() const {
  return std::ranges::any_of(origins_, &VectorOrigin::is_held_out);
}

std::vector<double> KrylovSpace::ritz_values_without_held_out() const {
  const Matrix<double> gram = range_->gram();
  const Matrix<double> space = space_without_held_out(gram, std::span(origins_).first(size_));
  Matrix<double> images(space.rows(), size_), projected(space.rows(), space.rows());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, space.view(), gram.view(), 0.0, images.view());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, images.view(), space.view(), 0.0, projected.view());
  return singular_values_from_gram(std::move(projected), caller_);
}

void KrylovSpace::add_left_vectors(const RitzTriples& ritz, Index k, KrylovSvd& svd) {
  const bool has_gram = range_kind_ == RangeKind::gram;
  Matrix<double> left = range_->combined((has_gram ? ritz.right_t : ritz.left_t).view().row_block(0, k));
  if (has_gram) {  // left vectors from a Gram matrix would be off by the rounding of the products
    ProjectedSvd of_images = svd_of_projection(std::move(left), svd.vt.view());
    svd.u = std::move(of_images.u);
    svd.singular_values = std::move(of_images.singular_values);
    svd.vt = std::move(of_images.vt);
  } else if (range_->size() < size_) {  // the columns of `left` are orthonormal only where sigma > 0
    OrthonormalRows orthonormal(k, a_->rows());
    orthonormal.append(transposed<double>(left.view()), &random_);
    svd.u = transposed(orthonormal.view());
  } else {
    svd.u = std::move(left);
  }
}

KrylovSvd KrylovSpace::leading(const RitzTriples& ritz, Index k, bool with_left) {
  KrylovSvd result;
  result.singular_values.assign(ritz.values.begin(), ritz.values.begin() + k);
  result.numerical_rank = std::ranges::count_if(
      result.singular_values, [&](double value) { return value > kNoise * result.singular_values.front(); });
  result.vt = combined(ritz.right_t.view().row_block(0, k), basis_.view(0, size_));
  if (with_left) add_left_vectors(ritz, k, result);
  const auto rest = subtracted_residual(result.singular_values, k);
  const ArgumentCheck check(caller_);
  result.residual_norm =
      restored(check, "the error of the approximation", std::sqrt(rest ? *rest : probed_residual(ritz, k)), exponent_);
  restore(check, "the singular values", result.singular_values, exponent_);
  result.products = products_;
  return result;
}

}  // namespace loewner::detail
