// SPDX-License-Identifier: Apache-2.0
#include "detail/orthonormal_rows.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "detail/blas.hpp"
#include "detail/conversion.hpp"
#include "detail/lane_matrix_sum.hpp"
#include "detail/row_kernels.hpp"

namespace loewner::detail {
namespace {

constexpr Index kPiece = 4096;  // columns of one piece of a long row

Index num_pieces(Index dimension) {
  return (dimension + kPiece - 1) / kPiece;
}

template <typename T>
MatrixView<T> piece_of(MatrixView<T> a, Index piece) {
  return a.col_block(piece * kPiece, std::min(kPiece, a.cols() - piece * kPiece));
}

double norm(std::span<const double> x) {
  return std::sqrt(dot(x, x));
}

std::vector<double> row_norms(const Matrix<double>& block) {
  std::vector<double> norms;
  for (Index i = 0; i < block.rows(); ++i) norms.push_back(norm(block.row(i)));
  return norms;
}

// x = x' + sum_j coefficients[j] rows_j for the first `count` rows; twice is enough for rows that keep half a length,
// and the caller comes back for the others.
void project_out(const Matrix<double>& rows, Index count, std::span<double> x, std::span<double> coefficients) {
  for (int pass = 0; pass < 2; ++pass) {
    for (Index j = 0; j < count; ++j) {
      const double along = dot(rows.row(j), std::span<const double>(x));
      add_scaled(-along, rows.row(j), x);
      coefficients[j] += along;
    }
  }
}

void scale(std::span<double> x, double factor) {
  for (double& value : x) value *= factor;
}

// What one round made of a block: block_before = within block_after.
struct Round {
  Matrix<double> within;       // rows before x rows after
  bool is_orthogonal = false;  // every row kept half of its length, so rounding errors were not blown up
};

// Puts row i of the block to place `kept` as the next orthonormal row; false when nothing of it remains.
bool accept(Matrix<double>& block, Index i, Index kept, double length_before, Round& round) {
  if (i != kept) std::ranges::copy(block.row(i), block.row(kept).begin());
  const auto x = block.row(kept);
  project_out(block, kept, x, round.within.row(i));
  const double length = norm(x);
  if (!(length > OrthonormalRows::kDependent * length_before)) return false;
  round.within(i, kept) = length;
  round.is_orthogonal = round.is_orthogonal && length >= 0.5 * length_before;
  scale(x, 1 / length);
  return true;
}

void accept_random(Matrix<double>& block, Index kept, GaussianRows& refill, Round& round) {
  std::vector<double> unused(block.rows());
  const auto x = block.row(kept);
  refill.fill(x);
  project_out(block, kept, x, unused);
  scale(x, 1 / norm(x));
  round.is_orthogonal = false;  // not yet orthogonal to the other rows
}

Matrix<double> leading_columns(const Matrix<double>& a, Index count) {
  Matrix<double> result(a.rows(), count);
  for (Index i = 0; i < a.rows(); ++i) std::ranges::copy(a.row(i).first(count), result.row(i).begin());
  return result;
}

Round orthonormalise_within(Matrix<double>& block, std::span<const double> lengths_before, Index room,
                            GaussianRows* refill) {
  Round round{.within = Matrix<double>(block.rows(), block.rows()), .is_orthogonal = true};
  Index kept = 0;
  for (Index i = 0; i < block.rows(); ++i) {
    if (kept == room) {  // the space is full: the others lie in the span
      project_out(block, kept, block.row(i), round.within.row(i));
      continue;
    }
    const bool is_new = accept(block, i, kept, lengths_before[i], round);
    if (!is_new && refill) accept_random(block, kept, *refill, round);
    if (is_new || refill) ++kept;
  }
  block = leading_rows<double>(block.view(), kept);
  round.within = leading_columns(round.within, kept);
  return round;
}

Matrix<double> identity(Index size) {
  Matrix<double> result(size, size);
  for (Index i = 0; i < size; ++i) result(i, i) = 1;
  return result;
}

Matrix<double> small_product(const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> c(a.rows(), b.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, a.view(), b.view(), 0.0, c.view());
  return c;
}

}  // namespace

void GaussianRows::fill(std::span<double> row) {
  RandomStream random(seed_, purpose_, drawn_++);
  for (double& value : row) value = random.normal();
}

Matrix<double> GaussianRows::draw(Index rows, Index dimension) {
  Matrix<double> block = Matrix<double>::uninitialized(rows, dimension);
  for (Index i = 0; i < rows; ++i) fill(block.row(i));
  return block;
}

Matrix<double> times_transposed(MatrixView<const double> a, MatrixView<const double> b) {
  return lane_matrix_sum(num_pieces(a.cols()), a.rows(), b.rows(), [&](Index piece, MatrixView<double> sum) {
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, piece_of(a, piece), piece_of(b, piece), 1.0, sum);
  });
}

void add_product(double alpha, MatrixView<const double> a, MatrixView<const double> b, MatrixView<double> c) {
  if (a.empty()) return;
  parallel_for(num_pieces(c.cols()), [&](Index piece) {
    blas::gemm(blas::Op::none, blas::Op::none, alpha, a, piece_of(b, piece), 1.0, piece_of(c, piece));
  });
}

Matrix<double> OrthonormalRows::append(Matrix<double> block, GaussianRows* refill) {
  // Throughout: the block that came in = along rows + within block.
  constexpr int kMaxRounds = 6;
  Matrix<double> along(block.rows(), size_), within = identity(block.rows());
  for (int round_index = 0; round_index < kMaxRounds; ++round_index) {
    const auto lengths = row_norms(block);
    const Matrix<double> coefficients = times_transposed(block.view(), view());
    add_product(-1.0, coefficients.view(), view(), block.view());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, within.view(), coefficients.view(), 1.0, along.view());
    const Round round = orthonormalise_within(block, lengths, dimension() - size_, refill);
    within = small_product(within, round.within);
    if (round_index > 0 && round.is_orthogonal) break;
  }
  store(block);
  Matrix<double> all(along.rows(), size_);
  for (Index i = 0; i < all.rows(); ++i) {
    std::ranges::copy(within.row(i), std::ranges::copy(along.row(i), all.row(i).begin()).out);
  }
  return all;
}

void OrthonormalRows::store(const Matrix<double>& block) {
  LOEWNER_ASSERT(size_ + block.rows() <= rows_.rows());
  std::copy_n(block.data(), block.rows() * block.cols(), rows_.data() + size_ * rows_.cols());
  size_ += block.rows();
}

}  // namespace loewner::detail
