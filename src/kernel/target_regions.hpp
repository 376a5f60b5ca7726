// SPDX-License-Identifier: Apache-2.0
#pragma once

// A file of kernels is included once in each of these regions, in a namespace of its own: everything in it, templates
// too, is compiled for the instruction set of the region. Functions from other headers are not.
#if defined(__x86_64__) || defined(__aarch64__)
#define LOEWNER_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define LOEWNER_BEGIN_TARGET(features) \
  LOEWNER_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define LOEWNER_END_TARGET LOEWNER_PRAGMA(clang attribute pop)
#else
#define LOEWNER_BEGIN_TARGET(features) LOEWNER_PRAGMA(GCC push_options) LOEWNER_PRAGMA(GCC target(features))
#define LOEWNER_END_TARGET LOEWNER_PRAGMA(GCC pop_options)
#endif
#endif

#if defined(__aarch64__)
#define LOEWNER_BEGIN_NEON_DOT LOEWNER_BEGIN_TARGET("arch=armv8.2-a+dotprod")
#endif

#if defined(__x86_64__)
#define LOEWNER_BEGIN_AVX2 LOEWNER_BEGIN_TARGET("avx2")
#define LOEWNER_BEGIN_AVX_VNNI LOEWNER_BEGIN_TARGET("avx2,gfni,avxvnni")
#define LOEWNER_BEGIN_AVX512_VNNI \
  LOEWNER_BEGIN_TARGET("avx2,gfni,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")
#define LOEWNER_BEGIN_AMX \
  LOEWNER_BEGIN_TARGET("avx2,gfni,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,amx-tile,amx-int8")
#endif
