// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_curve.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "linalg/input_scale.hpp"
#include "linalg/squared_norm.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"

namespace loewner {
namespace {

// Rows whose squared norms are summed while they are read, so that a file is read once.
class MeasuredRows final : public RowSource {
 public:
  explicit MeasuredRows(const RowSource& a) : a_(a), squares_(a.rows()) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    const auto rows = a_.read_rows(first, count, buffer);
    for (Index i = 0; i < count; ++i) squares_[first + i] = detail::squared_norm(rows.row_block(i, 1));
    return rows;
  }

  double squared_norm_of_all() const {
    double sum = 0;
    for (const double square : squares_) sum += square;
    return sum;
  }

 private:
  const RowSource& a_;
  mutable std::vector<double> squares_;  // by row: only the thread that reads a row writes its value
};

template <typename Rows>
double add_all(const Rows& a, BilinearSketch& sketch) {
  if constexpr (std::is_base_of_v<RowSource, Rows>) {
    const MeasuredRows measured(a);
    sketch.accumulate(0, RowMatrix(measured));
    return measured.squared_norm_of_all();
  } else {
    const Index per_block = rows_per_block(a.cols());
    std::vector<double> squares((a.rows() + per_block - 1) / per_block);
    parallel_for(static_cast<Index>(squares.size()), [&](Index block) {
      const Index first = block * per_block;
      squares[block] = detail::squared_norm(a.row_block(first, std::min(per_block, a.rows() - first)));
    });
    double sum = 0;
    for (const double square : squares) sum += square;
    if (std::isfinite(sum)) sketch.accumulate(0, a);
    return sum;
  }
}

ResidualCurve of_scaled(const RowMatrix& a, int exponent, const ResidualOptions& options) {
  const detail::ScaledMatrix scaled(a, exponent);
  ResidualCurve curve = estimate_residuals(scaled.view(), options);
  const detail::ArgumentCheck check("estimate_residuals");
  curve.frobenius_norm = detail::restored(check, "the norm", curve.frobenius_norm, exponent);
  detail::restore(check, "the errors", curve.residual, exponent);
  detail::restore(check, "their deviations", curve.standard_deviations, exponent);
  return curve;
}

}  // namespace

ResidualCurve estimate_residuals(const RowMatrix& a, const ResidualOptions& options) {
  BilinearSketch sketch(a.rows(), a.cols(), options);
  const double squared = a.visit([&](const auto& rows) { return add_all(rows, sketch); });
  const double norm = std::sqrt(squared);
  // Only a norm outside the ordinary range leads to a pass for the size of the entries.
  if (std::isfinite(norm) && norm > 0 && detail::input_exponent(norm, detail::kOrdinaryDoubles) == 0) {
    return sketch.curve(norm);
  }
  const double largest = detail::largest_magnitude(a, "estimate_residuals: the matrix");
  const int exponent = detail::input_exponent(largest, detail::kOrdinaryDoubles / 2);
  if (exponent == 0) return sketch.curve(norm);
  return of_scaled(a, exponent, options);
}

}  // namespace loewner
