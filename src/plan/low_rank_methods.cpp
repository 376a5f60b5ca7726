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
#include "plan/method_descriptor.hpp"
#include "plan/metric_request.hpp"
#include "plan/output_low_rank_methods.hpp"
#include "plan/rank_methods.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

// Relative excess error allowed to the SVD to save time. The rounding of the factors adds more.
constexpr double kSvdEps = 1e-4;

// A nested family of subspaces: its best rank-k approximation of A is A V_k V_k^T, where V_k^T is
// the first k rows of vt.
struct Family {
  Method method;
  Matrix<double> vt;
  std::vector<double> error_at_rank;  // relative weighted Frobenius error for k = 0, 1, ... dimensions
  std::optional<double> certificate;
};

Family svd_family(const EncodeRequest& request, TruncatedSvdOptions options) {
  options.row_weights = request.row_weights;
  auto svd = truncated_svd(*request.matrix, options);
  return {.method = Method::svd,
          .vt = std::move(svd.vt),
          .error_at_rank = relative_residuals(svd.singular_values, svd.residual_norm),
          .certificate = std::nullopt};
}

// Relative weighted errors of the projections on the first k rows of vt for all k, from the
// complete SVD. Their squares are 1 - sum_{j <= k} sum_i sigma_i^2 <v_i, vt_j>^2 / sum_i sigma_i^2.
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

// The SVD with all directions. The last singular values of the Gram route are noise, but only their
// share of the total energy is used.
Family svd_beside_lp(const EncodeRequest& request, std::optional<Index> rank) {
  const Index all = full_rank(request);
  return svd_family(request,
                    {.rank = rank.value_or(all), .route = SvdRoute::gram, .eps = rank ? kSvdEps : 0.0, .vectors = all});
}

// The family of the l_p factorization, and the SVD that gives the errors of its truncations.
struct LpFamily {
  Family lp, svd;
};

// rank: the rank of the encoding if the caller knows it.
LpFamily lp_family(const EncodeRequest& request, std::optional<Index> rank) {
  auto factorization =
      lp_factorization(*request.matrix, {.norm_exponent = request.norm_exponent, .row_weights = request.row_weights});
  LpFamily families{.lp = {.method = Method::lp,
                           .vt = std::move(factorization.vt),
                           .error_at_rank = {},
                           .certificate = factorization.distortion},
                    .svd = svd_beside_lp(request, rank)};
  families.lp.error_at_rank = projection_errors(families.svd, families.lp.vt.view());
  return families;
}

LowRank truncated(const EncodeRequest& request, const Family& family, Index rank) {
  const auto basis = family.vt.view().row_block(0, rank);
  const Matrix<double> right = stored_right_factor(request, basis);
  return {std::make_shared<ProjectedRows>(request.matrix, basis), detail::narrowed(right.view()),
          request.factor_format};
}

Encoding finish(const EncodeRequest& request, const Family& family, Index rank, double predicted_error) {
  return {.matrix = std::make_unique<LowRank>(truncated(request, family, rank)),
          .method = family.method,
          .rank = rank,
          .counts = {},
          .bits = std::nullopt,
          .predicted_error = predicted_error,
          .lp_error_svd = std::nullopt,
          .certificate = family.certificate};
}

ApproximationErrors errors_of(const EncodeRequest& request, const RowSource& approximation) {
  return approximation_errors(*request.matrix, *compared_rows(request, approximation), request.row_weights,
                              request.norm_exponent);
}

// The same for an approximation of request.matrix, which has a metric if the request has one.
ApproximationErrors plain_errors_of(const EncodeRequest& request, const RowSource& approximation) {
  return approximation_errors(*request.matrix, approximation, request.row_weights, request.norm_exponent);
}

// A minus its projection on the given directions (orthonormal rows).
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

// The relative l_p error of the best approximation in the first `rank` directions. If factors are
// not rounded and all directions are known, subtracting the projection on the omitted directions
// gives the same matrix; this is cheaper if they are fewer.
double lp_error_of(const EncodeRequest& request, const Family& family, Index rank) {
  const Index others = family.vt.rows() - rank;
  if (request.factor_format == NumberFormat::f32 && family.vt.rows() == request.matrix->cols() && others < rank) {
    const RowsWithout approximation(request.matrix, family.vt.view().row_block(rank, others));
    return plain_errors_of(request, approximation).relative_lp_error();
  }
  return errors_of(request, truncated(request, family, rank)).relative_lp_error();
}

// A byte budget gives both the same rank, and the lower l_p error decides. With max_error the lower
// rank decides.
Encoding better_of(Encoding svd, Encoding lp, const EncodeRequest& request) {
  if (*lp.rank != *svd.rank) return *lp.rank < *svd.rank ? std::move(lp) : std::move(svd);
  svd.lp_error_svd = lp.lp_error_svd;
  return errors_of(request, *lp.matrix).relative_lp_error() < *lp.lp_error_svd ? std::move(lp) : std::move(svd);
}

std::vector<Candidate> svd_curve(MatrixSurvey& survey) {
  if (survey.request().moments != nullptr) return output_low_rank_curve(survey.request(), Method::svd);
  return curve_of_ranks(survey.request(), Method::svd, relative_residuals(survey.singular_values()));
}

std::vector<Candidate> lp_curve(MatrixSurvey& survey) {
  if (survey.request().moments != nullptr) return output_low_rank_curve(survey.request(), Method::lp);
  const auto family = lp_family(survey.request(), std::nullopt).lp;
  return curve_of_ranks(survey.request(), Method::lp, family.error_at_rank);
}

Encoding encode_by_svd(const EncodeRequest& request) {
  if (request.moments != nullptr) return encode_output_low_rank(request, Method::svd);
  const Index known = request.max_error ? full_rank(request) : rank_within_bytes(request);
  const Family family = svd_family(request, {.rank = known, .eps = request.max_error ? 0.0 : kSvdEps});
  const Index rank = request.max_error ? rank_within_error(request, family.error_at_rank) : known;
  Encoding encoding = finish(request, family, rank, family.error_at_rank[rank]);
  if (request.norm_exponent == 2) encoding.certificate = 1.0;
  return encoding;
}

Encoding encode_by_lp(const EncodeRequest& request) {
  if (request.moments != nullptr) return encode_output_low_rank(request, Method::lp);
  std::optional<Index> known;
  if (!request.max_error) known = rank_within_bytes(request);
  const auto [lp, svd] = lp_family(request, known);
  const Index rank = known ? *known : rank_within_error(request, lp.error_at_rank);
  Encoding encoding = finish(request, lp, rank, lp.error_at_rank[rank]);
  encoding.lp_error_svd = lp_error_of(request, svd, rank);
  return encoding;
}

// The Gram matrix and the matrices of the Lewis weights, measured as svd_memory() was.
Index lp_memory(Index cols) {
  return gram_bytes(cols) + 9 * cols * cols * Index{sizeof(double)} + pass_memory(cols);
}

// lp has the same ranks and sizes as svd, so `automatic` compares their l_p errors after it has
// chosen svd.
Encoding encode_by_svd_or_lp(const EncodeRequest& request, const Candidate& candidate) {
  EncodeRequest exact = request;
  if (request.max_bytes) exact.max_bytes = candidate.point.bytes;  // more bytes would not save any
  if (request.norm_exponent == 2 || lp_memory(request.matrix->cols()) > request.memory) return encode_by_svd(exact);
  return better_of(encode_by_svd(exact), encode_by_lp(exact), exact);
}

// The error of sentence encoders is lowest with these row weights (docs/results-compression.md): a
// single subspace omits directions of all rows, so it should follow the frequent tokens closely.
constexpr double kZipfExponent = 1;

}  // namespace

double svd_lp_error(const EncodeRequest& request, Index rank) {
  return lp_error_of(request, svd_beside_lp(request, rank), rank);
}

MethodDescriptor svd_method() {
  return {.info = {.method = Method::svd,
                   .name = "svd",
                   .description = "row-weighted truncated SVD, optimal in the weighted Frobenius norm",
                   .weighs_outputs = true,
                   .weighs_channels = true,
                   .zipf_exponent = kZipfExponent},
          .curve = svd_curve,
          .encode = encode_by_svd,
          .memory = svd_memory,
          .competes = only_without_moments,
          .encode_candidate = encode_by_svd_or_lp};
}

MethodDescriptor lp_method() {
  return {.info = {.method = Method::lp,
                   .name = "lp",
                   .description = "truncated l_p factorization through Lewis weights",
                   .weighs_outputs = true,
                   .weighs_channels = true,
                   .zipf_exponent = kZipfExponent},
          .curve = lp_curve,
          .encode = encode_by_lp,
          .memory = lp_memory,
          .turn = AutomaticTurn::never};
}

}  // namespace loewner
