// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loewner_ellipsoid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/norms/enclosing_ellipsoid.hpp"
#include "norms/whitened_rows.hpp"

namespace loewner {
namespace {

using detail::ArgumentCheck;
using detail::dot;
using detail::euclidean_norm;

constexpr int kSearchSteps = 20;
constexpr double kSearchGain = 1e-3;  // relative; a search ends when a step gains less

// lower ||z||_2 <= ||U z||_p <= upper ||z||_2
struct NormBounds {
  double lower, upper;
};

// With r_i = ||u_i||, T = sum r_i^p and S = sum r_i^(p-2) u_i u_i^T:
//   p <= 2:  lambda_min(S)^(1/p) <= ||U z||_p / ||z||_2 <= T^(1/p-1/2) lambda_max(S)^(1/2)
//   p >= 2:  T^(1/p-1/2) lambda_min(S)^(1/2) <= ||U z||_p / ||z||_2 <= lambda_max(S)^(1/p)
// Proof for p <= 2, ||z|| = 1: z^T S z = sum |<u_i,z>|^p (|<u_i,z>| / r_i)^(2-p) <= ||U z||_p^p
// gives the left side, and Hoelder's inequality on ||U z||_p^p = sum r_i^(p(2-p)/2) (r_i^(p-2)
// <u_i,z>^2)^(p/2) with the exponents 2/(2-p) and 2/p the right one. For p >= 2 both inequalities
// are reversed.
struct MomentMatrix {
  SymmetricEigen eigen;  // of S / m^p, m = max_i r_i, so that no power overflows
  NormBounds bounds;
};

MomentMatrix moment_matrix(const Matrix<double>& u, double p) {
  std::vector<double> lengths(u.rows());
  for (Index i = 0; i < u.rows(); ++i) lengths[i] = euclidean_norm(u.row(i));
  const double longest = *std::ranges::max_element(lengths);
  Matrix<double> scaled(u.rows(), u.cols());
  double total = 0;
  for (Index i = 0; i < u.rows(); ++i) {
    if (lengths[i] == 0) continue;
    const double length = lengths[i] / longest;
    total += std::pow(length, p);
    const double factor = std::pow(length, p / 2 - 1) / longest;
    std::ranges::transform(u.row(i), scaled.row(i).begin(), [&](double x) { return factor * x; });
  }
  Matrix<double> s(u.cols(), u.cols());
  blas::add_gram_upper(scaled.view(), s.view());
  MomentMatrix result{.eigen = symmetric_eigen(std::move(s)), .bounds = {}};
  const auto first = [&](double lambda) { return longest * std::pow(lambda, 1 / p); };
  const auto second = [&](double lambda) { return longest * std::pow(total, 1 / p - 0.5) * std::sqrt(lambda); };
  const double largest = result.eigen.values.front(), smallest = std::max(0.0, result.eigen.values.back());
  result.bounds = p <= 2 ? NormBounds{first(smallest), second(largest)} : NormBounds{second(smallest), first(largest)};
  return result;
}

// The ellipsoid {x : ||F x||_2 <= 1} in the coordinates z = F x, where it is the unit ball and A is
// U.
class CuttingPlanes {
 public:
  CuttingPlanes(detail::WhitenedRows white, double p, double threshold)
      : u_(std::move(white.u)), f_(std::move(white.f)), p_(p), threshold_(threshold), image_(u_.rows()) {}

  const Matrix<double>& factor() const { return f_; }
  MomentMatrix moments() const { return moment_matrix(u_, p_); }
  double log_volume() const { return log_volume_; }

  /// {||F x|| <= 1} -> {scale ||F x|| <= 1}
  void shrink(double scale) {
    std::ranges::transform(f_.data(), f_.data() + f_.rows() * f_.cols(), f_.data(),
                           [&](double x) { return scale * x; });
    std::ranges::transform(u_.data(), u_.data() + u_.rows() * u_.cols(), u_.data(),
                           [&](double x) { return x / scale; });
    log_volume_ -= static_cast<double>(u_.cols()) * std::log(scale);
  }

  /// Searches from the unit vector z for a subgradient longer than the threshold and cuts along it;
  /// false if the search finds none.
  bool cut_near(std::vector<double> z) {
    double value = 0;
    for (int step = 0; step < kSearchSteps; ++step) {
      std::vector<double> g = subgradient(z);
      const double length = euclidean_norm(g);
      if (length <= (1 + kSearchGain) * value) break;
      value = length;
      for (std::size_t j = 0; j < z.size(); ++j) z[j] = g[j] / length;
    }
    if (value <= threshold_) return false;
    cut(z, 1 / value);
    return true;
  }

 private:
  // The subgradient g of ||U z||_p at z. The norm is convex and homogeneous, so ||g||_2 >= ||U
  // z||_p / ||z||_2, and the norm at g / ||g||_2 is at least that at z / ||z||_2.
  std::vector<double> subgradient(std::span<const double> z) {
    double largest = 0;
    for (Index i = 0; i < u_.rows(); ++i) {
      image_[i] = dot(u_.row(i), z);
      largest = std::max(largest, std::abs(image_[i]));
    }
    std::vector<double> g(z.size(), 0.0);
    double sum = 0;
    for (Index i = 0; i < u_.rows(); ++i) {
      if (image_[i] == 0) continue;
      const double share = std::abs(image_[i]) / largest, power = std::pow(share, p_ - 1);
      sum += power * share;
      const double factor = std::copysign(power, image_[i]);
      for (std::size_t j = 0; j < z.size(); ++j) g[j] += factor * u_(i, j);
    }
    for (double& x : g) x /= std::pow(sum, 1 - 1 / p_);
    return g;
  }

  // The smallest ellipsoid with center 0 around the part of the unit ball where |<z, axis>| <=
  // width (width^2 < 1/d): its semi-axes are sqrt(d) width along the axis and sqrt(d (1 - width^2)
  // / (d - 1)) across.
  void cut(std::span<const double> axis, double width) {
    const double d = static_cast<double>(u_.cols());
    const double along = std::sqrt(d) * width;
    const double across = d > 1 ? std::sqrt(d * (1 - width * width) / (d - 1)) : along;
    for (Index i = 0; i < u_.rows(); ++i) stretch(u_.row(i), axis, dot(u_.row(i), axis), along, across);
    std::vector<double> shadow(u_.cols(), 0.0);  // axis^T F
    for (Index k = 0; k < f_.rows(); ++k) {
      for (Index j = 0; j < f_.cols(); ++j) shadow[j] += axis[k] * f_(k, j);
    }
    for (Index k = 0; k < f_.rows(); ++k) stretch(f_.row(k), shadow, axis[k], 1 / along, 1 / across);
    log_volume_ += std::log(along) + (d - 1) * std::log(across);
  }

  // row <- across * row + (along - across) * share * axis
  static void stretch(std::span<double> row, std::span<const double> axis, double share, double along, double across) {
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = across * row[j] + (along - across) * share * axis[j];
  }

  Matrix<double> u_, f_;  // n x d, d x d
  double p_, threshold_;
  double log_volume_ = 0;
  std::vector<double> image_;  // U z
};

// One search from each axis; returns the number of cuts.
int cut_round(CuttingPlanes& planes, const Matrix<double>& axes, int limit) {
  int cuts = 0;
  for (Index i = 0; i < axes.rows() && cuts < limit; ++i) {
    throw_if_cancelled();
    if (planes.cut_near({axes.row(i).begin(), axes.row(i).end()})) ++cuts;
  }
  return cuts;
}

LoewnerEllipsoid by_cutting_planes(const ArgumentCheck& check, const RowSource& a,
                                   const LoewnerEllipsoidOptions& options) {
  const double goal = (1 + options.epsilon) * std::sqrt(static_cast<double>(a.cols()));
  CuttingPlanes planes(detail::whitened_rows(a, check), options.norm_exponent, goal);
  MomentMatrix moments = planes.moments();
  // ||v||_p >= min(1, n^(1/p-1/2)) ||v||_2; the moment matrix may prove a larger factor. Scaling by
  // it, up or down, makes the ellipsoid contain the level set, and no later step loses that.
  const double plain = std::pow(static_cast<double>(a.rows()), std::min(0.0, 1 / options.norm_exponent - 0.5));
  const double start = std::max(plain, moments.bounds.lower);
  planes.shrink(start);
  LoewnerEllipsoid result{.factor = {}, .distortion = moments.bounds.upper / start, .report = {}};
  FitReport& report = result.report;
  const double first_log_volume = planes.log_volume();
  bool moving = true;
  while (moving && result.distortion > goal && report.iterations < options.max_iterations) {
    const int cuts = cut_round(planes, moments.eigen.vectors_t, options.max_iterations - report.iterations);
    report.iterations += cuts;
    moments = planes.moments();
    const double scale = std::max(1.0, moments.bounds.lower);
    planes.shrink(scale);
    result.distortion = moments.bounds.upper / scale;
    moving = cuts > 0 || scale > 1 + options.epsilon;
  }
  report.status = result.distortion <= goal ? Status::converged : moving ? Status::max_iterations : Status::stalled;
  report.final_objective = planes.log_volume() - first_log_volume;
  result.factor = planes.factor().clone();
  return result;
}

// With w the optimal weights of the rows' enclosing ellipsoid and G = sum_i w_i a_i a_i^T:
// x^T G x = sum_i w_i <a_i,x>^2 <= ||A x||_inf^2, and <a_i,x>^2 <= (a_i^T G^{-1} a_i) (x^T G x).
LoewnerEllipsoid by_polarity(const RowSource& a, const LoewnerEllipsoidOptions& options) {
  EnclosingEllipsoid dual = enclosing_ellipsoid(a, {.max_iterations = options.max_iterations});
  return {.factor = std::move(dual.factor), .distortion = std::sqrt(dual.largest), .report = std::move(dual.report)};
}

}  // namespace

LoewnerEllipsoid loewner_ellipsoid(const RowSource& a, const LoewnerEllipsoidOptions& options) {
  const ArgumentCheck check("loewner_ellipsoid");
  check.at_least("norm_exponent", options.norm_exponent, 1);
  check.positive("epsilon", options.epsilon);
  return std::isinf(options.norm_exponent) ? by_polarity(a, options) : by_cutting_planes(check, a, options);
}

}  // namespace loewner
