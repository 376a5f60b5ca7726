// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/sum_of_squares.hpp"
#include "loewner/base/parallel.hpp"

// Divide and conquer, as LAPACK's dbdsdc [GuEisenstat1995b], with products that run in parallel and can be cancelled:
// they take most of the time. LAPACK deflates (dlasd2), finds each singular value (dlasd4) and solves small problems.
namespace loewner::blas {
namespace {

constexpr Index kSmallBidiagonal = 25;

// n rows of an upper bidiagonal matrix with n or n + 1 columns, its singular values, not sorted, and the order that
// sorts them (from 1). Row i of `left` and column i of `right` are the vectors of value i.
struct SvdBlock {
  std::span<double> values, beside;
  MatrixView<double> left, right;
  std::span<int> ascending;

  Index rows() const { return left.rows(); }
  Index extra_columns() const { return right.rows() - left.rows(); }

  SvdBlock part(Index first, Index count, Index extra) const {
    const Index cols = count + extra;
    return {values.subspan(first, count), beside.subspan(first, cols - 1),
            left.row_block(first, count).col_block(first, count), right.row_block(first, cols).col_block(first, cols),
            ascending.subspan(first, count)};
  }
};

void set_identity(MatrixView<double> a) {
  for (Index i = 0; i < a.rows(); ++i) {
    std::ranges::fill(a.row(i), 0.0);
    a(i, i) = 1;
  }
}

bool solve_small(const SvdBlock& block) {
  set_identity(block.left);
  set_identity(block.right);
  const int n = as_int(block.rows()), extra = as_int(block.extra_columns()), cols = n + extra, none = 0,
            ldu = leading(block.left), ldv = leading(block.right);
  std::vector<double> work(4 * static_cast<std::size_t>(cols));
  int info = 0;
  LOEWNER_BLAS(dlasdq_)
  ("U", &extra, &n, &cols, &n, &none, block.values.data(), block.beside.data(), block.right.data(), &ldv,
   block.left.data(), &ldu, block.left.data(), &ldu, work.data(), &info);
  std::iota(block.ascending.begin(), block.ascending.end(), 1);
  return info == 0;
}

// The row between two halves: its entries in the last column of the first and the first column of the second.
struct MiddleRow {
  double in_first, in_second;
};

// The matrix with the first row z and the diagonal `poles`, without the values that dlasd2 deflates.
struct ArrowProblem {
  int size = 0;
  std::vector<double> poles, z;
  Matrix<double> left, right;     // vectors of both halves, packed: rows of `left`, columns of `right`
  std::vector<int> place, types;  // where a packed vector's entry of z is (from 1); vectors of each of 4 types

  // Packed vectors that are zero outside the first half, the second half, and neither; vector 0 comes before them.
  Index in_first() const { return size == 2 ? 0 : types[0]; }  // two are multiplied whole
  Index in_second() const { return size == 2 ? 0 : types[1]; }
  Index in_both() const { return size == 2 ? 1 : types[2]; }
};

ArrowProblem deflated(const SvdBlock& block, Index cut, MiddleRow middle) {
  const int first = as_int(cut), second = as_int(block.rows() - cut - 1), extra = as_int(block.extra_columns()),
            ldu = leading(block.left), ldv = leading(block.right);
  const auto n = static_cast<std::size_t>(block.rows()), m = static_cast<std::size_t>(block.right.rows());
  ArrowProblem problem{.poles = std::vector<double>(n),
                       .z = std::vector<double>(m),
                       .left = Matrix<double>(block.rows(), block.rows()),
                       .right = Matrix<double>(block.right.rows(), block.right.rows()),
                       .place = std::vector<int>(n),
                       .types = std::vector<int>(n)};
  const int packed_left = leading(problem.left.view()), packed_right = leading(problem.right.view());
  std::vector<int> scratch(2 * n);
  int info = 0;
  LOEWNER_BLAS(dlasd2_)
  (&first, &second, &extra, &problem.size, block.values.data(), problem.z.data(), &middle.in_first, &middle.in_second,
   block.left.data(), &ldu, block.right.data(), &ldv, problem.poles.data(), problem.left.data(), &packed_left,
   problem.right.data(), &packed_right, scratch.data(), scratch.data() + n, problem.place.data(),
   block.ascending.data(), problem.types.data(), &info);
  LOEWNER_ASSERT(info == 0);
  return problem;
}

// Row j of `gaps` becomes poles - value j, of `sums` poles + value j. False if LAPACK does not converge.
bool find_values(const ArrowProblem& problem, std::span<double> values, MatrixView<double> gaps,
                 MatrixView<double> sums) {
  const std::span<const double> row(problem.z.data(), static_cast<std::size_t>(problem.size));
  const double norm = detail::norm_of_any_size(row), rho = norm * norm;
  std::vector<double> z(row.begin(), row.end());
  for (double& entry : z) entry /= norm;
  std::atomic<bool> converged = true;
  parallel_for(problem.size, [&](Index j) {
    const int index = as_int(j) + 1;
    int info = 0;
    LOEWNER_BLAS(dlasd4_)
    (&problem.size, &index, problem.poles.data(), z.data(), gaps.row(j).data(), &rho, &values[j], sums.row(j).data(),
     &info);
    if (info != 0) converged = false;
  });
  return converged;
}

// The z for which the computed values are exact [GuEisenstat1995b]: vectors made with it are orthogonal.
std::vector<double> consistent_z(const ArrowProblem& problem, MatrixView<const double> gaps,
                                 MatrixView<const double> sums) {
  constexpr Index kAtOnce = 64;
  const Index size = problem.size;
  std::vector<double> z(static_cast<std::size_t>(size));
  parallel_for((size + kAtOnce - 1) / kAtOnce, [&](Index part) {
    const Index first = part * kAtOnce, last = std::min(first + kAtOnce, size);
    for (Index i = first; i < last; ++i) z[i] = gaps(size - 1, i) * sums(size - 1, i);
    for (Index j = 0; j + 1 < size; ++j) {
      for (Index i = first; i < last; ++i) {
        const double pole = problem.poles[i], other = problem.poles[j < i ? j : j + 1];
        z[i] *= gaps(j, i) * sums(j, i) / (pole - other) / (pole + other);
      }
    }
    for (Index i = first; i < last; ++i) z[i] = std::copysign(std::sqrt(std::abs(z[i])), problem.z[i]);
  });
  return z;
}

// Replaces the gaps by unit left vectors and the sums by unit right vectors, a row each, with entries in the order of
// the packed vectors.
void make_vectors(const ArrowProblem& problem, MatrixView<double> gaps, MatrixView<double> sums) {
  const std::vector<double> z = consistent_z(problem, gaps, sums);
  parallel_for(problem.size, [&](Index j) {
    const std::span<double> gap = gaps.row(j), sum = sums.row(j);
    std::vector<double> left(z), right(z);
    for (std::size_t i = 0; i < z.size(); ++i) {
      right[i] = z[i] / gap[i] / sum[i];
      left[i] = i == 0 ? -1 : problem.poles[i] * right[i];
    }
    const double left_norm = detail::norm_of_any_size(left), right_norm = detail::norm_of_any_size(right);
    for (std::size_t i = 0; i < z.size(); ++i) {
      const std::size_t packed = i == 0 ? 0 : problem.place[i] - 1;
      gap[i] = left[packed] / left_norm;
      sum[i] = right[packed] / right_norm;
    }
  });
}

void for_each_strip(Index count, const auto& body) {
  constexpr Index kAtOnce = 256;
  parallel_for((count + kAtOnce - 1) / kAtOnce,
               [&](Index part) { body(part * kAtOnce, std::min<Index>(kAtOnce, count - part * kAtOnce)); });
}

// Multiplies the left vectors of the arrow, rows of the leading block, by those of both halves, in place.
void multiply_left(const ArrowProblem& problem, MatrixView<double> vectors, Index cut) {
  const Index size = problem.size, after = 1 + problem.in_first(), both = after + problem.in_second(),
              rest = vectors.cols() - cut - 1;
  const MatrixView<const double> packed = problem.left.view();
  for_each_strip(size, [&](Index first, Index count) {
    const MatrixView<double> rows = vectors.row_block(first, count);
    const Matrix<double> inner = detail::leading_rows<double>(rows.col_block(0, size), count);
    const auto add = [&](Index begin, Index end, Index column, Index width, double beta) {
      gemm(Op::none, Op::none, 1.0, inner.view().col_block(begin, end - begin),
           packed.row_block(begin, end - begin).col_block(column, width), beta, rows.col_block(column, width));
    };
    add(1, after, 0, cut, 0.0);
    add(both, both + problem.in_both(), 0, cut, 1.0);
    for (Index i = 0; i < count; ++i) rows(i, cut) = inner(i, 0);  // packed vector 0 is the middle row
    add(after, size, cut + 1, rest, 0.0);
  });
}

// The columns of `vectors` become the products of both halves with the rows of `inner`.
void multiply_right(const ArrowProblem& problem, MatrixView<const double> inner, MatrixView<double> vectors,
                    Index cut) {
  const Index size = problem.size, after = 1 + problem.in_first(), both = after + problem.in_second();
  const MatrixView<const double> packed = problem.right.view();
  const auto multiply = [&](Index first, Index count, Index begin, Index end, double beta) {
    gemm(Op::none, Op::transpose, 1.0, packed.row_block(first, count).col_block(begin, end - begin),
         inner.col_block(begin, end - begin), beta, vectors.row_block(first, count).col_block(0, size));
  };
  for_each_strip(cut + 1, [&](Index first, Index count) {
    multiply(first, count, 0, after, 0.0);
    multiply(first, count, both, both + problem.in_both(), 1.0);
  });
  for_each_strip(vectors.rows() - cut - 1, [&](Index part, Index count) {
    const Index first = cut + 1 + part;
    multiply(first, count, 0, 1, 0.0);
    multiply(first, count, after, size, 1.0);
  });
}

void copy_single_vectors(const ArrowProblem& problem, const SvdBlock& block) {
  const double sign = problem.z[0] > 0 ? 1 : -1;
  block.values[0] = std::abs(problem.z[0]);
  for (Index j = 0; j < block.left.cols(); ++j) block.left(0, j) = sign * problem.left(0, j);
  for (Index i = 0; i < block.right.rows(); ++i) block.right(i, 0) = problem.right(i, 0);
}

bool merge(const SvdBlock& block, Index cut, MiddleRow middle) {
  block.values[cut] = 0;
  const ArrowProblem problem = deflated(block, cut, middle);
  const int size = problem.size, rest = as_int(block.rows()) - size, up = 1, down = -1;
  if (size == 1) {
    copy_single_vectors(problem, block);
  } else {
    const MatrixView<double> gaps = block.left.row_block(0, size).col_block(0, size);  // the halves are packed
    Matrix<double> sums = Matrix<double>::uninitialized(size, size);
    if (!find_values(problem, block.values, gaps, sums.view())) return false;
    make_vectors(problem, gaps, sums.view());
    multiply_left(problem, block.left, cut);
    multiply_right(problem, sums.view(), block.right, cut);
  }
  LOEWNER_BLAS(dlamrg_)(&size, &rest, block.values.data(), &up, &down, block.ascending.data());
  return true;
}

bool solve(const SvdBlock& block) {
  const Index n = block.rows(), cut = n / 2;
  if (n <= kSmallBidiagonal) return solve_small(block);
  const MiddleRow middle{block.values[cut], block.beside[cut]};
  const SvdBlock halves[2] = {block.part(0, cut, 1), block.part(cut + 1, n - cut - 1, block.extra_columns())};
  bool solved[2] = {};
  parallel_for(2, [&](Index half) { solved[half] = solve(halves[half]); });
  return solved[0] && solved[1] && merge(block, cut, middle);
}

}  // namespace

bool bidiagonal_svd(std::vector<double>& diagonal, std::vector<double> beside, MatrixView<double> left,
                    MatrixView<double> right) {
  const Index n = left.rows();
  double largest = 0;
  for (const double x : diagonal) largest = std::max(largest, std::abs(x));
  for (const double x : beside) largest = std::max(largest, std::abs(x));
  Matrix<double> rows(n, n), columns(n, n);
  std::vector<int> ascending(static_cast<std::size_t>(n));
  for (double& x : diagonal) {  // zeros would divide by themselves
    const double smallest = std::numeric_limits<double>::epsilon() * largest;
    if (std::abs(x) < smallest) x = std::copysign(smallest, x);
  }
  if (!solve({diagonal, beside, rows.view(), columns.view(), ascending})) return false;
  const std::vector<double> values = diagonal;
  // Rounding may exchange neighbors in the order of the last merge.
  std::ranges::stable_sort(ascending, std::greater<>(), [&](int number) { return values[number - 1]; });
  for (Index i = 0; i < n; ++i) {
    const Index from = ascending[i] - 1;
    diagonal[i] = values[from];
    std::ranges::copy(rows.row(from), left.row(i).begin());
    for (Index j = 0; j < n; ++j) right(j, i) = columns(j, from);
  }
  return true;
}

}  // namespace loewner::blas
