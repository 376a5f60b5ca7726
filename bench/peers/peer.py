# SPDX-License-Identifier: Apache-2.0
"""What the tables know about one peer in one setting, and the arrays and files that codecs share."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "experiments"), str(ROOT / "bench")]
THREADS = 2


@dataclass(frozen=True)
class Setting:
    """One row: its name, the packages whose versions its results belong to, what a user types, how to run it."""

    name: str
    packages: tuple[str, ...]
    typed: str
    run: Callable[..., Any]

    def versions(self) -> dict[str, str]:
        """Of the packages; of loewner, whose version stays while it changes, also a digest of the compiled core."""
        versions = {package: importlib.metadata.version(package) for package in self.packages}
        if "loewner" in versions:
            import loewner._core

            versions["core"] = hashlib.sha256(Path(loewner._core.__file__).read_bytes()).hexdigest()[:16]
        return versions

    def why_missing(self) -> str | None:
        """What pip said when a package of this setting was installed; None: they are all there."""
        record = Path(sys.prefix) / "peers-missing.json"
        missing: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        return next((missing[package] for package in self.packages if package in missing), None)


@dataclass(frozen=True)
class Encoded:
    """A matrix as a codec leaves it: everything that decoding needs, as files in a folder, and what they stand for."""

    save: Callable[[Path], object]
    decode: Callable[[], np.ndarray]


def saved_arrays(arrays: Mapping[str, np.ndarray]) -> Callable[[Path], object]:
    """Saves arrays as safetensors, for codecs that have no file format of their own."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return lambda folder: safetensors.numpy.save_file(contiguous, folder / "arrays.safetensors")


def packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes less than 2^bits one after another without gaps."""
    planes = np.unpackbits(codes.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits :]
    return np.packbits(planes)


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def relative_error(decoded: np.ndarray, a: np.ndarray) -> float:
    return frobenius(decoded - a) / frobenius(a)


def frobenius(a: np.ndarray) -> float:
    """In float64: in float32 the sum of ten million squares is off in its fourth digit."""
    return float(np.sqrt(np.square(a, dtype=np.float64).sum()))
