// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/entrywise_low_rank.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"
#include "loewner/lowrank/robust_subspace.hpp"
#include "loewner/norms/lp_error.hpp"
#include "lowrank/entrywise_admm.hpp"
#include "lowrank/product_rows.hpp"

namespace loewner {
namespace {

constexpr int kRowSubspaceIterations = 10;     // few, since a start need not be exact
constexpr int kColumnSubspaceIterations = 50;  // of a d x d matrix, which is cheap
constexpr double kSmoothing = 1e-4;            // of r^p at r = 0, relative to the root mean square of the row norms

void check_arguments(const detail::ArgumentCheck& check, MatrixView<const float> a,
                     const EntrywiseLowRankOptions& options) {
  check.rank(options.rank, a.rows(), a.cols());
  check.at_least("refined_starts", options.refined_starts, 1);
  check.at_least("max_iterations", options.max_iterations, 0);
  check.at_least("polish_sweeps", options.polish_sweeps, 0);
  check.norm_exponent(options.norm_exponent);
  check.row_weights(options.row_weights, a.rows());
}

Matrix<double> svd_basis(const RowSource& a, Index rank) {
  return truncated_svd(a, {.rank = rank}).vt;
}

RobustSubspace power_subspace(const RowSource& a, Index rank, double p, int max_iterations) {
  const double squares = sum_over_row_blocks(a, [](Index, MatrixView<const float> rows) {
    double sum = 0;
    for (Index i = 0; i < rows.rows(); ++i) {
      for (const float x : rows.row(i)) sum += static_cast<double>(x) * static_cast<double>(x);
    }
    return sum;
  });
  const double typical = squares > 0 ? std::sqrt(squares / static_cast<double>(a.rows())) : 1.0;
  return robust_subspace(a, {.rank = rank,
                             .loss = Loss::power(p, kSmoothing * typical),
                             .max_iterations = max_iterations,
                             .tolerance = 1e-4});
}

// The row space of P F, where P projects on the l_{2,p} subspace of the columns of F. Among the
// matrices of rank k with the column space of A, A F^{-1} P F is the one whose image under F is P
// F, the best for this loss.
Matrix<double> lewis_column_basis(const LpFactorization& factorization, Index rank) {
  Matrix<double> f = factorization.vt.clone();
  for (Index i = 0; i < f.rows(); ++i) {
    for (double& x : f.row(i)) x *= factorization.scales[i];
  }
  const Matrix<float> narrow_f = detail::narrowed(f.view()), columns = detail::transposed<float>(narrow_f.view());
  const RobustSubspace subspace =
      power_subspace(DenseRows(columns.view()), rank, factorization.norm_exponent, kColumnSubspaceIterations);
  Matrix<double> rows = Matrix<double>::uninitialized(rank, f.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, subspace.vt.view(), f.view(), 0.0, rows.view());
  const Matrix<float> narrow_rows = detail::narrowed(rows.view());
  return svd_basis(DenseRows(narrow_rows.view()), rank);
}

struct Fit {
  EntrywiseStart start;
  Matrix<double> vt;     // rank x d, orthonormal rows
  double objective = 0;  // at A V V^T
};

double objective_of(const RowSource& a, MatrixView<const double> vt, double p) {
  const Matrix<float> left = project_rows(a, vt), right = detail::narrowed(vt);
  return approximation_errors(a, detail::ProductRows(left.view(), right.view()), {}, p).weighted_power_error;
}

std::vector<Fit> starting_fits(const RowSource& a, Index rank, double p) {
  std::vector<Fit> fits;
  const auto add = [&](EntrywiseStart start, Matrix<double> vt) {
    const double objective = objective_of(a, vt.view(), p);
    fits.push_back({start, std::move(vt), objective});
  };
  add(EntrywiseStart::truncated_svd, svd_basis(a, rank));
  if (p == 2 || fits.front().objective == 0) return fits;  // it is optimal
  const LpFactorization lewis = lp_factorization(a, {.norm_exponent = p});
  add(EntrywiseStart::lewis, detail::leading_rows<double>(lewis.vt.view(), rank));
  add(EntrywiseStart::row_subspace, power_subspace(a, rank, p, kRowSubspaceIterations).vt);
  add(EntrywiseStart::lewis_columns, lewis_column_basis(lewis, rank));
  return fits;
}

EntrywiseLowRank refined(MatrixView<const float> a, const Fit& fit, const EntrywiseLowRankOptions& options) {
  EntrywiseLowRank result{.left = project_rows(DenseRows(a), fit.vt.view()),
                          .right = detail::narrowed(fit.vt.view()),
                          .start = fit.start,
                          .starts = {},
                          .report = {}};
  result.report = detail::refine_by_admm(a, result.left, result.right, fit.objective,
                                         {.norm_exponent = options.norm_exponent,
                                          .max_iterations = options.norm_exponent == 2 ? 0 : options.max_iterations,
                                          .tolerance = options.tolerance});
  return result;
}

// Replaces the factor `moving` by the l_p projection on `fixed` if that decreases the objective.
bool improve_factor(const RowSource& a, MatrixView<const float> fixed, Matrix<float>& moving, double p,
                    FitReport& report) {
  LpRowProjection projection = lp_row_projection(a, fixed, {.norm_exponent = p});
  if (!(projection.report.final_objective < report.final_objective)) return false;
  report.final_objective = projection.report.final_objective;
  moving = std::move(projection.left);
  return true;
}

void polish(MatrixView<const float> a, EntrywiseLowRank& result, const EntrywiseLowRankOptions& options) {
  if (options.polish_sweeps == 0) return;
  const Matrix<float> at = detail::transposed(a);
  bool better = true;
  for (int sweep = 0; sweep < options.polish_sweeps && better; ++sweep) {
    better = improve_factor(DenseRows(a), result.right.view(), result.left, options.norm_exponent, result.report);
    const Matrix<float> left_t = detail::transposed<float>(result.left.view());
    Matrix<float> right_t = detail::transposed<float>(result.right.view());
    if (!improve_factor(DenseRows(at.view()), left_t.view(), right_t, options.norm_exponent, result.report)) continue;
    result.right = detail::transposed<float>(right_t.view());
    better = true;
  }
}

// Without row weights.
EntrywiseLowRank solve(MatrixView<const float> a, const EntrywiseLowRankOptions& options) {
  std::vector<Fit> fits = starting_fits(DenseRows(a), options.rank, options.norm_exponent);
  std::vector<EntrywiseStartObjective> starts;
  starts.reserve(fits.size());
  for (const Fit& fit : fits) starts.push_back({fit.start, fit.objective});
  std::ranges::stable_sort(fits, {}, &Fit::objective);

  EntrywiseLowRank best = refined(a, fits.front(), options);
  const std::size_t count = std::min<std::size_t>(fits.size(), options.refined_starts);
  for (std::size_t i = 1; i < count; ++i) {
    EntrywiseLowRank other = refined(a, fits[i], options);
    if (other.report.final_objective < best.report.final_objective) best = std::move(other);
  }
  best.report.initial_objective = fits.front().objective;
  if (options.norm_exponent != 2) polish(a, best, options);
  best.starts = std::move(starts);
  return best;
}

EntrywiseLowRank solve_transposed(MatrixView<const float> a, const EntrywiseLowRankOptions& options) {
  const Matrix<float> at = detail::transposed(a);
  EntrywiseLowRank result = solve(at.view(), options);
  Matrix<float> left = detail::transposed<float>(result.right.view());
  result.right = detail::transposed<float>(result.left.view());
  result.left = std::move(left);
  return result;
}

// A row of weight 0 gets its l_2 projection on the right factor.
void project_unweighted_rows(MatrixView<const float> a, std::span<const double> weights, EntrywiseLowRank& result) {
  std::vector<Index> rows;
  for (Index i = 0; i < a.rows(); ++i) {
    if (weights[i] == 0) rows.push_back(i);
  }
  const auto count = static_cast<Index>(rows.size());
  Matrix<float> gathered = Matrix<float>::uninitialized(count, a.cols());
  for (Index i = 0; i < count; ++i) std::ranges::copy(a.row(rows[i]), gathered.row(i).begin());
  const auto projection = lp_row_projection(DenseRows(gathered.view()), result.right.view(), {.max_iterations = 0});
  for (Index i = 0; i < count; ++i) std::ranges::copy(projection.left.row(i), result.left.row(rows[i]).begin());
}

void scale_rows(MatrixView<const float> a, std::span<const double> scales, MatrixView<float> out) {
  for (Index i = 0; i < a.rows(); ++i) {
    std::ranges::transform(a.row(i), out.row(i).begin(),
                           [s = scales[i]](float x) { return static_cast<float>(s * static_cast<double>(x)); });
  }
}

// Solves for the rows scaled by (u_i / max u)^(1/p) and undoes the scaling in the left factor.
EntrywiseLowRank solve_weighted(MatrixView<const float> a, const EntrywiseLowRankOptions& options) {
  const std::span<const double> weights = options.row_weights;
  const double largest = std::ranges::max(weights);
  std::vector<double> scales(weights.size(), 0.0), inverses(weights.size(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    scales[i] = std::pow(weights[i] / largest, 1 / options.norm_exponent);
    inverses[i] = 1 / scales[i];
  }
  Matrix<float> scaled = Matrix<float>::uninitialized(a.rows(), a.cols());
  scale_rows(a, scales, scaled.view());
  EntrywiseLowRank result = solve(scaled.view(), options);
  scale_rows(result.left.view(), inverses, result.left.view());
  project_unweighted_rows(a, weights, result);
  for (EntrywiseStartObjective& start : result.starts) start.objective *= largest;
  result.report.initial_objective *= largest;
  result.report.final_objective *= largest;
  return result;
}

}  // namespace

std::string_view to_string(EntrywiseStart start) {
  switch (start) {
    case EntrywiseStart::truncated_svd:
      return "truncated_svd";
    case EntrywiseStart::lewis:
      return "lewis";
    case EntrywiseStart::row_subspace:
      return "row_subspace";
    case EntrywiseStart::lewis_columns:
      return "lewis_columns";
  }
  __builtin_unreachable();
}

namespace {

EntrywiseLowRank solve_any(MatrixView<const float> a, const EntrywiseLowRankOptions& options) {
  if (!options.row_weights.empty()) return solve_weighted(a, options);
  return a.rows() < a.cols() ? solve_transposed(a, options) : solve(a, options);
}

// The largest exponent of entries whose powers stay well inside float64, and whose squares stay in float32.
int ordinary_exponent(double p) {
  return std::min(detail::kOrdinaryFloats, static_cast<int>(600 / p));
}

}  // namespace

EntrywiseLowRank entrywise_low_rank(MatrixView<const float> a, const EntrywiseLowRankOptions& options) {
  const detail::ArgumentCheck check("entrywise_low_rank");
  check_arguments(check, a, options);
  const DenseRows rows(a);
  const double p = options.norm_exponent, largest = detail::largest_magnitude(rows, "entrywise_low_rank: the matrix");
  const int exponent = detail::input_exponent(largest, ordinary_exponent(p));
  if (exponent == 0) return solve_any(a, options);
  const Matrix<float> scaled = read_all(detail::ScaledRows(rows, exponent));
  EntrywiseLowRank result = solve_any(scaled.view(), options);
  detail::restore(check, "the left factors", result.left, exponent);
  const auto restore = [&](double& objective) {
    objective = detail::restored(check, "the objective", objective, p * exponent);
  };
  for (EntrywiseStartObjective& start : result.starts) restore(start.objective);
  restore(result.report.initial_objective);
  restore(result.report.final_objective);
  return result;
}

}  // namespace loewner
