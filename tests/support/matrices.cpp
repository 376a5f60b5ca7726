// SPDX-License-Identifier: Apache-2.0
#include "support/matrices.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "linalg/blas.hpp"
#include "loewner/base/random.hpp"

namespace loewner::test {
namespace {

RandomStream stream(const Shape& shape, std::uint64_t part) {
  return {shape.seed, RandomPurpose::test_data, part};
}

Matrix<double> gaussian64(Index rows, Index cols, RandomStream random) {
  Matrix<double> g(rows, cols);
  for (Index i = 0; i < rows * cols; ++i) g.data()[i] = random.normal();
  return g;
}

// Modified Gram-Schmidt, twice: plain, slow and independent of the library's own linear algebra.
Matrix<double> orthonormal_rows(Matrix<double> a) {
  for (int pass = 0; pass < 2; ++pass) {
    for (Index i = 0; i < a.rows(); ++i) {
      for (Index j = 0; j < i; ++j) {
        double dot = 0;
        for (Index c = 0; c < a.cols(); ++c) dot += a(i, c) * a(j, c);
        for (Index c = 0; c < a.cols(); ++c) a(i, c) -= dot * a(j, c);
      }
      double norm = 0;
      for (Index c = 0; c < a.cols(); ++c) norm += a(i, c) * a(i, c);
      for (Index c = 0; c < a.cols(); ++c) a(i, c) /= std::sqrt(norm);
    }
  }
  return a;
}

double student_t(RandomStream& random, int degrees_of_freedom) {
  double chi_squared = 0;
  for (int i = 0; i < degrees_of_freedom; ++i) {
    const double x = random.normal();
    chi_squared += x * x;
  }
  return random.normal() / std::sqrt(chi_squared / degrees_of_freedom);
}

Matrix<float> low_rank_plus_noise(const Shape& shape, Index rank, double noise) {
  const auto left = gaussian64(shape.rows, rank, stream(shape, 10));
  const auto right = gaussian64(rank, shape.cols, stream(shape, 11));
  RandomStream random = stream(shape, 12);
  Matrix<float> a(shape.rows, shape.cols);
  for (Index i = 0; i < shape.rows; ++i) {
    for (Index j = 0; j < shape.cols; ++j) {
      double sum = noise * random.normal();
      for (Index k = 0; k < rank; ++k) sum += left(i, k) * right(k, j) / std::sqrt(static_cast<double>(rank));
      a(i, j) = static_cast<float>(sum);
    }
  }
  return a;
}

}  // namespace

Matrix<float> gaussian_matrix(const Shape& shape) {
  RandomStream random = stream(shape, 0);
  Matrix<float> a(shape.rows, shape.cols);
  for (Index i = 0; i < shape.rows * shape.cols; ++i) a.data()[i] = static_cast<float>(random.normal());
  return a;
}

Matrix<float> matrix_with_spectrum(const Shape& shape, const std::vector<double>& spectrum) {
  const Index rank = static_cast<Index>(spectrum.size());
  const auto ut = orthonormal_rows(gaussian64(rank, shape.rows, stream(shape, 1)));
  const auto vt = orthonormal_rows(gaussian64(rank, shape.cols, stream(shape, 2)));
  Matrix<float> a(shape.rows, shape.cols);
  for (Index i = 0; i < shape.rows; ++i) {
    for (Index j = 0; j < shape.cols; ++j) {
      double sum = 0;
      for (Index k = 0; k < rank; ++k) sum += ut(k, i) * spectrum[k] * vt(k, j);
      a(i, j) = static_cast<float>(sum);
    }
  }
  return a;
}

std::vector<double> exponential_decay(Index count, double ratio) {
  std::vector<double> spectrum(count);
  double value = 1;
  for (double& s : spectrum) {
    s = value;
    value *= ratio;
  }
  return spectrum;
}

Matrix<float> low_rank_plus_entry_outliers(const Shape& shape, Index rank, double noise, double fraction,
                                           double magnitude) {
  Matrix<float> a = low_rank_plus_noise(shape, rank, noise);
  RandomStream random = stream(shape, 20);
  for (Index i = 0; i < shape.rows * shape.cols; ++i) {
    if (random.uniform() < fraction) a.data()[i] += static_cast<float>(magnitude * random.normal());
  }
  return a;
}

Matrix<float> low_rank_plus_row_outliers(const Shape& shape, Index rank, double noise, double fraction,
                                         double magnitude) {
  Matrix<float> a = low_rank_plus_noise(shape, rank, noise);
  RandomStream random = stream(shape, 21);
  for (Index i = 0; i < shape.rows; ++i) {
    if (random.uniform() >= fraction) continue;
    for (float& x : a.row(i)) x = static_cast<float>(magnitude * random.normal());
  }
  return a;
}

Matrix<float> student_t_with_decay(const Shape& shape, int degrees_of_freedom, double ratio) {
  RandomStream random = stream(shape, 22);
  Matrix<float> a(shape.rows, shape.cols);
  for (Index i = 0; i < shape.rows; ++i) {
    double scale = 1;
    for (float& x : a.row(i)) {
      x = static_cast<float>(scale * student_t(random, degrees_of_freedom));
      scale *= ratio;
    }
  }
  return a;
}

double frobenius_norm(MatrixView<const float> a) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (const float x : a.row(i)) sum += static_cast<double>(x) * x;
  }
  return std::sqrt(sum);
}

double frobenius_distance(MatrixView<const float> a, MatrixView<const float> b) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      const double difference = static_cast<double>(a(i, j)) - b(i, j);
      sum += difference * difference;
    }
  }
  return std::sqrt(sum);
}

Matrix<float> product(MatrixView<const float> left, MatrixView<const float> right) {
  Matrix<float> c(left.rows(), right.cols());
  for (Index i = 0; i < left.rows(); ++i) {
    for (Index j = 0; j < right.cols(); ++j) {
      double sum = 0;
      for (Index k = 0; k < left.cols(); ++k) sum += static_cast<double>(left(i, k)) * right(k, j);
      c(i, j) = static_cast<float>(sum);
    }
  }
  return c;
}

namespace {

// ||V - (V W^T) W||_F^2
double energy_outside(MatrixView<const double> vt, MatrixView<const double> wt) {
  double energy = 0;
  std::vector<double> left(vt.cols());
  for (Index i = 0; i < vt.rows(); ++i) {
    std::ranges::copy(vt.row(i), left.begin());
    for (Index j = 0; j < wt.rows(); ++j) {
      const double dot = std::inner_product(vt.row(i).begin(), vt.row(i).end(), wt.row(j).begin(), 0.0);
      for (Index c = 0; c < vt.cols(); ++c) left[c] -= dot * wt(j, c);
    }
    energy += std::inner_product(left.begin(), left.end(), left.begin(), 0.0);
  }
  return energy;
}

}  // namespace

double subspace_distance(MatrixView<const double> vt, MatrixView<const double> wt) {
  return std::sqrt(energy_outside(vt, wt) + energy_outside(wt, vt));  // k + l - 2 ||V^T W||^2 would cancel at 1e-8
}

double orthonormality_error(MatrixView<const double> vt) {
  Matrix<double> products(vt.rows(), vt.rows());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1, vt, vt, 0, products.view());
  double worst = 0;
  for (Index i = 0; i < vt.rows(); ++i) {
    products(i, i) -= 1;
    for (const double x : products.row(i)) worst = std::max(worst, std::abs(x));
  }
  return worst;
}

}  // namespace loewner::test
