// SPDX-License-Identifier: Apache-2.0
#include "cluster/vertex_search.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/orthonormal_rows.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/whitening.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"

namespace loewner::detail {
namespace {

constexpr int kSweeps = 2;  // refinements of each direction
constexpr Index kRowsPerProduct = 4096;
constexpr Index kTriesPerGroup = 64;
// Relative to the longest vertex. A mean closer to the span of the vertices so far adds no dimension.
constexpr double kSmallestDistance = 1e-10;

class VertexSearch {
 public:
  VertexSearch(MatrixView<const double> b, Index rows_near_vertex, const LatentSimplexOptions& options)
      : b_(b), near_(rows_near_vertex), options_(options), found_(b.cols(), b.cols()) {}

  std::vector<std::vector<Index>> run() {
    std::vector<std::vector<Index>> members;
    double longest = 0;
    for (Index stage = 0; stage < b_.cols(); ++stage) {
      Try best = best_try(stage);
      longest = std::max(longest, norm(mean(best.rows)));
      if (!(best.distance > kSmallestDistance * longest)) break;
      Matrix<double> row(1, b_.cols());
      std::ranges::copy(mean(best.rows), row.row(0).begin());
      found_.append(std::move(row), nullptr);
      members.push_back(std::move(best.rows));
    }
    for (int sweep = 0; sweep < kSweeps; ++sweep) search_barycentric(members);
    for (auto& rows : members) std::ranges::sort(rows);
    return members;
  }

 private:
  struct Try {
    std::vector<Index> rows;
    double distance = -1;  // of their mean from the span of the vertices so far
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

  // x minus its projection on the span of the vertices so far.
  std::vector<double> orthogonal_part(std::vector<double> x) const {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index i = 0; i < found_.size(); ++i) {
        const double along = dot(found_.view().row(i), x);
        for (std::size_t j = 0; j < x.size(); ++j) x[j] -= along * found_.view().row(i)[j];
      }
    }
    return x;
  }

  // Directions B^T (directions x n). One product for all directions, since the passes over B
  // dominate the cost.
  Matrix<double> coordinates(MatrixView<const double> directions) const {
    Matrix<double> z = Matrix<double>::uninitialized(directions.rows(), b_.rows());
    parallel_for((b_.rows() + kRowsPerProduct - 1) / kRowsPerProduct, [&](Index block) {
      const Index first = block * kRowsPerProduct, count = std::min(kRowsPerProduct, b_.rows() - first);
      blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, directions, b_.row_block(first, count), 0.0,
                 z.view().col_block(first, count));
    });
    return z;
  }

  // The rows of largest sign * z, ascending; of equal values the first rows.
  std::vector<Index> farthest(std::span<const double> z, double sign) const {
    std::vector<Index> order(z.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::nth_element(order, order.begin() + (near_ - 1),
                             [&](Index a, Index b) { return z[a] != z[b] ? sign * z[a] > sign * z[b] : a < b; });
    order.resize(static_cast<std::size_t>(near_));
    std::ranges::sort(order);  // fixes the order of later sums
    return order;
  }

  // The farthest rows on one side, the one of larger sum: the largest absolute values would mix two
  // vertices.
  std::vector<Index> farther_side(std::span<const double> z) const {
    const auto reach = [&](const std::vector<Index>& rows) {
      double sum = 0;
      for (const Index i : rows) sum += z[i];
      return std::abs(sum);
    };
    auto high = farthest(z, 1), low = farthest(z, -1);
    return reach(high) >= reach(low) ? high : low;
  }

  // The best of all tries, which are made in groups to bound the memory of their products with B.
  Try best_try(Index stage) const {
    Try best;
    for (Index first = 0; first < options_.tries; first += kTriesPerGroup) {
      Try found = best_of_group(stage, first, std::min<Index>(kTriesPerGroup, options_.tries - first));
      if (first == 0 || found.distance > best.distance) best = std::move(found);
    }
    return best;
  }

  // Each try starts from a random direction; kSweeps times the direction becomes that of the mean
  // found.
  Try best_of_group(Index stage, Index first, Index count) const {
    std::vector<Try> tries(static_cast<std::size_t>(count));
    Matrix<double> directions = Matrix<double>::uninitialized(count, b_.cols());
    parallel_for(count, [&](Index number) {
      RandomStream random(options_.seed, RandomPurpose::initial_guess,
                          static_cast<std::uint64_t>(stage * options_.tries + first + number));
      std::vector<double> direction(static_cast<std::size_t>(b_.cols()));
      for (double& x : direction) x = random.normal();
      std::ranges::copy(orthogonal_part(std::move(direction)), directions.row(number).begin());
    });
    for (int sweep = 0; sweep <= kSweeps; ++sweep) {
      const Matrix<double> z = coordinates(directions.view());
      parallel_for(count, [&](Index number) {
        tries[number].rows = sweep == 0 ? farther_side(z.row(number)) : farthest(z.row(number), 1);
        const auto aimed = orthogonal_part(mean(tries[number].rows));
        tries[number].distance = norm(aimed);
        std::ranges::copy(aimed, directions.row(number).begin());
      });
    }
    return *std::ranges::max_element(tries, {}, &Try::distance);
  }

  // Searches each vertex once more along the direction that is 1 at its mean and 0 at the means of
  // the others.
  void search_barycentric(std::vector<std::vector<Index>>& members) const {
    const auto r = static_cast<Index>(members.size());
    Matrix<double> vertices = Matrix<double>::uninitialized(r, b_.cols());
    for (Index t = 0; t < r; ++t) std::ranges::copy(mean(members[t]), vertices.row(t).begin());
    Matrix<double> gram(r, r), directions = Matrix<double>::uninitialized(r, b_.cols());
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, vertices.view(), vertices.view(), 0.0, gram.view());
    const Whitening whitening = whitening_of(gram);
    if (whitening.t.cols() < r) return;  // nearly dependent vertices have no such directions
    Matrix<double> inverse(r, r);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, whitening.t.view(), whitening.t.view(), 0.0, inverse.view());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, inverse.view(), vertices.view(), 0.0, directions.view());
    const Matrix<double> z = coordinates(directions.view());
    parallel_for(r, [&](Index t) { members[t] = farthest(z.row(t), 1); });
  }

  MatrixView<const double> b_;
  Index near_;
  const LatentSimplexOptions& options_;
  OrthonormalRows found_;
};

}  // namespace

std::vector<std::vector<Index>> rows_near_vertices(MatrixView<const double> b, Index rows_per_vertex,
                                                   const LatentSimplexOptions& options) {
  return VertexSearch(b, rows_per_vertex, options).run();
}

}  // namespace loewner::detail
