// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner::blas {

/// Makes OpenBLAS allocate its work memory for all threads, if the process has a limit of address
/// space (ulimit -v). OpenBLAS would end the process if an allocation failed during the work.
///
/// Errors    IoError when the limit is too low.
void reserve_memory();

}  // namespace loewner::blas
