// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "base/dispatch.hpp"
#include "linalg/blas.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/csr_matrix.hpp"
#include "support/threads.hpp"

namespace loewner::test {

// ---- matrices in float64 ----

inline Matrix<double> gaussian_matrix64(Index rows, Index cols, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::test_data, 64);
  Matrix<double> a(rows, cols);
  for (Index i = 0; i < rows * cols; ++i) a.data()[i] = random.normal();
  return a;
}

inline Matrix<double> widened(const Matrix<float>& a) {
  Matrix<double> wide(a.rows(), a.cols());
  std::copy_n(a.data(), a.rows() * a.cols(), wide.data());
  return wide;
}

inline double frobenius_norm64(const Matrix<double>& a) {
  double sum = 0;
  for (Index i = 0; i < a.rows() * a.cols(); ++i) sum += a.data()[i] * a.data()[i];
  return std::sqrt(sum);
}

inline double largest_difference(const Matrix<double>& a, const Matrix<double>& b) {
  double largest = 0;
  for (Index i = 0; i < a.rows() * a.cols(); ++i) largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest;
}

inline bool same_bits(const Matrix<double>& a, const Matrix<double>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::equal(a.data(), a.data() + a.rows() * a.cols(), b.data());
}

/// op(a) op(b) by plain loops, independent of the library's own.
inline Matrix<double> product64(const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> c(a.rows(), b.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index k = 0; k < a.cols(); ++k) {
      for (Index j = 0; j < b.cols(); ++j) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

inline Matrix<double> transposed(const Matrix<double>& a) {
  Matrix<double> t(a.cols(), a.rows());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) t(j, i) = a(i, j);
  }
  return t;
}

/// All singular values by LAPACK, descending.
inline std::vector<double> singular_values(const Matrix<double>& a) {
  Matrix<double> work = a.clone(), u, vt;
  std::vector<double> sigma;
  if (!blas::thin_svd(work.view(), u, sigma, vt)) throw std::runtime_error("dgesdd");
  return sigma;
}

// ---- orthonormal bases (n x d) of the subspaces that embeddings are tested on ----

/// Q of a = Q R: a R^-1, twice.
inline Matrix<double> orthonormal_columns(Matrix<double> a) {
  for (int pass = 0; pass < 2; ++pass) {
    Matrix<double> work = a.clone(), r(a.cols(), a.cols());
    blas::qr_upper_in_place(work.view(), r.view());
    blas::solve_upper_from_right(r.view(), a.view());
  }
  return a;
}

/// [I; 0]: each direction lies in one row, the hardest for a sparse embedding.
inline Matrix<double> coherent_basis(Index n, Index d) {
  Matrix<double> u(n, d);
  for (Index j = 0; j < d; ++j) u(j, j) = 1;
  return u;
}

/// Copies of the identity below each other, d | n.
inline Matrix<double> copies_basis(Index n, Index d) {
  Matrix<double> u(n, d);
  for (Index i = 0; i < n; ++i) u(i, i % d) = std::sqrt(static_cast<double>(d) / static_cast<double>(n));
  return u;
}

inline Matrix<double> haar_basis(Index n, Index d) {
  return orthonormal_columns(gaussian_matrix64(n, d, 1));
}

/// Rows of size i^-1: some directions lie in few rows.
inline Matrix<double> power_law_basis(Index n, Index d) {
  Matrix<double> a = gaussian_matrix64(n, d, 2);
  for (Index i = 0; i < n; ++i) {
    for (double& x : a.row(i)) x /= static_cast<double>(i + 1);
  }
  return orthonormal_columns(std::move(a));
}

// ---- sparse matrices ----

/// A sparse matrix that owns its arrays.
template <typename T>
struct OwnedCsr {
  Index cols = 0;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns{};
  std::vector<T> values{};

  CsrView<T> view() const { return CsrView<T>::checked(cols, offsets, columns, values); }
};

/// The nonzeros of a dense matrix.
template <typename To, typename From>
OwnedCsr<To> to_csr(const Matrix<From>& a) {
  OwnedCsr<To> csr;
  csr.cols = a.cols();
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      if (a(i, j) == 0) continue;
      csr.columns.push_back(static_cast<std::int32_t>(j));
      csr.values.push_back(static_cast<To>(a(i, j)));
    }
    csr.offsets.push_back(static_cast<std::int64_t>(csr.values.size()));
  }
  return csr;
}

/// Standard normal entries; about the fraction 1 - share is set to 0.
inline Matrix<float> sparse_gaussian(Index rows, Index cols, double share, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::test_data, 65);
  Matrix<float> a(rows, cols);
  for (Index i = 0; i < rows * cols; ++i) {
    const double value = random.normal();
    if (random.uniform() < share) a.data()[i] = static_cast<float>(value);
  }
  return a;
}

// ---- one claim for all numbers of threads, instruction sets and seeds ----

/// The least instruction set with fused multiply-adds, which products of dense rows use.
inline constexpr auto kFused = detail::Isa::avx2;

/// Whether `compute()` gives the same bits with 1, 2 and 8 threads and on every instruction set of this processor from
/// `least` on.
template <typename Compute>
bool same_bits_everywhere(Compute&& compute, detail::Isa least = detail::Isa::scalar) {
  const Matrix<double> reference = compute();
  bool same = true;
  for (const int threads : {1, 2, 8}) {
    const ThreadCount scope(threads);
    same = same && same_bits(reference, compute());
  }
  for (const auto isa : {detail::Isa::scalar, detail::Isa::avx2}) {
    detail::limit_isa(std::max(isa, least));
    same = same && same_bits(reference, compute());
    detail::limit_isa(detail::Isa::amx);
  }
  return same;
}

/// The least number of successes in `trials` that is consistent with a success probability p: fewer have a probability
/// of at most 1e-6.
inline int least_successes(int trials, double p) {
  double below = 0;
  for (int k = 0; k <= trials; ++k) {
    const double log_choose = std::lgamma(trials + 1.0) - std::lgamma(k + 1.0) - std::lgamma(trials - k + 1.0);
    below += std::exp(log_choose + k * std::log(p) + (trials - k) * std::log1p(-p));
    if (below > 1e-6) return k;
  }
  return trials;
}

}  // namespace loewner::test
