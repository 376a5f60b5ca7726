// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "linalg/orthonormal_rows.hpp"
#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// Ritz triples A v_i = theta_i u_i of a basis V: v_i = sum_j right_t(i, j) V_j, u_i = sum_j left_t(i, j) X_j for the
/// rows X of a KrylovRange.
struct RitzTriples {
  std::vector<double> values;  // all of them, descending
  Matrix<double> right_t;      // m x m, orthonormal
  Matrix<double> left_t;       // m x rows of X
};

/// The images A V of a growing orthonormal basis V (m vectors), represented by rows X with the same span.
///
/// Errors    InvalidArgument "<caller>: ..." when LAPACK does not converge.
class KrylovRange {
 public:
  explicit KrylovRange(const char* caller) : caller_(caller) {}
  virtual ~KrylovRange() = default;

  /// Appends the images of more vectors of V, one per column. inner: row j has V_i^T A^T A v_j for the j-th new vector
  /// and all V_i up to the last new one. It may have fewer rows, or none, if A^T A v is unknown for the others.
  virtual void append(Matrix<double> images, const Matrix<double>& inner) = 0;
  virtual void clear() = 0;
  virtual Index size() const = 0;  ///< rows of X

  /// The sums of rows of X, sum_j coefficients(i, j) X_j, one per column.
  virtual Matrix<double> combined(MatrixView<const double> coefficients) const = 0;

  virtual Matrix<double> gram() const = 0;  ///< V^T A^T A V
  virtual RitzTriples ritz() const = 0;
  virtual std::vector<double> ritz_values() const = 0;  ///< the values only, faster

 protected:
  const char* caller_;
};

/// X orthonormal, A V = R^T X: Ritz values to rounding of the largest.
class OrthonormalRange final : public KrylovRange {
 public:
  /// Cost      8 w n m flops for w more images of dimension n.
  OrthonormalRange(Index capacity, Index dimension, const char* caller)
      : KrylovRange(caller), rows_(capacity, dimension) {}

  void append(Matrix<double> images, const Matrix<double>& inner) override;
  void clear() override;
  Index size() const override { return rows_.size(); }
  Matrix<double> combined(MatrixView<const double> coefficients) const override;
  Matrix<double> gram() const override;
  RitzTriples ritz() const override;
  std::vector<double> ritz_values() const override;

 private:
  Matrix<double> projected() const;

  OrthonormalRows rows_;
  std::vector<std::vector<double>> r_;  // r_[j]: coefficients of A V_j on the first rows of X
};

/// X = A V itself and the Gram matrix of its rows: squared Ritz values to rounding of the largest square. Left vectors
/// are as orthonormal as the products are accurate.
class GramRange final : public KrylovRange {
 public:
  /// Cost      none if `inner` is given, otherwise 2 w n m flops.
  GramRange(Index dimension, const char* caller) : KrylovRange(caller), dimension_(dimension) {}

  void append(Matrix<double> images, const Matrix<double>& inner) override;
  void clear() override;
  Index size() const override { return size_; }
  Matrix<double> combined(MatrixView<const double> coefficients) const override;
  Matrix<double> gram() const override;
  RitzTriples ritz() const override;
  std::vector<double> ritz_values() const override;

 private:
  Matrix<double> products_with(MatrixView<const double> vectors) const;

  // X^T as the appended blocks: transposing it would cost more than its products.
  std::vector<Matrix<double>> blocks_;
  Index dimension_, size_ = 0;
  std::vector<std::vector<double>> gram_;  // gram_[j]: inner products of X_j with X_0 ... X_j
};

}  // namespace loewner::detail
