// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// x <- H x / sqrt(length) in place, with the Sylvester-Hadamard matrix H. length: a power of two.
void hadamard(float* x, Index length);
void hadamard(double* x, Index length);

/// x <- (Q (x) I) x in place for a symmetric Q (blocks x blocks, at most 63) across blocks of
/// `length` entries.
void mix_blocks(float* x, Index length, Index blocks, const float* q);
void mix_blocks(double* x, Index length, Index blocks, const float* q);

/// y <- factors * x, entry by entry.
void multiply_entries(const float* x, const float* factors, float* y, Index count);

/// x <- scale factors * x, entry by entry.
void scale_entries(float* x, const float* factors, float scale, Index count);
void scale_entries(double* x, const float* factors, double scale, Index count);

}  // namespace loewner::detail
