# SPDX-License-Identifier: Apache-2.0
"""Loads OpenBLAS from the scipy-openblas32 package, before the extension module that is linked to it.

The extension names the library and no folder. A library that is already in the process under that name is taken, so
loading it here is enough on every machine.
"""

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path


def _library() -> Path:
    """The package's library, found without importing the package."""
    package = find_spec("scipy_openblas32")
    if package is None or not package.submodule_search_locations:
        raise ImportError("loewner needs the package scipy-openblas32")
    return next(Path(package.submodule_search_locations[0], "lib").glob("libscipy_openblas*"))


def _load() -> ctypes.CDLL:
    """Loads it without threads of its own: the core calls it from its own threads, and idle ones spin for a while."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        return ctypes.CDLL(str(_library()), mode=ctypes.RTLD_GLOBAL)
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


LIBRARY = _load()
