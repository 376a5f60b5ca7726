# SPDX-License-Identifier: Apache-2.0
"""Loads the OpenBLAS library of the package before the extension module that is linked to it.

The dynamic loader reuses a library that the process has already loaded under the same name, so the extension uses this
one.
"""

import ctypes
import mmap
import os
import resource
import sys
from importlib.util import find_spec
from pathlib import Path


def _library() -> Path:
    """The library beside the extension module, which in an editable installation is not beside this file."""
    extension = find_spec("loewner._core")
    if extension is None or extension.origin is None:
        raise ImportError("loewner: the extension module loewner._core is not installed")
    return Path(extension.origin).with_name("libscipy_openblas.so")


# Address space that this library and NumPy with its own OpenBLAS map when they are loaded.
_LIBRARY_BYTES, _NUMPY_BYTES = 56 << 20, 128 << 20


def _require_memory() -> None:
    """Raise MemoryError where OpenBLAS would end the process: a limit (ulimit -v) leaves too little address space."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    needed = _LIBRARY_BYTES + (0 if "numpy" in sys.modules else _NUMPY_BYTES)
    try:
        mmap.mmap(-1, needed).close()
    except OSError:
        raise MemoryError(f"loewner needs {needed >> 20} MiB of address space; raise the limit (ulimit -v)") from None


def _load() -> ctypes.CDLL:
    """Load the library with one thread. The core calls it from its own threads; idle threads of OpenBLAS would spin."""
    _require_memory()
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
