// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/latent_simplex.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "linalg/blas.hpp"
#include "linalg/lane_matrix_sum.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/whitening.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner {
namespace {

using detail::dot;

constexpr Index kFewestRows = 10;       // that a vertex is the average of
constexpr Index kSketchEntries = 4;     // a column of the sketch
constexpr int kSweeps = 2;              // of aiming anew
constexpr double kNothingLeft = 1e-10;  // of the longest vertex: a stage that finds less has run out of dimensions
constexpr Index kRowsPerSum = 4096;

void require_usable(const RowMatrix& a, Index k, const LatentSimplexOptions& options) {
  require(k >= 1 && k <= std::min(a.rows(), a.cols()), [&] {
    return "latent_simplex: k must be in [1, " + std::to_string(std::min(a.rows(), a.cols())) + "] for a " +
           std::to_string(a.rows()) + " x " + std::to_string(a.cols()) + " matrix, got " + std::to_string(k);
  });
  require(options.share >= 0 && options.share <= 1,
          [&] { return "latent_simplex: share must be in [0, 1], got " + std::to_string(options.share); });
  require(options.tries >= 1 && options.power_steps >= 0,
          [] { return std::string("latent_simplex: tries must be at least 1 and power_steps not negative"); });
  require_finite(a, "latent_simplex: the matrix");
}

Matrix<double> transposed(MatrixView<const double> a) {
  Matrix<double> result = Matrix<double>::uninitialized(a.cols(), a.rows());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) result(j, i) = a(i, j);
  }
  return result;
}

// A rows^T
Matrix<double> times_transposed(const LinearOperator& a, MatrixView<const double> rows) {
  const Matrix<double> columns = transposed(rows);
  Matrix<double> y = Matrix<double>::uninitialized(a.rows(), rows.rows());
  a.apply(columns.view(), y.view());
  return y;
}

Matrix<double> gram_of(MatrixView<const double> rows) {
  const Index blocks = (rows.rows() + kRowsPerSum - 1) / kRowsPerSum;
  Matrix<double> gram =
      detail::lane_matrix_sum(blocks, rows.cols(), rows.cols(), [&](Index block, MatrixView<double> sum) {
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

// The top k right singular vectors in the row space of a sketch, sharpened by passes over A.
Subspace top_subspace(const RowMatrix& a, const LinearOperator& products, Index k,
                      const LatentSimplexOptions& options) {
  const Index rows = std::min(4 * k + 8, a.rows());
  const SparseSignEmbedding sketch(rows, a.rows(), std::min(kSketchEntries, rows), options.seed);
  const Matrix<double> space = orthonormal(sketch.apply(a));
  const Matrix<double> images = times_transposed(products, space.view());
  const SymmetricEigen eigen = symmetric_eigen(gram_of(images.view()));
  Subspace result;
  for (const double value : eigen.values) result.singular_values.push_back(std::sqrt(std::max(0.0, value)));
  const Index dimensions = std::min(k, eigen.vectors_t.rows());
  result.basis = Matrix<double>::uninitialized(dimensions, a.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, eigen.vectors_t.view().row_block(0, dimensions), space.view(), 0.0,
             result.basis.view());
  for (int step = 0; step < options.power_steps; ++step) {
    const Matrix<double> image = times_transposed(products, result.basis.view());
    Matrix<double> back = Matrix<double>::uninitialized(a.cols(), dimensions);
    products.apply_t(image.view(), back.view());
    result.basis = orthonormal(transposed(back.view()));
    if (result.basis.rows() < dimensions) break;  // A has no more dimensions
  }
  return result;
}

// The search in the coordinates B of the subspace (n x k).
class Stages {
 public:
  Stages(MatrixView<const double> b, Index rows_near_vertex, const LatentSimplexOptions& options)
      : b_(b), near_(rows_near_vertex), options_(options), found_(b.cols(), b.cols()) {}

  // One list of rows for each vertex.
  std::vector<std::vector<Index>> run() {
    std::vector<std::vector<Index>> members;
    double longest = 0;
    for (Index stage = 0; stage < b_.cols(); ++stage) {
      Try best = best_try(stage);
      longest = std::max(longest, norm(mean(best.rows)));
      if (!(best.left > kNothingLeft * longest)) break;
      Matrix<double> row(1, b_.cols());
      std::ranges::copy(mean(best.rows), row.row(0).begin());
      found_.append(std::move(row), nullptr);
      members.push_back(std::move(best.rows));
    }
    for (int sweep = 0; sweep < kSweeps; ++sweep) look_past_the_others(members);
    for (auto& rows : members) std::ranges::sort(rows);
    return members;
  }

 private:
  struct Try {
    std::vector<Index> rows;
    double left = -1;  // how far their mean is from the span of the vertices so far
  };

  static double norm(std::span<const double> x) { return std::sqrt(dot(x, x)); }

  std::vector<double> mean(std::span<const Index> rows) const {
    std::vector<double> sum(static_cast<std::size_t>(b_.cols()), 0.0);
    for (const Index i : rows) {
      for (Index j = 0; j < b_.cols(); ++j) sum[j] += b_(i, j);
    }
    for (double& x : sum) x /= static_cast<double>(rows.size());
    return sum;
  }

  std::vector<double> without_found(std::vector<double> x) const {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index i = 0; i < found_.size(); ++i) {
        const double along = dot(found_.view().row(i), x);
        for (std::size_t j = 0; j < x.size(); ++j) x[j] -= along * found_.view().row(i)[j];
      }
    }
    return x;
  }

  // One row of n values for each direction: all are read off B together, which is what takes the time.
  Matrix<double> coordinates(MatrixView<const double> directions) const {
    Matrix<double> z = Matrix<double>::uninitialized(directions.rows(), b_.rows());
    parallel_for((b_.rows() + kRowsPerSum - 1) / kRowsPerSum, [&](Index block) {
      const Index first = block * kRowsPerSum, count = std::min(kRowsPerSum, b_.rows() - first);
      blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, directions, b_.row_block(first, count), 0.0,
                 z.view().col_block(first, count));
    });
    return z;
  }

  // The rows of the largest sign * z; of equals the first.
  std::vector<Index> farthest(std::span<const double> z, double sign) const {
    std::vector<Index> order(z.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::nth_element(order, order.begin() + (near_ - 1),
                             [&](Index a, Index b) { return z[a] != z[b] ? sign * z[a] > sign * z[b] : a < b; });
    order.resize(static_cast<std::size_t>(near_));
    std::ranges::sort(order);  // sums in one order, however they were found
    return order;
  }

  // The side that goes farther. The largest absolute values would mix the two.
  std::vector<Index> farther_side(std::span<const double> z) const {
    const auto reach = [&](const std::vector<Index>& rows) {
      double sum = 0;
      for (const Index i : rows) sum += z[i];
      return std::abs(sum);
    };
    auto high = farthest(z, 1), low = farthest(z, -1);
    return reach(high) >= reach(low) ? high : low;
  }

  // A random direction for each try, then twice that of the mean found.
  Try best_try(Index stage) const {
    std::vector<Try> tries(static_cast<std::size_t>(options_.tries));
    Matrix<double> directions = Matrix<double>::uninitialized(options_.tries, b_.cols());
    parallel_for(options_.tries, [&](Index number) {
      RandomStream random(options_.seed, RandomPurpose::initial_guess,
                          static_cast<std::uint64_t>(stage * options_.tries + number));
      std::vector<double> direction(static_cast<std::size_t>(b_.cols()));
      for (double& x : direction) x = random.normal();
      std::ranges::copy(without_found(std::move(direction)), directions.row(number).begin());
    });
    for (int sweep = 0; sweep <= kSweeps; ++sweep) {
      const Matrix<double> z = coordinates(directions.view());
      parallel_for(options_.tries, [&](Index number) {
        tries[number].rows = sweep == 0 ? farther_side(z.row(number)) : farthest(z.row(number), 1);
        const auto aimed = without_found(mean(tries[number].rows));
        tries[number].left = norm(aimed);
        std::ranges::copy(aimed, directions.row(number).begin());
      });
    }
    return *std::ranges::max_element(tries, {}, &Try::left);
  }

  // Each vertex once more, along the direction that is 1 at its mean and 0 at those of the others.
  void look_past_the_others(std::vector<std::vector<Index>>& members) const {
    const auto r = static_cast<Index>(members.size());
    Matrix<double> vertices = Matrix<double>::uninitialized(r, b_.cols());
    for (Index t = 0; t < r; ++t) std::ranges::copy(mean(members[t]), vertices.row(t).begin());
    Matrix<double> gram(r, r), directions = Matrix<double>::uninitialized(r, b_.cols());
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, vertices.view(), vertices.view(), 0.0, gram.view());
    const detail::Whitening whitening = detail::whitening_of(gram);
    if (whitening.t.cols() < r) return;  // nearly dependent: no such directions
    Matrix<double> inverse(r, r);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, whitening.t.view(), whitening.t.view(), 0.0, inverse.view());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, inverse.view(), vertices.view(), 0.0, directions.view());
    const Matrix<double> z = coordinates(directions.view());
    parallel_for(r, [&](Index t) { members[t] = farthest(z.row(t), 1); });
  }

  MatrixView<const double> b_;
  Index near_;
  const LatentSimplexOptions& options_;
  detail::OrthonormalRows found_;
};

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Matrix<double> gathered(const RowMatrix& a, std::span<const Index> rows) {
  Matrix<double> result(static_cast<Index>(rows.size()), a.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    read_rows_wide(a, rows[i], result.view().row_block(static_cast<Index>(i), 1));
  }
  return result;
}

void aggregate(const Matrix<double>& rows, VertexAggregate how, std::span<double> vertex) {
  std::vector<double> column(static_cast<std::size_t>(rows.rows()));
  for (Index j = 0; j < rows.cols(); ++j) {
    for (Index i = 0; i < rows.rows(); ++i) column[i] = rows(i, j);
    vertex[j] = how == VertexAggregate::median
                    ? median(column)
                    : std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size());
  }
}

// Gram-Schmidt, the farthest of those that are left first.
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

LatentSimplex latent_simplex(const RowMatrix& a, Index k, const LatentSimplexOptions& options) {
  require_usable(a, k, options);
  const MatrixOperator products(a);
  Subspace subspace = top_subspace(a, products, k, options);
  const Matrix<double> b = times_transposed(products, subspace.basis.view());
  const double share = options.share > 0 ? options.share : 1.0 / (5.0 * static_cast<double>(k));
  const auto wanted = static_cast<Index>(std::ceil(share * static_cast<double>(a.rows())));
  LatentSimplex result;
  result.members = Stages(b.view(), std::min(a.rows(), std::max(kFewestRows, wanted)), options).run();
  result.singular_values = std::move(subspace.singular_values);
  result.vertices = Matrix<double>(static_cast<Index>(result.members.size()), a.cols());
  parallel_for(result.vertices.rows(),
               [&](Index t) { aggregate(gathered(a, result.members[t]), options.aggregate, result.vertices.row(t)); });
  result.separations = separations_of(result.vertices);
  return result;
}

}  // namespace loewner
