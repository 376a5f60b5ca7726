// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/low_rank.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

// Of the error, what the SVD may give away to save time: below what any rounding of the factors adds.
constexpr double kSvdEps = 1e-4;

Index dense_bytes(const EncodeRequest& request) {
  return request.matrix->rows() * request.matrix->cols() * bytes_per_number(request.factor_format);
}

// A nested family of subspaces: the best rank-k approximation of the family is A V_k V_k^T with the first k rows of vt.
struct Family {
  Method method;
  Matrix<double> vt;
  std::vector<double>
      error_at_rank;  // relative weighted Frobenius error after k = 0, 1, ... dimensions; empty when not asked for
  std::optional<double> certificate;
};

Index full_rank(const EncodeRequest& request) {
  return std::min(request.matrix->rows(), request.matrix->cols());
}

Index bytes_at_rank(const EncodeRequest& request, Index rank) {
  return LowRank::bytes_at_rank(request.matrix->rows(), request.matrix->cols(), rank, request.factor_format);
}

Family svd_family(const EncodeRequest& request, TruncatedSvdOptions options) {
  options.row_weights = request.row_weights;
  auto svd = truncated_svd(*request.matrix, options);
  return {.method = Method::svd,
          .vt = std::move(svd.vt),
          .error_at_rank = relative_residuals(svd.singular_values, svd.residual_norm),
          .certificate = std::nullopt};
}

// What the projection on the first k rows of vt leaves of the weighted energy, for all k, from the complete SVD:
// 1 - sum_{j <= k} sum_i sigma_i^2 <v_i, vt_j>^2 / sum_i sigma_i^2.
std::vector<double> projection_errors(const Family& svd, MatrixView<const double> vt) {
  const auto& tail = svd.error_at_rank;
  Matrix<double> cosines = Matrix<double>::uninitialized(svd.vt.rows(), vt.rows());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, svd.vt.view(), vt, 0.0, cosines.view());
  std::vector<double> errors{tail[0]};
  double captured = 0;
  for (Index k = 0; k < vt.rows(); ++k) {
    for (Index i = 0; i < cosines.rows(); ++i) {
      const double energy = tail[i] * tail[i] - tail[i + 1] * tail[i + 1];
      captured += energy * cosines(i, k) * cosines(i, k);
    }
    errors.push_back(std::sqrt(std::max(0.0, tail[0] - captured)));
  }
  return errors;
}

// The Lewis weights' family, and the SVD that tells what its truncations leave.
struct LpFamily {
  Family lp, svd;
};

// rank: the one that is wanted, where it is known.
LpFamily lp_family(const EncodeRequest& request, std::optional<Index> rank) {
  auto factorization =
      lp_factorization(*request.matrix, {.norm_exponent = request.norm_exponent, .row_weights = request.row_weights});
  // The Gram route's last singular values are noise, but they are compared with the whole only.
  const Index all = full_rank(request);
  const TruncatedSvdOptions svd{
      .rank = rank.value_or(all), .route = SvdRoute::gram, .eps = rank ? kSvdEps : 0.0, .vectors = all};
  LpFamily families{.lp = {.method = Method::lp,
                           .vt = std::move(factorization.vt),
                           .error_at_rank = {},
                           .certificate = factorization.distortion},
                    .svd = svd_family(request, svd)};
  families.lp.error_at_rank = projection_errors(families.svd, families.lp.vt.view());
  return families;
}

Index smallest_rank_within(const Family& family, double max_error) {
  const auto& errors = family.error_at_rank;
  const auto first = std::ranges::find_if(errors, [&](double error) { return error <= max_error; });
  return std::clamp<Index>(first - errors.begin(), 1, static_cast<Index>(errors.size()) - 1);
}

[[noreturn]] void refuse_budget(const EncodeRequest& request, Index allowed) {
  throw BudgetError("the budget leaves " + std::to_string(allowed) + " bytes for the factors, but rank 1 needs " +
                    std::to_string(bytes_at_rank(request, 1)));
}

[[noreturn]] void refuse_rank(const EncodeRequest& request, Index rank) {
  throw BudgetError("rank " + std::to_string(rank) + " takes " + std::to_string(bytes_at_rank(request, rank)) +
                    " bytes, but the dense matrix takes " +
                    std::to_string(std::min(dense_bytes(request), request.source_bytes)) +
                    "; ask for fewer bytes, a larger error or a smaller factor format");
}

// The guard: factors that are not smaller than the matrix itself, in its own or in the factors' format, help nobody.
bool saves_bytes(const EncodeRequest& request, Index rank) {
  return bytes_at_rank(request, rank) < std::min(dense_bytes(request), request.source_bytes);
}

Index rank_within_bytes(const EncodeRequest& request) {
  const Index rank = std::min(*request.max_bytes / bytes_at_rank(request, 1), full_rank(request));
  if (rank < 1) refuse_budget(request, *request.max_bytes);
  if (!saves_bytes(request, rank)) refuse_rank(request, rank);
  return rank;
}

LowRank truncated(const EncodeRequest& request, const Family& family, Index rank) {
  Matrix<double> basis = Matrix<double>::uninitialized(rank, request.matrix->cols());
  Matrix<float> right = Matrix<float>::uninitialized(rank, request.matrix->cols());
  for (Index i = 0; i < rank; ++i) {
    std::ranges::copy(family.vt.row(i), basis.row(i).begin());
    std::ranges::transform(family.vt.row(i), right.row(i).begin(), [](double x) { return static_cast<float>(x); });
  }
  return {std::make_shared<ProjectedRows>(request.matrix, basis.view()), std::move(right), request.factor_format};
}

Encoding finish(const EncodeRequest& request, const Family& family, Index rank, double predicted_error) {
  return {.matrix = std::make_unique<LowRank>(truncated(request, family, rank)),
          .method = family.method,
          .rank = rank,
          .subspaces = std::nullopt,
          .bits = std::nullopt,
          .predicted_error = predicted_error,
          .lp_error_svd = std::nullopt,
          .certificate = family.certificate};
}

ApproximationErrors errors_of(const EncodeRequest& request, const RowSource& approximation) {
  return approximation_errors(*request.matrix, approximation, request.row_weights, request.norm_exponent);
}

// A less its projection on the given directions (orthonormal rows).
class RowsWithout final : public RowSource {
 public:
  RowsWithout(std::shared_ptr<const RowSource> a, MatrixView<const double> directions)
      : a_(std::move(a)), directions_(detail::narrowed(directions)) {}
  Index rows() const override { return a_->rows(); }
  Index cols() const override { return a_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    Matrix<float> source, along = Matrix<float>::uninitialized(count, directions_.rows());
    const auto rows = a_->read_rows(first, count, source);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, rows, directions_.view(), 0.0F, along.view());
    buffer = Matrix<float>::uninitialized(count, cols());
    for (Index i = 0; i < count; ++i) std::ranges::copy(rows.row(i), buffer.row(i).begin());
    blas::gemm(blas::Op::none, blas::Op::none, -1.0F, along.view(), directions_.view(), 1.0F, buffer.view());
    return buffer.view();
  }

 private:
  std::shared_ptr<const RowSource> a_;
  Matrix<float> directions_;
};

// Of the best approximation in the first `rank` directions. Where factors are not rounded and all directions are known,
// those that are left out do as well, and may be fewer.
double lp_error_of(const EncodeRequest& request, const Family& family, Index rank) {
  const Index others = family.vt.rows() - rank;
  if (request.factor_format == NumberFormat::f32 && family.vt.rows() == request.matrix->cols() && others < rank) {
    const RowsWithout approximation(request.matrix, family.vt.view().row_block(rank, others));
    return errors_of(request, approximation).relative_lp_error();
  }
  return errors_of(request, truncated(request, family, rank)).relative_lp_error();
}

std::vector<Candidate> curve_of(const EncodeRequest& request, Method method, const std::vector<double>& error_at_rank) {
  std::vector<Candidate> points;
  for (Index rank = 1; rank < static_cast<Index>(error_at_rank.size()) && saves_bytes(request, rank); ++rank) {
    const double error = error_at_rank[rank];
    points.push_back({method, {bytes_at_rank(request, rank), error * error}, rank, std::nullopt});
  }
  return points;
}

// Both at the same rank under a byte budget; under an error the one that needs fewer bytes comes first.
Encoding better_of(Encoding svd, Encoding lp, const EncodeRequest& request) {
  if (*lp.rank != *svd.rank) return *lp.rank < *svd.rank ? std::move(lp) : std::move(svd);
  svd.lp_error_svd = lp.lp_error_svd;
  return errors_of(request, *lp.matrix).relative_lp_error() < *lp.lp_error_svd ? std::move(lp) : std::move(svd);
}

}  // namespace

std::vector<Candidate> svd_curve(MatrixSurvey& survey) {
  return curve_of(survey.request(), Method::svd, relative_residuals(survey.singular_values()));
}

std::vector<Candidate> lp_curve(MatrixSurvey& survey) {
  const auto family = lp_family(survey.request(), std::nullopt).lp;
  return curve_of(survey.request(), Method::lp, family.error_at_rank);
}

double svd_lp_error(const EncodeRequest& request, Index rank) {
  return lp_error_of(request, svd_family(request, {.rank = rank}), rank);
}

Encoding encode_by_svd(const EncodeRequest& request) {
  const Index known = request.max_error ? full_rank(request) : rank_within_bytes(request);
  const Family family = svd_family(request, {.rank = known, .eps = request.max_error ? 0.0 : kSvdEps});
  const Index rank = request.max_error ? smallest_rank_within(family, *request.max_error) : known;
  if (!saves_bytes(request, rank)) refuse_rank(request, rank);
  Encoding encoding = finish(request, family, rank, family.error_at_rank[rank]);
  if (request.norm_exponent == 2) encoding.certificate = 1.0;
  return encoding;
}

Encoding encode_by_lp(const EncodeRequest& request) {
  std::optional<Index> known;
  if (!request.max_error) known = rank_within_bytes(request);
  const auto [lp, svd] = lp_family(request, known);
  const Index rank = known ? *known : smallest_rank_within(lp, *request.max_error);
  if (!saves_bytes(request, rank)) refuse_rank(request, rank);
  Encoding encoding = finish(request, lp, rank, lp.error_at_rank[rank]);
  encoding.lp_error_svd = lp_error_of(request, svd, rank);
  return encoding;
}

Encoding encode_by_svd_or_lp(const EncodeRequest& request) {
  if (request.norm_exponent == 2 || lp_memory(request.matrix->cols()) > request.memory) return encode_by_svd(request);
  return better_of(encode_by_svd(request), encode_by_lp(request), request);
}

// Counts of d x d float64 matrices, measured at d = 2048 and 4096 (bench/experiments/large_checkpoint.py): the Gram
// matrix's lanes, then the eigenproblem with its workspace and the bases; for lp the Lewis weights' matrices besides.
Index svd_memory(Index cols) {
  const Index matrix = cols * cols * Index{sizeof(double)};
  return std::max(gram_bytes(cols), 3 * matrix) + 2 * matrix + pass_memory(cols);
}

Index lp_memory(Index cols) {
  return gram_bytes(cols) + 9 * cols * cols * Index{sizeof(double)} + pass_memory(cols);
}

}  // namespace loewner
