// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <span>

#include "loewner/base/matrix_view.hpp"

namespace loewner::detail {

/// sum_j a_j x_j in float64, in sixteen interleaved lanes.
double dot(std::span<const float> a, std::span<const double> x);
double dot(std::span<const double> a, std::span<const double> x);

/// ||a||_2, from dot.
inline double euclidean_norm(std::span<const double> a) {
  return std::sqrt(dot(a, a));
}

/// sum_j a_j^2 in float64, in the lanes of lane_sum.
double squared_length(std::span<const float> a);
double squared_length(std::span<const double> a);

/// y = alpha a, with products in float64
void set_scaled(double alpha, std::span<const float> a, std::span<float> y);
void set_scaled(double alpha, std::span<const float> a, std::span<double> y);

/// y += alpha a
void add_scaled(double alpha, std::span<const float> a, std::span<double> y);
void add_scaled(double alpha, std::span<const double> a, std::span<double> y);

}  // namespace loewner::detail
