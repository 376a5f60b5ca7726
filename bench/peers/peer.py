# SPDX-License-Identifier: Apache-2.0
"""One peer in one setting, and the arrays and files that codecs share."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "experiments"), str(ROOT / "bench")]
THREADS_VARIABLE = "PEER_THREADS"  # a parent sets it for its child processes
THREADS = int(os.environ.get(THREADS_VARIABLE, "2"))


@dataclass(frozen=True)
class Setting:
    """One row: its name, the packages whose versions determine the results, the code of a user, and how to run it.

    timed: if its time is measured; of settings that run the same code one is enough."""

    name: str
    packages: tuple[str, ...]
    usage: str
    run: Callable[..., Any]
    timed: bool = True

    def versions(self) -> dict[str, str]:
        """Versions of the packages; for loewner also a digest of the compiled core, which changes more often."""
        versions = {package: importlib.metadata.version(package) for package in self.packages}
        if "loewner" in versions:
            import loewner._core

            versions["core"] = hashlib.sha256(Path(loewner._core.__file__).read_bytes()).hexdigest()[:16]
        return versions

    def why_missing(self) -> str | None:
        """The reason why a package of this setting could not be installed; None if all are installed."""
        record = Path(sys.prefix) / "peers-missing.json"
        missing: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        return next((missing[package] for package in self.packages if package in missing), None)


@dataclass(frozen=True)
class Encoded:
    """A matrix encoded by a codec: saves all files that decoding needs into a folder, and decodes them."""

    save: Callable[[Path], object]
    decode: Callable[[], np.ndarray]


def saved_arrays(arrays: Mapping[str, np.ndarray]) -> Callable[[Path], object]:
    """Saves arrays as safetensors, for codecs that have no file format of their own."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return lambda folder: safetensors.numpy.save_file(contiguous, folder / "arrays.safetensors")


def packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes below 2^bits, packed without gaps."""
    planes = np.unpackbits(codes.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits :]
    return np.packbits(planes)


def unpacked(planes: np.ndarray, bits: int, count: int) -> np.ndarray:
    """The inverse of `packed`."""
    ones = np.unpackbits(planes, count=count * bits).reshape(count, bits)
    return np.packbits(ones, axis=1).ravel() >> (8 - bits)


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def relative_error(decoded: np.ndarray, a: np.ndarray) -> float:
    return frobenius(decoded - a) / frobenius(a)


def frobenius(a: np.ndarray) -> float:
    """In float64, since in float32 the sum of ten million squares is wrong in its fourth digit."""
    return float(np.sqrt(np.square(a, dtype=np.float64).sum()))
