// SPDX-License-Identifier: Apache-2.0
#include "linalg/held_out_space.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/sum_of_squares.hpp"

namespace loewner::detail {
namespace {

// Orthonormalizes x against the first `count` rows of the space and appends it; false if too little of x is new.
bool add_orthonormal(std::span<double> x, double length, Index count, Matrix<double>& space) {
  constexpr double kNew = 1e-8;  // a smaller new part may be rounding, which would leak held-out directions
  for (int pass = 0; pass < 2; ++pass) {
    for (Index i = 0; i < count; ++i) add_scaled(-dot(space.row(i), x), space.row(i), x);
  }
  const double rest = std::sqrt(sum_of_squares(x));
  if (!(rest > kNew * length)) return false;
  std::ranges::transform(x, space.row(count).begin(), [&](double value) { return value / rest; });
  return true;
}

}  // namespace

Matrix<double> space_without_held_out(const Matrix<double>& gram, std::span<const VectorOrigin> origins) {
  const auto size = static_cast<Index>(origins.size());
  Matrix<double> space = Matrix<double>::uninitialized(size, size);
  Index count = 0, first_of_level = 0, end = 0;
  while (end < size) {
    const Index begin = end, level = origins[begin].level, last_count = count;
    while (end < size && origins[end].level == level) ++end;
    Matrix<double> images(last_count - first_of_level, size);
    blas::gemm(blas::Op::none, blas::Op::none, 1.0, space.view().row_block(first_of_level, images.rows()), gram.view(),
               0.0, images.view());
    for (Index i = 0; i < images.rows(); ++i) {
      const auto image = images.row(i);
      const double length = std::sqrt(sum_of_squares(image));
      for (Index j = begin; j < size; ++j) image[j] = j < end && !origins[j].is_random ? image[j] : 0;
      if (add_orthonormal(image, length, count, space)) ++count;
    }
    for (Index j = begin; j < end; ++j) {
      if (!origins[j].is_random || origins[j].is_held_out) continue;
      std::ranges::fill(space.row(count), 0.0);
      space(count, j) = 1;
      ++count;
    }
    first_of_level = last_count;
  }
  return leading_rows<double>(space.view(), count);
}

}  // namespace loewner::detail
