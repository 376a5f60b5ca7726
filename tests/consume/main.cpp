// SPDX-License-Identifier: Apache-2.0
#include <loewner/base/matrix.hpp>
#include <loewner/linalg/truncated_svd.hpp>

int main() {
  loewner::Matrix<float> a(3, 2);
  a(0, 0) = 3;
  a(1, 1) = 4;
  const auto svd = loewner::truncated_svd(loewner::DenseRows(a.view()), {.rank = 1});
  return svd.singular_values[0] > 3.999 && svd.singular_values[0] < 4.001 ? 0 : 1;
}
