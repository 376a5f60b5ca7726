// SPDX-License-Identifier: Apache-2.0
// The solvers of linalg on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/schatten_low_rank.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& tall() {
  static const Matrix<float> a = matrix_with_spectrum({150, 24, 1}, exponential_decay(24, 0.85));
  return a;
}

Findings of(const KrylovSvd& svd) {
  Findings found;
  found.add("singular values", svd.singular_values, 1).add("residual", svd.residual_norm, 1, 1e-3);
  found.add_space("vectors", svd.vt).add_count("rank", svd.numerical_rank);
  return found.add_count("status", static_cast<Index>(svd.status));
}

Findings of(const RightSingularVectors& svd) {
  return Findings().add("singular values", svd.singular_values, 1).add_space("vectors", svd.vt);
}

Findings svd_by(SvdRoute route, double eps, double factor) {
  const Matrix<float> a = times(tall(), factor);
  return of(truncated_svd(DenseRows(a.view()), {.rank = 4, .route = route, .eps = eps}));
}

// A matrix of which the solver knows products only.
class Products final : public LinearOperator {
 public:
  explicit Products(MatrixView<const double> a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }

 private:
  void do_apply(MatrixView<const double> x, MatrixView<double> y) const override { MatrixOperator(a_).apply(x, y); }
  void do_apply_t(MatrixView<const double> x, MatrixView<double> y) const override { MatrixOperator(a_).apply_t(x, y); }
  MatrixView<const double> a_;
};

struct Sparse {
  explicit Sparse(const Matrix<double>& a) {
    for (Index i = 0; i < a.rows(); ++i) {
      for (Index j = 0; j < a.cols(); ++j) {
        if ((i + j) % 3 == 0) continue;
        columns.push_back(static_cast<std::int32_t>(j));
        values.push_back(a(i, j));
      }
      offsets.push_back(static_cast<std::int64_t>(columns.size()));
    }
    cols = a.cols();
  }
  CsrView<double> view() const { return CsrView<double>::checked(cols, offsets, columns, values); }

  Index cols = 0;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
};

std::vector<ScaleCase> cases() {
  return {
      {"block_krylov/float32",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return of(block_krylov(RowMatrix(a.view()), {.rank = 4}));
       }},
      {"block_krylov/steps",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return of(block_krylov(RowMatrix(a.view()), {.rank = 4, .steps = 3}));
       }},
      {"block_krylov/schatten",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return of(block_krylov(RowMatrix(a.view()), {.rank = 4, .norm_exponent = 1, .vector_tolerance = 1e-3}));
       }},
      {"block_krylov/float64",
       [](double factor) {
         const Matrix<double> a = times_wide(tall(), factor);
         return of(block_krylov(RowMatrix(a.view()), {.rank = 4, .vector_tolerance = 1e-6}));
       },
       false},
      {"block_krylov/sparse",
       [](double factor) {
         const Sparse a(times_wide(tall(), factor));
         return of(block_krylov(RowMatrix(a.view()), {.rank = 4}));
       },
       false},
      {"block_krylov/operator",
       [](double factor) {
         const Matrix<double> a = times_wide(tall(), factor);
         return of(block_krylov(Products(a.view()), {.rank = 4}));
       },
       false},
      {"schatten_low_rank/float64",
       [](double factor) {
         const Matrix<double> a = times_wide(tall(), factor);
         return of(schatten_low_rank(MatrixOperator(a.view()), {.rank = 4}));
       },
       false},
      {"schatten_low_rank/operator",
       [](double factor) {
         const Matrix<double> a = times_wide(tall(), factor);
         return of(schatten_low_rank(Products(a.view()), {.rank = 4}));
       },
       false},
      {"truncated_svd/gram", [](double factor) { return svd_by(SvdRoute::gram, 0, factor); }},
      {"truncated_svd/gram_eps", [](double factor) { return svd_by(SvdRoute::gram, 0.01, factor); }},
      {"truncated_svd/direct", [](double factor) { return svd_by(SvdRoute::direct, 0, factor); }},
      {"truncated_svd/krylov", [](double factor) { return svd_by(SvdRoute::krylov, 0.01, factor); }},
      {"truncated_svd/weighted",
       [](double factor) {  // weights of any size multiply the input as well
         const std::vector<double> weights(tall().rows(), factor * factor);
         return of(truncated_svd(DenseRows(tall().view()),
                                 {.rank = 4, .row_weights = weights, .route = SvdRoute::krylov, .eps = 0.01}));
       }},
      {"singular_values",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return Findings().add("values", singular_values(DenseRows(a.view())), 1);
       }},
      {"singular_values_float32",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return Findings().add("values", singular_values_float32(DenseRows(a.view())), 1, 1e-3);
       }},
      {"relative_residuals",
       [](double factor) {
         const std::vector<double> sigma{3 * factor, 2 * factor, 1 * factor};
         return Findings().add("values", relative_residuals(sigma, factor), 0);
       },
       false},
      {"gram",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return Findings().add("entries", gram(DenseRows(a.view())), 2);
       }},
      {"symmetric_eigen",
       [](double factor) {
         Matrix<double> g = gram(DenseRows(tall().view()));
         for (Index i = 0; i < g.rows() * g.cols(); ++i) g.data()[i] *= factor;
         return Findings().add("values", symmetric_eigen(std::move(g)).values, 1);
       },
       false},
      {"row_energies",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         return Findings().add("energies", row_energies(DenseRows(a.view())), 2);
       }},
      {"project_rows",
       [](double factor) {
         const Matrix<float> a = times(tall(), factor);
         const auto svd = truncated_svd(DenseRows(tall().view()), {.rank = 4});
         return Findings().add("rows", project_rows(DenseRows(a.view()), svd.vt.view()), 1);
       }},
  };
}

class LinalgScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(LinalgScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, LinalgScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
