// SPDX-License-Identifier: Apache-2.0
#include "linalg/input_scale.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>
#include <utility>

#include "loewner/base/parallel.hpp"

namespace loewner::detail {
namespace {

// The largest magnitude as bits without the sign: they ascend with the magnitude, and NaN and infinity come last. A
// maximum of integers, which the compiler vectorizes.
template <typename T>
T largest_of(std::span<const T> values) {
  using Bits = std::conditional_t<std::is_same_v<T, float>, std::int32_t, std::int64_t>;
  Bits largest = 0;
  for (const T x : values) largest = std::max(largest, std::bit_cast<Bits>(x) & std::numeric_limits<Bits>::max());
  return std::bit_cast<T>(largest);
}

template <typename T>
double largest_of(MatrixView<const T> rows) {
  double largest = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto of_row = static_cast<double>(largest_of<T>(rows.row(i)));
    if (!std::isfinite(of_row)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, of_row);
  }
  return largest;
}

template <typename T>
double largest_of(CsrView<T> rows) {
  double largest = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto of_row = static_cast<double>(largest_of<T>(rows.values_of(i)));
    if (!std::isfinite(of_row)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, of_row);
  }
  return largest;
}

[[noreturn]] void report(const ArgumentCheck& check, std::string_view name, const char* what) {
  throw InvalidArgument(std::string(check.function()) + ": " + std::string(name) + " " + what +
                        " at the scale of this input; multiply the input by a constant");
}

template <typename T>
void restore_all(const ArgumentCheck& check, std::string_view name, std::span<T> values, int exponent) {
  for (T& x : values) {
    const T result = std::ldexp(x, exponent);
    if (std::isfinite(x) && !std::isfinite(result)) {
      report(check, name, std::is_same_v<T, float> ? "overflow float32" : "overflow float64");
    }
    x = result;
  }
}

}  // namespace

double largest_magnitude(const RowMatrix& a, const std::string& what) {
  const Index n = a.rows(), per_block = rows_per_block(a.cols());
  std::vector<double> largest((n + per_block - 1) / per_block);
  parallel_for(static_cast<Index>(largest.size()), [&](Index block) {
    const Index first = block * per_block;
    a.visit_rows(first, std::min(per_block, n - first), [&](const auto& rows) { largest[block] = largest_of(rows); });
  });
  const double result = largest.empty() ? 0.0 : *std::ranges::max_element(largest);
  if (!std::isfinite(result)) require_finite(a, what);
  return result;
}

double largest_magnitude(const RowSource& a, const std::string& what) {
  return largest_magnitude(RowMatrix(a), what);
}

std::optional<int> divide_by_its_size(MatrixView<double> a) {
  const double largest = largest_of(MatrixView<const double>(a));
  if (!std::isfinite(largest)) return std::nullopt;
  const int exponent = input_exponent(largest, kOrdinaryDoubles);
  if (exponent == 0) return 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (double& x : a.row(i)) x = std::ldexp(x, -exponent);
  }
  return exponent;
}

double restored(const ArgumentCheck& check, std::string_view name, double value, double exponent) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double half = std::trunc(exponent / 2), result = value * std::exp2(half) * std::exp2(exponent - half);
  if (!std::isfinite(result)) report(check, name, "overflows float64");
  if (std::abs(result) < std::numeric_limits<double>::min()) report(check, name, "underflows float64");
  return result;
}

void restore(const ArgumentCheck& check, std::string_view name, std::span<double> values, int exponent) {
  restore_all(check, name, values, exponent);
}

void restore(const ArgumentCheck& check, std::string_view name, Matrix<double>& values, int exponent) {
  restore_all(check, name, std::span(values.data(), static_cast<std::size_t>(values.rows() * values.cols())), exponent);
}

void restore(const ArgumentCheck& check, std::string_view name, Matrix<float>& values, int exponent) {
  restore_all(check, name, std::span(values.data(), static_cast<std::size_t>(values.rows() * values.cols())), exponent);
}

MatrixView<const float> ScaledRows::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  Matrix<float> own;
  const auto rows = a_.read_rows(first, count, own);
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  for (Index i = 0; i < count; ++i) {
    std::ranges::transform(rows.row(i), buffer.row(i).begin(),
                           [&](float x) { return static_cast<float>(factor_ * static_cast<double>(x)); });
  }
  return std::as_const(buffer).view();
}

ScaledMatrix::ScaledMatrix(const RowMatrix& a, int exponent)
    : storage_(a.visit([&](const auto& rows) { return scaled(rows, exponent); })) {}

RowMatrix ScaledMatrix::view() const {
  return std::visit(
      []<typename Stored>(const Stored& stored) {
        if constexpr (std::is_same_v<Stored, ScaledRows>) {
          return RowMatrix(stored);
        } else {
          return RowMatrix(stored.view());
        }
      },
      storage_);
}

template <typename T>
ScaledMatrix::Storage ScaledMatrix::scaled(CsrView<T> a, int exponent) {
  Sparse<T> result{.offsets = {0}, .columns = {}, .values = {}, .cols = a.cols()};
  for (Index i = 0; i < a.rows(); ++i) {
    result.columns.insert(result.columns.end(), a.columns_of(i).begin(), a.columns_of(i).end());
    for (const T x : a.values_of(i)) result.values.push_back(std::ldexp(x, -exponent));
    result.offsets.push_back(static_cast<std::int64_t>(result.columns.size()));
  }
  return result;
}

ScaledMatrix::Storage ScaledMatrix::scaled(MatrixView<const double> a, int exponent) {
  Matrix<double> result = Matrix<double>::uninitialized(a.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    std::ranges::transform(a.row(i), result.row(i).begin(), [&](double x) { return std::ldexp(x, -exponent); });
  }
  return result;
}

template <typename Product>
void ScaledOperator::apply_scaled(MatrixView<const double> x, MatrixView<double> y, const Product& product) const {
  const int half = exponent_ / 2;
  const double before = std::exp2(-half), after = std::exp2(half - exponent_);
  Matrix<double> scaled = Matrix<double>::uninitialized(x.rows(), x.cols());
  for (Index i = 0; i < x.rows(); ++i) {
    std::ranges::transform(x.row(i), scaled.row(i).begin(), [&](double value) { return before * value; });
  }
  product(std::as_const(scaled).view());
  for (Index i = 0; i < y.rows(); ++i) {
    for (double& value : y.row(i)) value *= after;
  }
}

void ScaledOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  apply_scaled(x, y, [&](MatrixView<const double> scaled) { a_.apply(scaled, y); });
}

void ScaledOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  apply_scaled(x, y, [&](MatrixView<const double> scaled) { a_.apply_t(scaled, y); });
}

}  // namespace loewner::detail
