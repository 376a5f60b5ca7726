// SPDX-License-Identifier: Apache-2.0
#include "linalg/matrix_copies.hpp"

#include <gtest/gtest.h>

#include "support/threads.hpp"

namespace loewner {
namespace {

Matrix<double> numbered(Index size) {
  Matrix<double> a(size, size);
  for (Index i = 0; i < size * size; ++i) a.data()[i] = static_cast<double>(i);
  return a;
}

TEST(TransposeInPlace, MirrorsAtTheDiagonalForAnySizeAndNumberOfThreads) {
  for (const Index size : {1, 63, 64, 65, 200}) {
    const Matrix<double> a = numbered(size);
    for (const int threads : {1, 2, 8}) {
      const test::ThreadCount count(threads);
      Matrix<double> mirrored = a.clone();
      detail::transpose_in_place(mirrored.view());
      for (Index i = 0; i < size; ++i) {
        for (Index j = 0; j < size; ++j) ASSERT_EQ(mirrored(i, j), a(j, i));
      }
    }
  }
}

}  // namespace
}  // namespace loewner
