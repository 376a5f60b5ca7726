# SPDX-License-Identifier: Apache-2.0
"""Loads OpenBLAS from the scipy-openblas32 package, before the extension module that is linked to it.

The extension names the library and no folder. A library that is already in the process under that name is taken, so
loading it here is enough on every machine.
"""

import ctypes
import os
from pathlib import Path

import scipy_openblas32

_AVX512 = {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}


def _has_avx512(cpuinfo: str) -> bool:
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split()) >= _AVX512


def _load() -> ctypes.CDLL:
    library = Path(scipy_openblas32.get_lib_dir()) / scipy_openblas32.get_library(fullname=True)
    # OpenBLAS takes its AVX2 kernels on AMD processors newer than itself: 1.6 to 1.9 times slower than those for
    # AVX-512. It reads the variable while it is loaded and never again.
    cpuinfo = Path("/proc/cpuinfo")
    choose = "OPENBLAS_CORETYPE" not in os.environ and cpuinfo.exists() and _has_avx512(cpuinfo.read_text())
    if choose:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    try:
        return ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    finally:
        if choose:
            del os.environ["OPENBLAS_CORETYPE"]


LIBRARY = _load()
