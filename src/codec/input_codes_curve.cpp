// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "codec/code_bands.hpp"
#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/input_codes_encoding.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

constexpr Index kFactorRowsOfTask = 64;

// D_j ||t_j||^2 if nothing is coded, so that E = W: the squared norms of the rows of U M. Their sum
// is tr(W (H + lambda I) W^T).
std::vector<double> uncoded_errors(MatrixView<const float> rows, const InputBasis& basis) {
  const Index d = rows.rows();
  std::vector<double> errors(static_cast<std::size_t>(d));
  parallel_for((d + kFactorRowsOfTask - 1) / kFactorRowsOfTask, [&](Index task) {
    const Index first = task * kFactorRowsOfTask, count = std::min(kFactorRowsOfTask, d - first);
    Matrix<float> factor(count, d - first), product = Matrix<float>::uninitialized(count, rows.cols());
    for (Index i = 0; i < count; ++i) {
      for (Index j = i; j < d - first; ++j) factor(i, j) = static_cast<float>(basis.factor()(first + i, first + j));
    }
    blas::gemm(blas::Op::none, blas::Op::none, 1.0F, std::as_const(factor).view(), rows.row_block(first, d - first),
               0.0F, product.view());
    for (Index i = 0; i < count; ++i) errors[first + i] = detail::squared_length(std::as_const(product).row(i));
  });
  return errors;
}

// Predicts the error of feedback coding with given bits. Inputs on 0 bits at the end of the order
// leave the errors of W itself. Before them the errors z_k = t_k - what_k are taken as independent
// of each other and of the weights: their energies are eps_k / D_k for
// eps_k = D_k ||t_k||^2 distortion(step_k), E = Z L^-1, and (L^-1)_kj^2 = D_k (U^-1)_jk^2, so that
// ||t_j||^2 = ||w_j||^2 + sum_{k>j} (U^-1)_jk^2 eps_k.
class ErrorForecast {
 public:
  ErrorForecast(MatrixView<const float> rows, const InputBasis& basis, const CodeLadder& ladder)
      : basis_(basis),
        distortion_(ladder.distortion()),
        energies_(row_energies(DenseRows(rows))),
        uncoded_(uncoded_errors(rows, basis)) {
    const Matrix<double> inverse = blas::inverse_of_upper(basis.factor());
    squares_ = Matrix<float>::uninitialized(inverse.rows(), inverse.cols());
    for (Index j = 0; j < inverse.rows(); ++j) {
      std::ranges::transform(inverse.row(j), squares_.row(j).begin(),
                             [](double v) { return static_cast<float>(v * v); });
    }
    for (std::size_t j = 0; j < energies_.size(); ++j) total_ += uncoded_[j] - basis.damping() * energies_[j];
  }

  // tr(E H E^T) / tr(W H W^T); the damping is taken off both.
  double relative_error(const std::vector<std::uint8_t>& steps) const {
    std::vector<double> eps(steps.size());
    double sum = 0, weight_error = 0;
    bool is_uncoded = true;
    for (auto j = static_cast<Index>(steps.size()) - 1; j >= 0; --j) {
      is_uncoded = is_uncoded && steps[j] == 0;
      if (is_uncoded) {
        eps[j] = uncoded_[j];
        weight_error += energies_[j];
      } else {
        const auto later = static_cast<std::size_t>(j) + 1;
        const double fed_back = detail::dot(squares_.row(j).subspan(later), std::span(eps).subspan(later));
        eps[j] = basis_.pivots()[j] * (energies_[j] + fed_back) * distortion_[steps[j]];
        weight_error += fed_back + static_cast<double>(squares_(j, j)) * eps[j];
      }
      sum += eps[j];
    }
    return total_ > 0 ? std::max(sum - basis_.damping() * weight_error, 0.0) / total_ : 0.0;
  }

 private:
  const InputBasis& basis_;
  std::vector<double> distortion_, energies_, uncoded_;
  Matrix<float> squares_;  // of U^-1
  double total_ = 0;
};

}  // namespace

std::vector<CodesRate> input_codes_curve(const RowSource& w, const InputBasis& basis, InputSide inputs, int points) {
  const Matrix<float> rows = basis.coordinates(w, inputs);
  const CodeLadder ladder = CodeLadder::plain(rows.cols());
  const ErrorForecast forecast(rows.view(), basis, ladder);
  const auto allocation = detail::allocation_of(row_energies(DenseRows(rows.view()), basis.pivots()), ladder);
  const Index least = allocation.least_price(), most = allocation.most_price();
  std::vector<CodesRate> curve(static_cast<std::size_t>(points) + 1);
  parallel_for(points + 1, [&](Index k) {
    const auto spent = allocation.within(least + (most - least) * k / points);
    curve[k] = {.bytes = Codes::bytes_at(rows.rows(), rows.cols(), spent.price, false),
                .error = forecast.relative_error(allocation.steps(spent)),
                .highest_step = spent.highest_step()};
  });
  return curve;
}

}  // namespace loewner
