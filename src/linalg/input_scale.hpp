// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/argument_check.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/linalg/linear_operator.hpp"
#include "loewner/linalg/row_matrix.hpp"

// A solver whose squares or powers could leave the range of its arithmetic divides its input by a power of two, solves,
// and multiplies its results by the power again. Both are exact. The power is 1 for inputs of ordinary size, so that
// they are neither copied nor changed.
//
// The size of an input costs no pass of its own: it comes from the check for finite entries (largest_magnitude), from
// the first product (KrylovSpace) or from a norm that is summed while a sketch is computed (sketched_svd).
namespace loewner::detail {

/// The exponent e by which a solver divides an input of this size: 0 within 2^-ordinary ... 2^ordinary and for 0,
/// otherwise such that largest / 2^e lies in [1, 2).
inline int input_exponent(double largest, int ordinary) {
  if (!(largest > 0)) return 0;
  const int exponent = std::isfinite(largest) ? std::ilogb(largest) : 1024;
  return std::abs(exponent) <= ordinary ? 0 : exponent;
}

/// Squares and their products stay in float64.
inline constexpr int kOrdinaryDoubles = 200;
/// Squares, and sums of 2^30 of them, stay in float32 and keep its digits.
inline constexpr int kOrdinaryFloats = 40;

/// max |a_ij|, by the pass over A that checks its entries.
///
/// Errors    as require_finite.
double largest_magnitude(const RowSource& a, const std::string& what);
double largest_magnitude(const RowMatrix& a, const std::string& what);

/// Divides `a` by 2^e and returns e, the input_exponent of its largest entry; nothing if an entry is not finite.
std::optional<int> divide_by_its_size(MatrixView<double> a);

/// value * 2^exponent for a result that is one number.
///
/// Errors    InvalidArgument "<function>: <name> overflows float64 ..." or "underflows".
double restored(const ArgumentCheck& check, std::string_view name, double value, double exponent);

/// Multiplies results by 2^exponent; those much smaller than the largest may underflow.
///
/// Errors    InvalidArgument on overflow, as above.
void restore(const ArgumentCheck& check, std::string_view name, std::span<double> values, int exponent);
void restore(const ArgumentCheck& check, std::string_view name, Matrix<double>& values, int exponent);
void restore(const ArgumentCheck& check, std::string_view name, Matrix<float>& values, int exponent);

/// 2^-exponent A as a RowSource, scaled when it is read. A must outlive it.
class ScaledRows final : public RowSource {
 public:
  ScaledRows(const RowSource& a, int exponent) : a_(a), factor_(std::exp2(-exponent)) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  const RowSource& a_;
  double factor_;
};

/// 2^-exponent A. Rows of a RowSource are scaled when they are read, others are copied. A must outlive it.
class ScaledMatrix {
 public:
  ScaledMatrix(const RowMatrix& a, int exponent);
  RowMatrix view() const;

 private:
  template <typename T>
  struct Sparse {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> columns;
    std::vector<T> values;
    Index cols;
    CsrView<T> view() const { return CsrView<T>::checked(cols, offsets, columns, values); }
  };
  using Storage = std::variant<ScaledRows, Matrix<double>, Sparse<float>, Sparse<double>>;
  template <typename T>
  static Storage scaled(CsrView<T> a, int exponent);
  static Storage scaled(MatrixView<const double> a, int exponent);
  static Storage scaled(const RowSource& a, int exponent) { return ScaledRows(a, exponent); }

  Storage storage_;
};

/// 2^-exponent A for a matrix that is known by its products. Half of the exponent goes to the vectors and half to the
/// products, so that neither leaves its range. A must outlive it.
class ScaledOperator final : public LinearOperator {
 public:
  ScaledOperator(const LinearOperator& a, int exponent) : a_(a), exponent_(exponent) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  std::optional<double> squared_frobenius_norm(int exponent = 0) const override {
    return a_.squared_frobenius_norm(exponent_ + exponent);
  }
  void require_finite_entries(const std::string& what) const override { a_.require_finite_entries(what); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override;
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override;
  template <typename Product>
  void apply_scaled(MatrixView<const double> x, MatrixView<double> y, const Product& product) const;

  const LinearOperator& a_;
  int exponent_;
};

}  // namespace loewner::detail
