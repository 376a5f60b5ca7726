// SPDX-License-Identifier: Apache-2.0
// Right singular vectors of a float32 matrix in a file, by Spectra or Eigen.
//
//     debian_svd spectra|eigen MATRIX ROWS COLS RANK VECTORS

#include <Spectra/contrib/PartialSVDSolver.h>
#include <Eigen/Dense>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

static Matrix by_spectra(const RowMajor& a, Eigen::Index rank) {
  const Eigen::Index krylov = std::min(2 * rank + 1, a.cols());
  Spectra::PartialSVDSolver<RowMajor> solver(a, rank, krylov);
  if (solver.compute() < rank) throw std::runtime_error("Spectra did not converge");
  return solver.matrix_V(rank);
}

static Matrix by_eigen(const RowMajor& a, Eigen::Index rank) {
  return Eigen::BDCSVD<Matrix>(a, Eigen::ComputeThinU | Eigen::ComputeThinV).matrixV().leftCols(rank);
}

int main(int argc, char** argv) try {
  if (argc != 7) throw std::invalid_argument("needs: spectra|eigen MATRIX ROWS COLS RANK VECTORS");
  RowMajor a(std::stol(argv[3]), std::stol(argv[4]));
  std::ifstream(argv[2], std::ios::binary)
      .read(reinterpret_cast<char*>(a.data()), a.size() * static_cast<long>(sizeof(float)));
  const Eigen::Index rank = std::stol(argv[5]);
  const Matrix vectors = std::string(argv[1]) == "spectra" ? by_spectra(a, rank) : by_eigen(a, rank);
  // Columns one after another are the rows of V^T.
  std::ofstream(argv[6], std::ios::binary)
      .write(reinterpret_cast<const char*>(vectors.data()), vectors.size() * static_cast<long>(sizeof(float)));
} catch (const std::exception& error) {
  std::cerr << "debian_svd: " << error.what() << '\n';
  return 1;
}
