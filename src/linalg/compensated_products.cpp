// SPDX-License-Identifier: Apache-2.0
#include "linalg/compensated_products.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/dispatch.hpp"
#include "linalg/row_pieces.hpp"

namespace loewner::detail {
namespace {

// a x - p for p = fl(a x), exactly [Dekker1971].
template <bool kHasFma>
LOEWNER_INLINE double product_error(double a, double x, double p) {
  if constexpr (kHasFma) {
    return __builtin_fma(a, x, -p);
  } else {
    constexpr double kSplit = 134217729;  // 2^27 + 1
    const double a_up = kSplit * a, x_up = kSplit * x;
    const double a_high = a_up - (a_up - a), x_high = x_up - (x_up - x);
    const double a_low = a - a_high, x_low = x - x_high;
    return a_low * x_low - (((p - a_high * x_high) - a_low * x_high) - a_high * x_low);
  }
}

// high + low += term + error
LOEWNER_INLINE void add_term(double term, double error, double& high, double& low) {
  const double sum = high + term, change = sum - high;
  low += ((high - (sum - change)) + (term - change)) + error;
  high = sum;
}

constexpr Index kLanes = 8;

template <bool kHasFma>
LOEWNER_INLINE void add_products(const double* a, const double* x, double* high, double* low) {
  for (Index lane = 0; lane < kLanes; ++lane) {
    const double p = a[lane] * x[lane];
    add_term(p, product_error<kHasFma>(a[lane], x[lane], p), high[lane], low[lane]);
  }
}

template <bool kHasFma>
LOEWNER_INLINE void compensated_dot_body(const double* a, const double* x, Index count, double* high, double* low) {
  std::array<double, kLanes> highs{}, lows{};
  Index j = 0;
  for (; j + kLanes <= count; j += kLanes) add_products<kHasFma>(a + j, x + j, highs.data(), lows.data());
  if (j < count) {
    std::array<double, kLanes> last_a{}, last_x{};
    for (Index lane = 0; j < count; ++j, ++lane) {
      last_a[lane] = a[j];
      last_x[lane] = x[j];
    }
    add_products<kHasFma>(last_a.data(), last_x.data(), highs.data(), lows.data());
  }
  for (Index width = kLanes / 2; width > 0; width /= 2) {
    for (Index lane = 0; lane < width; ++lane)
      add_term(highs[lane + width], lows[lane + width], highs[lane], lows[lane]);
  }
  *high = highs[0];
  *low = lows[0];
}

template <bool kHasFma>
LOEWNER_INLINE void compensated_add_scaled_body(double z, const double* a, Index count, double* __restrict high,
                                                double* __restrict low) {
  for (Index j = 0; j < count; ++j) {
    const double p = a[j] * z;
    add_term(p, product_error<kHasFma>(a[j], z, p), high[j], low[j]);
  }
}

LOEWNER_DISPATCH_BODIES(compensated_dot_kernel,
                        (const double* a, const double* x, Index count, double* high, double* low),
                        (a, x, count, high, low), compensated_dot_body<true>, compensated_dot_body<true>,
                        compensated_dot_body<false>, LOEWNER_TARGET_FMA)
LOEWNER_DISPATCH_BODIES(compensated_add_scaled_kernel,
                        (double z, const double* a, Index count, double* high, double* low), (z, a, count, high, low),
                        compensated_add_scaled_body<true>, compensated_add_scaled_body<true>,
                        compensated_add_scaled_body<false>, LOEWNER_TARGET_FMA)

}  // namespace

Matrix<double> compensated_residual(MatrixView<const double> a, const Matrix<double>& x, const Matrix<double>& b) {
  Matrix<double> xt(x.cols(), x.rows()), out = Matrix<double>::uninitialized(b.rows(), b.cols());
  for (Index k = 0; k < x.rows(); ++k) {
    for (Index j = 0; j < x.cols(); ++j) xt(j, k) = -x(k, j);
  }
  for_each_row(a.rows(), [&](Index i) {
    for (Index j = 0; j < xt.rows(); ++j) {
      double high = 0, low = 0;
      compensated_dot_kernel(a.row(i).data(), xt.row(j).data(), a.cols(), &high, &low);
      add_term(b(i, j), 0, high, low);
      out(i, j) = high + low;
    }
  });
  return out;
}

TwoPartMatrix compensated_transposed_product(MatrixView<const double> a, const Matrix<double>& z) {
  constexpr Index kMostLanes = 8;
  const Index pieces = num_pieces(a.rows()), lanes = std::clamp<Index>(pieces, 1, kMostLanes);
  std::vector<TwoPartMatrix> sums(lanes);
  parallel_for(lanes, [&](Index lane) {
    TwoPartMatrix& sum = sums[lane] = {Matrix<double>(z.cols(), a.cols()), Matrix<double>(z.cols(), a.cols())};
    for (Index piece = lane; piece < pieces; piece += lanes) {
      const Index first = piece * kPiece, last = first + length_of_piece(piece, a.rows());
      for (Index i = first; i < last; ++i) {
        for (Index j = 0; j < z.cols(); ++j) {
          compensated_add_scaled_kernel(z(i, j), a.row(i).data(), a.cols(), sum.high.row(j).data(),
                                        sum.low.row(j).data());
        }
      }
    }
  });
  for (Index lane = 1; lane < lanes; ++lane) {
    for (Index k = 0; k < z.cols() * a.cols(); ++k) {
      add_term(sums[lane].high.data()[k], sums[lane].low.data()[k], sums[0].high.data()[k], sums[0].low.data()[k]);
    }
  }
  return std::move(sums[0]);
}

double compensated_dot(std::span<const double> x, std::span<const double> y) {
  double high = 0, low = 0;
  compensated_dot_kernel(x.data(), y.data(), static_cast<Index>(x.size()), &high, &low);
  return high + low;
}

}  // namespace loewner::detail
