// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/lapack_workspace.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/parallel.hpp"

// LAPACK is column-major and sees a^T = V S U^T: its "U" is our vt, its "VT" our u.
namespace loewner::blas {
namespace {

constexpr Index kOneCallRank = 512;  // a call of LAPACK for such a matrix takes some hundredths of a second
constexpr Index kLastColumns = 128, kRowsOfPart = 384;

// Householder vectors in a, their factors, and the bidiagonal matrix.
struct BidiagonalForm {
  MatrixView<double> a;
  std::vector<double> diagonal, beside, left_factors, right_factors;  // left and right of LAPACK's matrix

  explicit BidiagonalForm(MatrixView<double> matrix)
      : a(matrix),
        diagonal(std::min(a.rows(), a.cols())),
        beside(diagonal),
        left_factors(diagonal),
        right_factors(diagonal) {}

  bool is_upper() const { return a.cols() >= a.rows(); }  // as LAPACK sees it
};

// Reading the matrix takes most of the time of a panel: a tenth of a second for each.
Index panel_width(MatrixView<const double> a) {
  constexpr Index kEntries = Index{1} << 27;
  return std::clamp<Index>(kEntries / (a.rows() * a.cols()), 4, 32);
}

// The panel at `first`, and the update of what is left: a = a - Y^T V - H X^T.
void reduce_panel(BidiagonalForm& form, Index first, Index width, Matrix<double>& x_t, Matrix<double>& y_t) {
  const MatrixView<double> rest =
      form.a.row_block(first, form.a.rows() - first).col_block(first, form.a.cols() - first);
  {
    const SerialScope serial;
    const int m = as_int(rest.cols()), n = as_int(rest.rows()), panel = as_int(width), lda = leading(rest),
              ldx = leading(x_t.view()), ldy = leading(y_t.view());
    LOEWNER_BLAS(dlabrd_)
    (&m, &n, &panel, rest.data(), &lda, &form.diagonal[first], &form.beside[first], &form.left_factors[first],
     &form.right_factors[first], x_t.data(), &ldx, y_t.data(), &ldy);
  }
  const Index rows = rest.rows() - width, cols = rest.cols() - width;
  parallel_for((rows + kRowsOfPart - 1) / kRowsOfPart, [&](Index part) {
    const Index start = part * kRowsOfPart, count = std::min(kRowsOfPart, rows - start);
    const MatrixView<double> target = rest.row_block(width + start, count);
    gemm(Op::transpose, Op::none, -1.0, y_t.view().col_block(width + start, count),
         rest.row_block(0, width).col_block(width, cols), 1.0, target.col_block(width, cols));
    gemm(Op::none, Op::none, -1.0, target.col_block(0, width), x_t.view().col_block(width, cols), 1.0,
         target.col_block(width, cols));
  });
  for (Index j = 0; j < width; ++j) {  // dlabrd leaves ones there for the products
    rest(j, j) = form.diagonal[first + j];
    (form.is_upper() ? rest(j + 1, j) : rest(j, j + 1)) = form.beside[first + j];
  }
}

// The panels of LAPACK's dgebrd, so that a caller may cancel between them.
void reduce(BidiagonalForm& form) {
  const Index size = static_cast<Index>(form.diagonal.size()), width = panel_width(form.a);
  Matrix<double> x_t(width, form.a.cols()), y_t(width, form.a.rows());
  Index first = 0;
  for (; size - first > kLastColumns; first += width) reduce_panel(form, first, width, x_t, y_t);
  const SerialScope serial;
  const int m = as_int(form.a.cols() - first), n = as_int(form.a.rows() - first), lda = leading(form.a);
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* work_size) {
    LOEWNER_BLAS(dgebrd_)
    (&m, &n, &form.a(first, first), &lda, &form.diagonal[first], &form.beside[first], &form.left_factors[first],
     &form.right_factors[first], work, work_size, &info);
  });
}

bool find_values(BidiagonalForm& form) {
  const SerialScope serial;
  const int n = as_int(static_cast<Index>(form.diagonal.size())), one = 1;
  std::vector<double> work(4 * form.diagonal.size());
  std::vector<int> integers(8 * form.diagonal.size());
  int info = 0;
  LOEWNER_BLAS(dbdsdc_)
  (form.is_upper() ? "U" : "L", "N", &n, form.diagonal.data(), form.beside.data(), nullptr, &one, nullptr, &one,
   nullptr, nullptr, work.data(), integers.data(), &info);
  return info == 0;
}

// u and vt become the vectors of the bidiagonal matrix, in their leading square blocks. LAPACK's left vectors are the
// rows of vt. A lower bidiagonal matrix is the transpose of an upper one: left vectors become right ones.
bool find_vectors(BidiagonalForm& form, MatrixView<double> u, MatrixView<double> vt) {
  const Index size = static_cast<Index>(form.diagonal.size());
  const MatrixView<double> right = u.row_block(0, size), left = vt.col_block(0, size);
  if (form.is_upper()) return bidiagonal_svd(form.diagonal, std::move(form.beside), left, right);
  if (!bidiagonal_svd(form.diagonal, std::move(form.beside), right, left)) return false;
  detail::transpose_in_place(left);
  detail::transpose_in_place(right);
  return true;
}

// Multiplies the rows of vt by the left reflectors of LAPACK's matrix, the columns of u by its right ones.
void apply_reflectors(const BidiagonalForm& form, MatrixView<double> u, MatrixView<double> vt) {
  const int m = as_int(form.a.cols()), n = as_int(form.a.rows()), lda = leading(form.a), ldvt = leading(vt),
            ldu = leading(u);
  const auto for_each_part = [](Index count, const auto& body) {
    parallel_for((count + kRowsOfPart - 1) / kRowsOfPart, [&](Index part) {
      const SerialScope serial;
      const Index first = part * kRowsOfPart;
      body(first, as_int(std::min(kRowsOfPart, count - first)));
    });
  };
  for_each_part(vt.rows(), [&](Index first, int count) {
    int info = 0;
    call_with_workspace<double>([&](double* work, const int* size) {
      LOEWNER_BLAS(dormbr_)
      ("Q", "L", "N", &m, &count, &n, form.a.data(), &lda, form.left_factors.data(), vt.row(first).data(), &ldvt, work,
       size, &info);
    });
  });
  for_each_part(u.cols(), [&](Index first, int count) {
    int info = 0;
    call_with_workspace<double>([&](double* work, const int* size) {
      LOEWNER_BLAS(dormbr_)
      ("P", "R", "T", &count, &n, &m, form.a.data(), &lda, form.right_factors.data(), u.data() + first, &ldu, work,
       size, &info);
    });
  });
}

// u and vt are both null for the values alone.
bool svd_in_one_call(MatrixView<double> a, Matrix<double>* u, std::vector<double>& s, Matrix<double>* vt) {
  const SerialScope serial;
  const int n = as_int(a.cols()), m = as_int(a.rows()), lda = leading(a), one = 1;
  const int ldvt = vt != nullptr ? leading(vt->view()) : one, ldu = u != nullptr ? leading(u->view()) : one;
  std::vector<int> integers(8 * s.size());
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dgesdd_)
    (vt != nullptr ? "S" : "N", &n, &m, a.data(), &lda, s.data(), vt != nullptr ? vt->data() : nullptr, &ldvt,
     u != nullptr ? u->data() : nullptr, &ldu, work, size, integers.data(), &info);
  });
  return info == 0;
}

bool svd_in_parts(MatrixView<double> a, Matrix<double>* u, std::vector<double>& s, Matrix<double>* vt) {
  BidiagonalForm form(a);
  reduce(form);
  throw_if_cancelled();
  if (vt == nullptr) {
    if (!find_values(form)) return false;
  } else {
    if (!find_vectors(form, u->view(), vt->view())) return false;
    apply_reflectors(form, u->view(), vt->view());
  }
  s = std::move(form.diagonal);
  return true;
}

bool scaled_svd(MatrixView<double> a, Matrix<double>* u, std::vector<double>& s, Matrix<double>* vt) {
  const std::optional<int> exponent = detail::divide_by_its_size(a);
  if (!exponent) return false;
  const bool is_small = std::min(a.rows(), a.cols()) <= kOneCallRank;
  const bool converged = is_small ? svd_in_one_call(a, u, s, vt) : svd_in_parts(a, u, s, vt);
  for (double& value : s) value = std::ldexp(value, *exponent);
  return converged;
}

}  // namespace

bool thin_svd(MatrixView<double> a, Matrix<double>& u, std::vector<double>& s, Matrix<double>& vt) {
  const Index rank = std::min(a.rows(), a.cols());
  u = Matrix<double>(a.rows(), rank);
  vt = Matrix<double>(rank, a.cols());
  s.assign(rank, 0.0);
  return rank == 0 || scaled_svd(a, &u, s, &vt);
}

bool singular_values(MatrixView<double> a, std::vector<double>& s) {
  s.assign(std::min(a.rows(), a.cols()), 0.0);
  return s.empty() || scaled_svd(a, nullptr, s, nullptr);
}

}  // namespace loewner::blas
