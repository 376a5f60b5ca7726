// SPDX-License-Identifier: Apache-2.0
#include "plan/output_low_rank_methods.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/input_basis.hpp"
#include "loewner/codec/low_rank.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "plan/rank_methods.hpp"

namespace loewner {
namespace {

constexpr Index kOutputsOfTask = 64;

// A = T U^T: outputs x inputs.
Matrix<float> weighted(const EncodeRequest& request, const InputBasis& basis) {
  const Matrix<float> by_input = basis.coordinates(*request.matrix, request.inputs);
  Matrix<double> lower = detail::transposed(basis.factor());  // U^T with zeros above the diagonal
  for (Index i = 0; i < lower.rows(); ++i) std::fill(lower.row(i).begin() + i + 1, lower.row(i).end(), 0.0);
  Matrix<float> result = Matrix<float>::uninitialized(by_input.cols(), by_input.rows());
  parallel_for((result.rows() + kOutputsOfTask - 1) / kOutputsOfTask, [&](Index task) {
    const Index first = task * kOutputsOfTask, count = std::min(kOutputsOfTask, result.rows() - first);
    const Matrix<double> inputs = detail::widened(by_input.view().col_block(first, count));
    Matrix<double> product = Matrix<double>::uninitialized(count, result.cols());
    blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, inputs.view(), lower.view(), 0.0, product.view());
    for (Index i = 0; i < count; ++i) {
      std::ranges::transform(std::as_const(product).row(i), result.row(first + i).begin(),
                             [](double x) { return static_cast<float>(x); });
    }
  });
  return result;
}

Matrix<double> directions_of(const EncodeRequest& request, Method method, const RowSource& a) {
  const Index all = std::min(a.rows(), a.cols());
  if (method == Method::lp) return lp_factorization(a, {.norm_exponent = request.norm_exponent}).vt;
  return truncated_svd(a, {.rank = all, .route = SvdRoute::gram, .vectors = all}).vt;
}

// The approximations A V_k V_k^T U^-T of T for the first k rows V_k^T of vt.
class OutputFamily {
 public:
  OutputFamily(const EncodeRequest& request, Method method)
      : request_(request),
        method_(method),
        basis_(*request.moments, {}),
        a_(std::make_shared<OwnedRows>(weighted(request, basis_))),
        vt_(directions_of(request, method, *a_)),
        back_(vt_.clone()) {
    blas::solve_upper_from_right(basis_.factor(), back_.view(), blas::Op::transpose);
  }

  // The relative errors of the outputs at rank 0, 1, ...: A (I - V_k V_k^T) U^-T leaves
  // tr(E H E^T) = sum_{i,j>=k} g_ij (delta_ij - lambda m_ij), with the Gram matrices G of A V and M
  // of U^-1 V, because H = U^T U - lambda I.
  std::vector<double> errors() const {
    const Matrix<double> g = gram(ProjectedRows(a_, vt_.view()));
    const Index rank = vt_.rows();
    Matrix<double> m = Matrix<double>::uninitialized(rank, rank);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, back_.view(), back_.view(), 0.0, m.view());
    const auto term = [&](Index i, Index j) { return g(i, j) * ((i == j ? 1.0 : 0.0) - basis_.damping() * m(i, j)); };
    std::vector<double> left(static_cast<std::size_t>(rank) + 1);
    for (Index k = rank - 1; k >= 0; --k) {
      double added = term(k, k);
      for (Index j = k + 1; j < rank; ++j) added += 2 * term(k, j);
      left[k] = left[k + 1] + added;
    }
    const double total = left[0];
    for (double& error : left) error = total > 0 ? std::sqrt(std::max(error, 0.0) / total) : 0.0;
    return left;
  }

  Encoding at_rank(Index rank, double predicted_error) const {
    return {.matrix = factors(rank),
            .method = method_,
            .rank = rank,
            .counts = {},
            .bits = std::nullopt,
            .predicted_error = predicted_error,
            .lp_error_svd = std::nullopt,
            .certificate = std::nullopt};
  }

 private:
  std::unique_ptr<LowRank> factors(Index rank) const {
    Matrix<float> by_rank = Matrix<float>::uninitialized(rank, vt_.cols());
    for (Index i = 0; i < rank; ++i) {
      for (Index j = 0; j < vt_.cols(); ++j) by_rank(i, basis_.order()[j]) = static_cast<float>(back_(i, j));
    }
    auto outputs = std::make_shared<ProjectedRows>(a_, vt_.view().row_block(0, rank));
    if (request_.inputs == InputSide::cols)
      return std::make_unique<LowRank>(std::move(outputs), std::move(by_rank), request_.factor_format);
    const Matrix<float> by_output = read_all(*outputs);
    auto inputs = std::make_shared<OwnedRows>(detail::transposed(std::as_const(by_rank).view()));
    return std::make_unique<LowRank>(std::move(inputs), detail::transposed(by_output.view()), request_.factor_format);
  }

  const EncodeRequest& request_;
  Method method_;
  InputBasis basis_;
  std::shared_ptr<const RowSource> a_;
  Matrix<double> vt_, back_;  // back_ = vt U^-T
};

}  // namespace

std::vector<Candidate> output_low_rank_curve(const EncodeRequest& request, Method method) {
  return curve_of_ranks(request, method, OutputFamily(request, method).errors());
}

Encoding encode_output_low_rank(const EncodeRequest& request, Method method) {
  std::optional<Index> known;
  if (!request.max_error) known = rank_within_bytes(request);
  const OutputFamily family(request, method);
  const auto errors = family.errors();
  const Index rank = known ? *known : rank_within_error(request, errors);
  return family.at_rank(rank, errors[rank]);
}

}  // namespace loewner
