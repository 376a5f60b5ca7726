// SPDX-License-Identifier: Apache-2.0
// Right singular vectors of a float32 matrix, by Spectra or Eigen, for bench/experiments/debian_svd.py.

#include <Spectra/contrib/PartialSVDSolver.h>
#include <Eigen/Dense>
#include <algorithm>
#include <exception>

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const RowMajor>;

// vt: rank x cols. False where the method did not converge or threw.
extern "C" bool spectra_svd(const float* a, long rows, long cols, long rank, float tolerance, float* vt) try {
  const Rows matrix(a, rows, cols);
  Spectra::PartialSVDSolver<RowMajor> solver(matrix, rank, std::min(2 * rank + 1, cols));
  if (solver.compute(1000, tolerance) < rank) return false;
  Eigen::Map<RowMajor>(vt, rank, cols) = solver.matrix_V(rank).transpose();
  return true;
} catch (const std::exception&) {
  return false;
}

extern "C" bool eigen_svd(const float* a, long rows, long cols, long rank, float* vt) try {
  const Eigen::BDCSVD<Matrix> svd(Rows(a, rows, cols), Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::Map<RowMajor>(vt, rank, cols) = svd.matrixV().leftCols(rank).transpose();
  return true;
} catch (const std::exception&) {
  return false;
}
