// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/linalg/row_matrix.hpp"
#include "support/matrices.hpp"

namespace loewner::test {

/// An input times a factor, in the type that the solver computes in.
inline Matrix<float> times(const Matrix<float>& a, double factor) {
  Matrix<float> result = a.clone();
  for (Index i = 0; i < a.rows() * a.cols(); ++i) {
    result.data()[i] = static_cast<float>(static_cast<double>(a.data()[i]) * factor);
  }
  return result;
}
inline Matrix<double> times_wide(const Matrix<float>& a, double factor) {
  Matrix<double> result = detail::widened(a.view());
  for (Index i = 0; i < a.rows() * a.cols(); ++i) result.data()[i] *= factor;
  return result;
}

/// What a solver found for an input that was multiplied by a factor: groups of numbers, each of which grows as a power
/// of the factor.
class Findings {
 public:
  struct Group {
    std::string name;
    std::vector<double> values;
    double degree = 0;     // the values grow as factor^degree
    double tolerance = 0;  // relative to the largest value of the group
  };

  Findings& add(std::string name, std::vector<double> values, double degree, double tolerance = 1e-4) {
    groups_.push_back({std::move(name), std::move(values), degree, tolerance});
    return *this;
  }
  Findings& add(std::string name, double value, double degree, double tolerance = 1e-4) {
    return add(std::move(name), std::vector<double>{value}, degree, tolerance);
  }
  Findings& add_count(std::string name, Index count) { return add(std::move(name), static_cast<double>(count), 0, 0); }
  template <typename T>
  Findings& add(std::string name, const Matrix<T>& m, double degree, double tolerance = 1e-4) {
    return add(std::move(name), std::vector<double>(m.data(), m.data() + m.rows() * m.cols()), degree, tolerance);
  }
  /// The projection on the row space of orthonormal rows, which does not depend on signs.
  Findings& add_space(std::string name, const Matrix<double>& vt, double tolerance = 1e-3) {
    std::vector<double> projection;
    for (Index i = 0; i < vt.cols(); ++i) {
      for (Index j = 0; j < vt.cols(); ++j) {
        double sum = 0;
        for (Index r = 0; r < vt.rows(); ++r) sum += vt(r, i) * vt(r, j);
        projection.push_back(sum);
      }
    }
    return add(std::move(name), std::move(projection), 0, tolerance);
  }
  /// The product of two factors, in float64.
  Findings& add_product(std::string name, const Matrix<float>& left, const Matrix<float>& right, double degree,
                        double tolerance = 1e-3) {
    Matrix<double> product(left.rows(), right.cols());
    for (Index i = 0; i < left.rows(); ++i) {
      for (Index r = 0; r < left.cols(); ++r) {
        const auto factor = static_cast<double>(left(i, r));
        for (Index j = 0; j < right.cols(); ++j) product(i, j) += factor * static_cast<double>(right(r, j));
      }
    }
    return add(std::move(name), product, degree, tolerance);
  }

  const std::vector<Group>& groups() const { return groups_; }

 private:
  std::vector<Group> groups_;
};

/// A public solver and how it is run on an input times a factor. Names of the solver first, as in the headers; a name
/// after a slash tells cases of one solver apart.
struct ScaleCase {
  std::string name;
  std::function<Findings(double factor)> run;
  bool is_single = true;  ///< the input is float32: factors stay in its range
};

inline void PrintTo(const ScaleCase& scale_case, std::ostream* out) {
  *out << scale_case.name;
}

/// Name of the test of a case.
inline std::string test_name(const testing::TestParamInfo<ScaleCase>& info) {
  std::string name = info.param.name;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

/// Whether numbers of this size, times factor^degree, leave the range of float64 (or nearly do).
inline bool leaves_range(const Findings& reference, double factor) {
  return std::ranges::any_of(reference.groups(), [&](const Findings::Group& group) {
    double largest = 0;
    for (const double x : group.values) largest = std::max(largest, std::abs(x));
    if (largest == 0 || group.degree == 0) return false;
    const double exponent = std::log10(largest) + group.degree * std::log10(factor);
    return std::abs(exponent) > 285;
  });
}

inline void expect_scaled(const Findings& found, const Findings& reference, double factor) {
  ASSERT_EQ(found.groups().size(), reference.groups().size());
  for (std::size_t g = 0; g < found.groups().size(); ++g) {
    const auto& now = found.groups()[g];
    const auto& before = reference.groups()[g];
    SCOPED_TRACE(now.name + " at " + std::to_string(std::log10(factor)));
    ASSERT_EQ(now.values.size(), before.values.size());
    const long double growth = std::pow(static_cast<long double>(factor), static_cast<long double>(before.degree));
    double largest = 0, worst = 0;
    for (const double x : before.values) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < now.values.size(); ++i) {
      const auto difference = static_cast<double>(static_cast<long double>(now.values[i]) / growth) - before.values[i];
      worst = std::max(worst, std::isnan(difference) ? HUGE_VAL : std::abs(difference));
    }
    EXPECT_LE(worst, before.tolerance * largest);
  }
}

/// Runs a case at all factors 10^k that its type allows. A solver may refuse a factor only if a result would leave
/// float64 there.
inline void expect_independent_of_scale(const ScaleCase& scale_case) {
  const Findings reference = scale_case.run(1);
  const std::vector<int> exponents = scale_case.is_single
                                         ? std::vector<int>{-33, -25, -20, -12, -6, -2, 2, 6, 12, 18, 25, 30, 36}
                                         : std::vector<int>{-280, -150, -100, -50, -20, -8, 8, 20, 50, 80, 150, 280};
  for (const int exponent : exponents) {
    const double factor = std::pow(10.0, exponent);
    SCOPED_TRACE(exponent);
    try {
      expect_scaled(scale_case.run(factor), reference, factor);
    } catch (const InvalidArgument& error) {
      EXPECT_TRUE(leaves_range(reference, factor)) << error.what();
    }
  }
}

}  // namespace loewner::test
