# SPDX-License-Identifier: Apache-2.0
"""Loads the OpenBLAS library of the package before the extension module that is linked to it.

The dynamic loader reuses a library that the process has already loaded under the same name, so the extension uses this
one.
"""

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path


def _library() -> Path:
    """The library beside the extension module, which in an editable installation is not beside this file."""
    extension = find_spec("loewner._core")
    if extension is None or extension.origin is None:
        raise ImportError("loewner: the extension module loewner._core is not installed")
    return Path(extension.origin).with_name("libscipy_openblas.so")


def _load() -> ctypes.CDLL:
    """Load the library with one thread. The core calls it from its own threads; idle threads of OpenBLAS would spin."""
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
