# SPDX-License-Identifier: Apache-2.0
"""Right singular vectors by two C++ libraries that Debian packages: Spectra and Eigen."""

from __future__ import annotations

import ctypes
import functools
import subprocess

import numpy as np
from results_page import ROOT

LIBRARY = ROOT / "out" / "cpp" / "libdebian_svd.so"
FLOATS = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
SIZES = [ctypes.c_long] * 3


@functools.cache
def library() -> ctypes.CDLL:
    """Downloads the headers and builds the library at the first call. Raises CalledProcessError if that fails."""
    subprocess.run([ROOT / "bench" / "cpp" / "build", LIBRARY], check=True)
    found = ctypes.CDLL(str(LIBRARY))
    found.spectra_svd.argtypes = [FLOATS, *SIZES, ctypes.c_float, FLOATS]
    found.eigen_svd.argtypes = [FLOATS, *SIZES, FLOATS]
    found.spectra_svd.restype = found.eigen_svd.restype = ctypes.c_bool
    return found


def spectra_svd(a: np.ndarray, rank: int, tolerance: float = 1e-10) -> np.ndarray:
    """V^T (rank x columns) of a float32 matrix; tolerance: that of PartialSVDSolver, with its default."""
    vt = np.empty((rank, a.shape[1]), np.float32)
    if not library().spectra_svd(a, *a.shape, rank, tolerance, vt):
        raise ArithmeticError("Spectra did not converge")
    return vt


def eigen_svd(a: np.ndarray, rank: int) -> np.ndarray:
    vt = np.empty((rank, a.shape[1]), np.float32)
    if not library().eigen_svd(a, *a.shape, rank, vt):
        raise ArithmeticError("Eigen failed")
    return vt
