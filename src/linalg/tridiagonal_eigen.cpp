// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/lapack_workspace.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/sum_of_squares.hpp"
#include "loewner/base/parallel.hpp"

// Divide and conquer, as LAPACK's dstedc [GuEisenstat1995], with products that run in parallel and can be cancelled:
// they take most of the time. LAPACK deflates (dlaed2), finds each eigenvalue (dlaed4) and solves small problems.
namespace loewner::blas {
namespace {

constexpr Index kSmallProblem = 768;

// The eigenvalues of a block of T, not sorted, and the order that sorts them (from 1). Row i of `vectors`, of the same
// rows and columns as the block, is the eigenvector of value i.
struct EigenBlock {
  std::span<double> values, beside;  // n and n - 1
  MatrixView<double> vectors;
  std::span<int> ascending;

  EigenBlock part(Index first, Index count) const {
    return {values.subspan(first, count), beside.subspan(first, count - 1),
            vectors.row_block(first, count).col_block(first, count), ascending.subspan(first, count)};
  }
};

bool solve_small(const EigenBlock& block) {
  const SerialScope serial;
  const int n = as_int(block.vectors.rows()), ldz = leading(block.vectors);
  int info = 0;
  call_with_workspaces([&](double* work, const int* size, int* integers, const int* integers_size) {
    LOEWNER_BLAS(dstedc_)
    ("I", &n, block.values.data(), block.beside.data(), block.vectors.data(), &ldz, work, size, integers, integers_size,
     &info);
  });
  std::iota(block.ascending.begin(), block.ascending.end(), 1);
  return info == 0;
}

// A diagonal matrix plus rho z z^T without the values that dlaed2 deflates, and where its vectors come from.
struct SecularProblem {
  int size = 0;
  double rho;
  std::vector<double> poles, z;            // `size` each
  Matrix<double> packed;                   // vectors of both halves without their zeros, by columns
  std::vector<int> place, types, scratch;  // row of z for each packed column; columns of each of 4 types
};

SecularProblem deflated(const EigenBlock& block, int cut, double rho) {
  const int n = as_int(block.vectors.rows()), ldq = leading(block.vectors);
  const auto length = static_cast<std::size_t>(n);
  SecularProblem problem{.rho = rho,
                         .poles = std::vector<double>(length),
                         .z = std::vector<double>(length),
                         .packed = Matrix<double>::uninitialized(n, n),
                         .place = std::vector<int>(length),
                         .types = std::vector<int>(length),
                         .scratch = std::vector<int>(2 * length)};
  std::vector<double> update(length);  // the rows of the vectors on both sides of the cut
  for (int i = 0; i < n; ++i) update[i] = block.vectors(i, i < cut ? cut - 1 : cut);
  int info = 0;
  LOEWNER_BLAS(dlaed2_)
  (&problem.size, &n, &cut, block.values.data(), block.vectors.data(), &ldq, block.ascending.data(), &problem.rho,
   update.data(), problem.poles.data(), problem.z.data(), problem.packed.data(), problem.scratch.data(),
   problem.place.data(), problem.scratch.data() + n, problem.types.data(), &info);
  LOEWNER_ASSERT(info == 0);
  return problem;
}

// Row j of `gaps` becomes poles - eigenvalue j. False if LAPACK does not converge.
bool find_values(const SecularProblem& problem, std::span<double> values, MatrixView<double> gaps) {
  std::atomic<bool> converged = true;
  parallel_for(problem.size, [&](Index j) {
    const int index = as_int(j) + 1;
    int info = 0;
    LOEWNER_BLAS(dlaed4_)
    (&problem.size, &index, problem.poles.data(), problem.z.data(), gaps.row(j).data(), &problem.rho, &values[j],
     &info);
    if (info != 0) converged = false;
  });
  return converged;
}

// The z for which the computed values are exact [GuEisenstat1995]: vectors made with it are orthogonal.
std::vector<double> consistent_z(const SecularProblem& problem, MatrixView<const double> gaps) {
  std::vector<double> z(problem.z);
  constexpr Index kAtOnce = 64;
  parallel_for((problem.size + kAtOnce - 1) / kAtOnce, [&](Index part) {
    const Index first = part * kAtOnce, last = std::min<Index>(first + kAtOnce, problem.size);
    std::vector<double> product(static_cast<std::size_t>(last - first));
    for (Index i = first; i < last; ++i) product[i - first] = gaps(i, i);
    for (Index j = 0; j < problem.size; ++j) {
      for (Index i = first; i < last; ++i) {
        if (i != j) product[i - first] *= gaps(j, i) / (problem.poles[i] - problem.poles[j]);
      }
    }
    for (Index i = first; i < last; ++i) z[i] = std::copysign(std::sqrt(-product[i - first]), problem.z[i]);
  });
  return z;
}

// Replaces the gaps by unit vectors, with entries in the order of the packed columns.
void make_vectors(const SecularProblem& problem, MatrixView<double> gaps) {
  if (problem.size == 1) {
    gaps(0, 0) = 1;
    return;
  }
  const bool by_formula = problem.size == 2;  // dlaed4 returns vectors instead of gaps
  const std::vector<double> z = by_formula ? problem.z : consistent_z(problem, gaps);
  parallel_for(problem.size, [&](Index j) {
    const std::span<double> gap = gaps.row(j);
    std::vector<double> vector(gap.begin(), gap.end());
    for (std::size_t i = 0; i < vector.size() && !by_formula; ++i) vector[i] = z[i] / gap[i];
    const double norm = detail::norm_of_any_size(vector);
    for (std::size_t i = 0; i < vector.size(); ++i) gap[i] = vector[problem.place[i] - 1] / norm;
  });
}

// Multiplies the vectors of the secular problem by those of both halves, in place.
void multiply_by_halves(const SecularProblem& problem, MatrixView<double> vectors, Index cut) {
  constexpr Index kAtOnce = 256;
  const Index width = vectors.cols() - cut, upper = problem.types[0] + problem.types[1],
              lower = problem.types[1] + problem.types[2];
  const MatrixView<const double> upper_half(problem.packed.data(), upper, cut),
      lower_half(problem.packed.data() + upper * cut, lower, width);
  parallel_for((problem.size + kAtOnce - 1) / kAtOnce, [&](Index part) {
    const Index first = part * kAtOnce, count = std::min<Index>(kAtOnce, problem.size - first);
    const MatrixView<double> rows = vectors.row_block(first, count);
    const Matrix<double> inner = detail::leading_rows<double>(rows.col_block(0, problem.size), count);
    gemm(Op::none, Op::none, 1.0, inner.view().col_block(0, upper), upper_half, 0.0, rows.col_block(0, cut));
    gemm(Op::none, Op::none, 1.0, inner.view().col_block(problem.types[0], lower), lower_half, 0.0,
         rows.col_block(cut, width));
  });
}

bool merge(const EigenBlock& block, Index cut, double rho) {
  const SecularProblem problem = deflated(block, as_int(cut), rho);
  const int size = problem.size, n = as_int(block.vectors.rows()), rest = n - size, up = 1, down = -1;
  if (size == 0) {
    std::iota(block.ascending.begin(), block.ascending.end(), 1);
    return true;
  }
  const MatrixView<double> gaps = block.vectors.row_block(0, size).col_block(0, size);  // the halves are packed
  if (!find_values(problem, block.values, gaps)) return false;
  make_vectors(problem, gaps);
  multiply_by_halves(problem, block.vectors, cut);
  LOEWNER_BLAS(dlamrg_)(&size, &rest, block.values.data(), &up, &down, block.ascending.data());
  return true;
}

bool solve(const EigenBlock& block) {
  const Index n = block.vectors.rows(), cut = n / 2;
  if (n <= kSmallProblem) return solve_small(block);
  const double rho = block.beside[cut - 1];
  block.values[cut - 1] -= std::abs(rho);
  block.values[cut] -= std::abs(rho);
  const EigenBlock halves[2] = {block.part(0, cut), block.part(cut, n - cut)};
  bool solved[2] = {};
  parallel_for(2, [&](Index half) { solved[half] = solve(halves[half]); });
  return solved[0] && solved[1] && merge(block, cut, rho);
}

// Value and row ascending[i] - 1 become value and row i, along the cycles of the permutation.
void sort_ascending(std::span<double> values, MatrixView<double> rows, std::span<int> ascending) {
  for (Index start = 0; start < rows.rows(); ++start) {
    if (ascending[start] == 0) continue;
    const double value = values[start];
    const std::vector<double> row(rows.row(start).begin(), rows.row(start).end());
    for (Index to = start; ascending[to] > 0;) {
      const Index from = std::exchange(ascending[to], 0) - 1;
      const bool is_last = from == start;
      values[to] = is_last ? value : values[from];
      std::ranges::copy(is_last ? std::span<const double>(row) : std::span<const double>(rows.row(from)),
                        rows.row(to).begin());
      to = from;
    }
  }
}

}  // namespace

bool tridiagonal_eigen(std::vector<double>& diagonal, std::vector<double>& beside, MatrixView<double> vectors) {
  const Index n = vectors.rows();
  if (n == 0) return true;
  std::vector<int> ascending(static_cast<std::size_t>(n));
  if (n <= kSmallProblem) return solve_small({diagonal, beside, vectors, ascending});
  for (Index i = 0; i < n; ++i) std::ranges::fill(vectors.row(i), 0.0);
  if (!solve({diagonal, beside, vectors, ascending})) return false;
  sort_ascending(diagonal, vectors, ascending);
  return true;
}

}  // namespace loewner::blas
