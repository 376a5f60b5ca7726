// SPDX-License-Identifier: Apache-2.0
#pragma once

// A file of kernels is included once in each of these regions, in a namespace of its own: everything in it, templates
// too, is compiled for the instruction set of the region. Functions from other headers are not.
#if defined(__x86_64__) && defined(__clang__)
#define LOEWNER_BEGIN_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2\"))), apply_to=function)")
#define LOEWNER_BEGIN_AVX512_VNNI                                                                         \
  _Pragma(                                                                                                \
      "clang attribute "                                                                                  \
      "push(__attribute__((target(\"avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni\"))), " \
      "apply_to=function)")
#define LOEWNER_BEGIN_AMX \
  _Pragma(                \
      "clang attribute "  \
      "push(__attribute__((target(\"avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,\"  \
      " amx -             \
          tile,           \
      amx - int8\"))), apply_to=function)")
#define LOEWNER_END_TARGET _Pragma("clang attribute pop")
#elif defined(__x86_64__)
#define LOEWNER_BEGIN_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2\")")
#define LOEWNER_BEGIN_AVX512_VNNI \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni\")")
#define LOEWNER_BEGIN_AMX     \
  _Pragma("GCC push_options") \
      _Pragma("GCC target(\"avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,amx-tile,amx-int8\")")
#define LOEWNER_END_TARGET _Pragma("GCC pop_options")
#endif
