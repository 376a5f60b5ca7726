// SPDX-License-Identifier: Apache-2.0
#include "sketch/sketched_basis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "linalg/blas.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

double rank_limit(Index d) {
  return static_cast<double>(std::max<Index>(d, 16)) * kEps;
}

double norm(MatrixView<const double> a) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (const double x : a.row(i)) sum += x * x;
  }
  return std::sqrt(sum);
}

struct Svd {
  std::vector<double> sigma;
  Matrix<double> vt;
};

Svd svd_of(const Matrix<double>& sketch, const char* caller) {
  Matrix<double> work = sketch.clone(), r(sketch.cols(), sketch.cols()), u;
  blas::qr_upper_in_place(work.view(), r.view());
  Svd svd;
  require(blas::thin_svd(r.view(), u, svd.sigma, svd.vt),
          [&] { return std::string(caller) + ": LAPACK did not converge"; });
  return svd;
}

Index rank_of(const Svd& svd) {
  if (svd.sigma.empty()) return 0;
  const double limit = rank_limit(svd.vt.cols()) * svd.sigma.front();
  return std::ranges::count_if(svd.sigma, [&](double sigma) { return sigma > limit; });
}

// Whether a random combination z of the null directions, ||z|| about 1, is a null direction of A up to rounding. The
// factor allows for a larger norm of A than of S A, and for the variance of ||z||.
bool null_space_is_real(const RowMatrix& a, const Svd& svd, Index rank, std::uint64_t seed) {
  const Index d = svd.vt.cols();
  RandomStream random(seed, RandomPurpose::sampling);
  Matrix<double> z(d, 1), image = Matrix<double>::uninitialized(a.rows(), 1);
  for (Index i = rank; i < d; ++i) {
    const double factor = random.normal() / std::sqrt(static_cast<double>(d - rank));
    for (Index j = 0; j < d; ++j) z(j, 0) += factor * svd.vt(i, j);
  }
  MatrixOperator(a).apply(z.view(), image.view());
  return norm(image.view()) <= 100 * rank_limit(d) * svd.sigma.front() * std::sqrt(static_cast<double>(d));
}

Matrix<double> read_all_wide(const RowMatrix& a, const char* caller) {
  require_finite(a, std::string(caller) + ": the matrix");
  Matrix<double> all = Matrix<double>::uninitialized(a.rows(), a.cols());
  read_rows_wide(a, 0, all.view());
  return all;
}

Matrix<double> inverse_on_range(const Svd& svd, Index rank) {
  Matrix<double> t = Matrix<double>::uninitialized(svd.vt.cols(), rank);
  for (Index i = 0; i < t.rows(); ++i) {
    for (Index j = 0; j < rank; ++j) t(i, j) = svd.vt(j, i) / svd.sigma[j];
  }
  return t;
}

}  // namespace

SketchedBasis sketched_basis(const RowMatrix& a, EmbeddingShape shape, std::uint64_t seed, const char* caller) {
  for (;; shape.rows *= 2, ++seed) {
    const bool is_sketched = shape.rows < a.rows();
    const SparseSignEmbedding embedding(shape.rows, a.rows(), std::min(shape.nonzeros, shape.rows), seed);
    Matrix<double> sketch = is_sketched ? embedding.apply(a) : read_all_wide(a, caller);
    Svd svd = svd_of(sketch, caller);
    const Index rank = rank_of(svd);
    if (rank < a.cols() && is_sketched && !null_space_is_real(a, svd, rank, seed)) continue;
    Matrix<double> t = inverse_on_range(svd, rank);
    svd.sigma.resize(rank);
    return {embedding, is_sketched, std::move(sketch), std::move(svd.sigma), std::move(t)};
  }
}

void orthonormalize(const RowMatrix& a, Matrix<double>& t) {
  if (t.cols() == 0) return;
  const Index r = t.cols(), per_block = rows_per_block(std::max(a.cols(), r));
  Matrix<double> gram =
      parallel_matrix_sum((a.rows() + per_block - 1) / per_block, r, r, [&](Index block, MatrixView<double> sum) {
        const Index first = block * per_block, count = std::min(per_block, a.rows() - first);
        Matrix<double> product = Matrix<double>::uninitialized(count, r);
        multiply_rows(a, first, t.view(), product.view());
        blas::add_gram_upper(product.view(), sum);
      });
  SymmetricEigen eigen = symmetric_eigen(std::move(gram));
  const Index rank = std::ranges::count_if(
      eigen.values, [&](double value) { return value > static_cast<double>(r) * kEps * eigen.values.front(); });
  Matrix<double> result = Matrix<double>::uninitialized(t.rows(), rank);
  for (Index j = 0; j < rank; ++j) {
    for (double& x : eigen.vectors_t.row(j)) x /= std::sqrt(eigen.values[j]);
  }
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, t.view(), eigen.vectors_t.view().row_block(0, rank), 0.0,
             result.view());
  t = std::move(result);
}

void multiply_rows(const RowMatrix& a, Index first, MatrixView<const double> t, MatrixView<double> out) {
  a.visit_rows(first, out.rows(), [&](const auto& rows) { MatrixOperator(rows).apply(t, out); });
}

}  // namespace loewner::detail
