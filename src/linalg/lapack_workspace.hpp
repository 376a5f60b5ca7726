// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::blas {

// Calls a LAPACK routine twice: with size -1 it writes the best size of its workspace to work[0], then it computes.
template <typename Real, typename Call>
void call_with_workspace(Call&& call) {
  const int query = -1;
  Real best = 0;
  call(&best, &query);
  const int size = static_cast<int>(best);
  Matrix<Real> work = Matrix<Real>::uninitialized(1, size);
  call(work.data(), &size);
}

// The same for routines that also need a workspace of integers.
template <typename Call>
void call_with_workspaces(Call&& call) {
  const int query = -1;
  double best = 0;
  int best_integers = 0;
  call(&best, &query, &best_integers, &query);
  const int size = static_cast<int>(best), integers_size = best_integers;
  Matrix<double> work = Matrix<double>::uninitialized(1, size);
  std::vector<int> integers(integers_size);
  call(work.data(), &size, integers.data(), &integers_size);
}

}  // namespace loewner::blas
