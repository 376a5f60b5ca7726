// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/latent_simplex.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/argument_check.hpp"
#include "cluster/vertex_search.hpp"
#include "linalg/blas.hpp"
#include "linalg/gathered_rows.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner {
namespace {

using detail::dot;

constexpr Index kMostTries = 65536, kMostPowerSteps = 1000;
constexpr Index kFewestRows = 10;    // per vertex
constexpr Index kSketchEntries = 4;  // nonzeros per column of the sketch
constexpr Index kRowsPerSum = 4096;

void require_usable(const RowMatrix& a, Index k, const LatentSimplexOptions& options) {
  const detail::ArgumentCheck check("latent_simplex");
  check.rank(k, a.rows(), a.cols(), "k");
  check.number(options.share >= 0 && options.share <= 1, "share", "in [0, 1]", options.share);
  check.in_range("tries", options.tries, 1, kMostTries);
  check.in_range("power_steps", options.power_steps, 0, kMostPowerSteps);
}

// A rows^T
Matrix<double> images_of(const LinearOperator& a, MatrixView<const double> rows) {
  const Matrix<double> columns = detail::transposed(rows);
  Matrix<double> y = Matrix<double>::uninitialized(a.rows(), rows.rows());
  a.apply(columns.view(), y.view());
  return y;
}

Matrix<double> gram_of(MatrixView<const double> rows) {
  const Index blocks = (rows.rows() + kRowsPerSum - 1) / kRowsPerSum;
  Matrix<double> gram =
      detail::parallel_matrix_sum(blocks, rows.cols(), rows.cols(), [&](Index block, MatrixView<double> sum) {
        const Index first = block * kRowsPerSum;
        blas::add_gram_upper(rows.row_block(first, std::min(kRowsPerSum, rows.rows() - first)), sum);
      });
  for (Index i = 0; i < gram.rows(); ++i) {
    for (Index j = 0; j < i; ++j) gram(i, j) = gram(j, i);
  }
  return gram;
}

Matrix<double> orthonormal(Matrix<double> rows) {
  detail::OrthonormalRows basis(rows.rows(), rows.cols());
  basis.append(std::move(rows), nullptr);
  Matrix<double> result = Matrix<double>::uninitialized(basis.size(), basis.dimension());
  for (Index i = 0; i < basis.size(); ++i) std::ranges::copy(basis.view().row(i), result.row(i).begin());
  return result;
}

struct Subspace {
  Matrix<double> basis;  // at most k orthonormal rows, d columns
  std::vector<double> singular_values;
};

// The top k right singular vectors of A, estimated in the row space of a sketch and refined by
// power iterations.
Subspace top_subspace(const RowMatrix& a, const LinearOperator& products, Index k,
                      const LatentSimplexOptions& options) {
  const Index rows = std::min(4 * k + 8, a.rows());
  const SparseSignEmbedding sketch(rows, a.rows(), std::min(kSketchEntries, rows), options.seed);
  const Matrix<double> space = orthonormal(sketch.apply(a));
  const Matrix<double> images = images_of(products, space.view());
  const SymmetricEigen eigen = symmetric_eigen(gram_of(images.view()));
  Subspace result;
  for (const double value : eigen.values) result.singular_values.push_back(std::sqrt(std::max(0.0, value)));
  const Index dimensions = std::min(k, eigen.vectors_t.rows());
  result.basis = Matrix<double>::uninitialized(dimensions, a.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, eigen.vectors_t.view().row_block(0, dimensions), space.view(), 0.0,
             result.basis.view());
  for (int step = 0; step < options.power_steps; ++step) {
    const Matrix<double> image = images_of(products, result.basis.view());
    Matrix<double> back = Matrix<double>::uninitialized(a.cols(), dimensions);
    products.apply_t(image.view(), back.view());
    result.basis = orthonormal(detail::transposed<double>(back.view()));
    if (result.basis.rows() < dimensions) break;  // the rank of A is reached
  }
  return result;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

void aggregate_rows(const Matrix<double>& rows, VertexAggregate how, std::span<double> vertex) {
  std::vector<double> column(static_cast<std::size_t>(rows.rows()));
  for (Index j = 0; j < rows.cols(); ++j) {
    for (Index i = 0; i < rows.rows(); ++i) column[i] = rows(i, j);
    vertex[j] = how == VertexAggregate::median
                    ? median(column)
                    : std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size());
  }
}

// Pivoted Gram-Schmidt: the vertex farthest from the span of those before it comes next.
std::vector<double> separations_of(const Matrix<double>& vertices) {
  const Index r = vertices.rows();
  Matrix<double> left = Matrix<double>::uninitialized(r, vertices.cols());
  for (Index t = 0; t < r; ++t) std::ranges::copy(vertices.row(t), left.row(t).begin());
  std::vector<double> separations(static_cast<std::size_t>(r), -1.0);
  double longest = 0;
  for (Index step = 0; step < r; ++step) {
    Index next = -1;
    double farthest = -1;
    for (Index t = 0; t < r; ++t) {
      if (separations[t] >= 0) continue;
      const double length = std::sqrt(dot(left.row(t), left.row(t)));
      if (length > farthest) {
        farthest = length;
        next = t;
      }
    }
    longest = std::max(longest, farthest);
    separations[next] = longest > 0 ? farthest / longest : 0.0;
    if (farthest > 0) {
      for (double& x : left.row(next)) x /= farthest;
    }
    parallel_for(r, [&](Index t) {
      if (separations[t] >= 0) return;
      const double along = dot(left.row(next), left.row(t));
      for (Index j = 0; j < left.cols(); ++j) left(t, j) -= along * left(next, j);
    });
  }
  return separations;
}

}  // namespace

namespace {

LatentSimplex simplex_of(const RowMatrix& a, Index k, const LatentSimplexOptions& options) {
  const MatrixOperator products(a);
  Subspace subspace = top_subspace(a, products, k, options);
  const Matrix<double> b = images_of(products, subspace.basis.view());
  const double share = options.share > 0 ? options.share : 1.0 / (5.0 * static_cast<double>(k));
  const auto wanted = static_cast<Index>(std::ceil(share * static_cast<double>(a.rows())));
  LatentSimplex result;
  const Index rows_per_vertex = std::min(a.rows(), std::max(kFewestRows, wanted));
  result.members = detail::rows_near_vertices(b.view(), rows_per_vertex, options);
  result.singular_values = std::move(subspace.singular_values);
  result.vertices = Matrix<double>(static_cast<Index>(result.members.size()), a.cols());
  parallel_for(result.vertices.rows(), [&](Index t) {
    aggregate_rows(detail::gathered_rows_wide(a, result.members[t]), options.aggregate, result.vertices.row(t));
  });
  result.separations = separations_of(result.vertices);
  return result;
}

}  // namespace

LatentSimplex latent_simplex(const RowMatrix& a, Index k, const LatentSimplexOptions& options) {
  require_usable(a, k, options);
  const double largest = detail::largest_magnitude(a, "latent_simplex: the matrix");
  const int exponent = detail::input_exponent(largest, detail::kOrdinaryDoubles / 2);  // squares of squares
  if (exponent == 0) return simplex_of(a, k, options);
  const detail::ScaledMatrix scaled(a, exponent);
  LatentSimplex result = simplex_of(scaled.view(), k, options);
  const detail::ArgumentCheck check("latent_simplex");
  detail::restore(check, "the vertices", result.vertices, exponent);
  detail::restore(check, "the singular values", result.singular_values, exponent);
  return result;
}

}  // namespace loewner
