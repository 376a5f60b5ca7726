// SPDX-License-Identifier: Apache-2.0
#include "linalg/orthonormal_rows.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/tile_kernels.hpp"
#include "linalg/vector_pieces.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner::detail {
namespace {

template <typename T>
MatrixView<T> piece_of(MatrixView<T> a, Index piece) {
  return a.col_block(piece * kPiece, length_of_piece(piece, a.cols()));
}

// Columns first ... first + 7 of a^T, zeros beyond the last.
Matrix<double> panel_of(MatrixView<const double> a, Index first) {
  Matrix<double> panel(a.cols(), kTile);
  const Index count = std::min(kTile, a.rows() - first);
  for (Index j = 0; j < a.cols(); ++j) {
    for (Index i = 0; i < count; ++i) panel(j, i) = a(first + i, j);
  }
  return panel;
}

// Calls body(first row, tile) for every kTile rows, zeros below the last.
template <typename Body>
void for_each_tile(MatrixView<const double> a, Body&& body) {
  Index first = 0;
  for (; first + kTile <= a.rows(); first += kTile) body(first, a.row_block(first, kTile));
  if (first == a.rows()) return;
  Matrix<double> tile(kTile, a.cols());
  for (Index i = first; i < a.rows(); ++i) std::ranges::copy(a.row(i), tile.row(i - first).begin());
  body(first, std::as_const(tile).view());
}

double norm(std::span<const double> x) {
  return std::sqrt(dot(x, x));
}

std::vector<double> row_norms(const Matrix<double>& block) {
  std::vector<double> norms;
  for (Index i = 0; i < block.rows(); ++i) norms.push_back(norm(block.row(i)));
  return norms;
}

// x = x' + sum_j coefficients[j] rows_j for the first `count` rows. Two passes suffice for rows that keep half of
// their length; the caller repeats the others.
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

// The result of one round: block_before = within block_after.
struct Round {
  Matrix<double> within;       // rows before x rows after
  bool is_orthogonal = false;  // every row kept half of its length, so rounding errors were not amplified
};

// Moves row i of the block to position `kept` as the next orthonormal row; false if nothing of it remains.
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

Matrix<double> identity(Index size) {
  Matrix<double> result(size, size);
  for (Index i = 0; i < size; ++i) result(i, i) = 1;
  return result;
}

// The same from the Cholesky factor L of the Gram matrix, block = L (L^-1 block), with long loops only. Its errors
// grow with the square of the loss of length, so it refuses losses beyond a factor of 1000. The next round corrects
// the rest.
std::optional<Round> orthonormalize_at_once(Matrix<double>& block, std::span<const double> lengths_before) {
  constexpr double kSafe = 1e-3;
  const Index rows = block.rows();
  Matrix<double> factor = times_transposed(block.view(), block.view());
  if (!blas::cholesky_upper(factor.view())) return std::nullopt;
  Round round{.within = Matrix<double>(rows, rows), .is_orthogonal = true};
  for (Index i = 0; i < rows; ++i) {
    if (!(factor(i, i) >= kSafe * lengths_before[i])) return std::nullopt;
    round.is_orthogonal = round.is_orthogonal && factor(i, i) >= 0.5 * lengths_before[i];
    for (Index j = 0; j <= i; ++j) round.within(i, j) = factor(j, i);
  }
  const Matrix<double> upper = blas::inverse_of_upper(factor.view()), inverse = transposed<double>(upper.view());
  parallel_for(num_pieces(block.cols()), [&](Index piece) {  // in place: new memory would cost more than the product
    const auto out = piece_of(block.view(), piece);
    const Matrix<double> before = leading_rows<double>(out, rows);
    for (Index row = 0; row < rows; ++row) std::ranges::fill(out.row(row), 0.0);
    add_product(1.0, inverse.view(), before.view(), out);
  });
  return round;
}

Round orthonormalize_within(Matrix<double>& block, std::span<const double> lengths_before, Index room,
                            GaussianRows* refill) {
  if (block.rows() <= room) {
    if (auto round = orthonormalize_at_once(block, lengths_before)) return *std::move(round);
  }
  Round round{.within = Matrix<double>(block.rows(), block.rows()), .is_orthogonal = true};
  Index kept = 0;
  for (Index i = 0; i < block.rows(); ++i) {
    throw_if_cancelled();
    if (kept == room) {  // the space is full: the other rows lie in the span
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
  return parallel_matrix_sum(num_pieces(a.cols()), a.rows(), b.rows(), [&](Index piece, MatrixView<double> sum) {
    const auto vectors = piece_of(a, piece);
    for (Index first = 0; first < a.rows(); first += kTile) {
      throw_if_cancelled();
      const Matrix<double> panel = panel_of(vectors, first);
      for_each_tile(piece_of(b, piece), [&](Index first_row, MatrixView<const double> tile) {
        double products[kTile * kTile] = {};
        add_tile_product(tile, {panel.data()}, {products});
        for (Index i = 0; i < std::min(kTile, a.rows() - first); ++i) {
          for (Index j = 0; j < std::min(kTile, b.rows() - first_row); ++j) {
            sum(first + i, first_row + j) += products[j * kTile + i];
          }
        }
      });
    }
  });
}

void add_product(double alpha, MatrixView<const double> a, MatrixView<const double> b, MatrixView<double> c) {
  if (a.empty()) return;
  parallel_for(num_pieces(c.cols()), [&](Index piece) {
    const auto out = piece_of(c, piece);
    for (Index first = 0; first < a.rows(); first += kTile) {
      throw_if_cancelled();
      Matrix<double> panel = panel_of(MatrixView<const double>(out), first);
      for_each_tile(piece_of(b, piece), [&](Index first_row, MatrixView<const double> tile) {
        double factors[kTile * kTile] = {};
        for (Index i = 0; i < std::min(kTile, a.rows() - first); ++i) {
          for (Index j = 0; j < std::min(kTile, b.rows() - first_row); ++j) {
            factors[j * kTile + i] = alpha * a(first + i, first_row + j);
          }
        }
        add_transposed_tile_product(tile, {factors}, {panel.data()});
      });
      for (Index i = 0; i < std::min(kTile, a.rows() - first); ++i) {
        for (Index j = 0; j < out.cols(); ++j) out(first + i, j) = panel(j, i);
      }
    }
  });
}

Matrix<double> OrthonormalRows::append(Matrix<double> block, GaussianRows* refill) {
  // Invariant: the original block = along rows + within block.
  constexpr int kMaxRounds = 6;
  Matrix<double> along(block.rows(), size_), within = identity(block.rows());
  for (int round_index = 0; round_index < kMaxRounds; ++round_index) {
    const auto lengths = row_norms(block);
    const Matrix<double> coefficients = times_transposed(block.view(), view());
    add_product(-1.0, coefficients.view(), view(), block.view());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, within.view(), coefficients.view(), 1.0, along.view());
    const Round round = orthonormalize_within(block, lengths, dimension() - size_, refill);
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
