# SPDX-License-Identifier: Apache-2.0
"""Second moments of the original model in files: together they may take more memory than there is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from loewner._core import IoError
from loewner.transformers.calibration.survey import Inputs


class MomentsOnDisk:
    """The moments that a Surveyor keeps, by the module that owns them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}

    @classmethod
    @contextmanager
    def beside(cls, path: Path) -> Iterator[MomentsOnDisk]:
        """In a folder that is removed, on the disk of a file that is written of them."""
        parent = path.absolute().parent
        if not parent.is_dir():
            raise IoError(f"{path}: the folder {parent} does not exist")
        with tempfile.TemporaryDirectory(prefix=".loewner-moments-", dir=parent) as folder:
            yield cls(Path(folder))

    def keep(self, module: str, inputs: Inputs) -> None:
        if inputs.owner == module:
            self._files[module] = self._folder / f"{len(self._files)}.npy"
            np.save(self._files[module], inputs.second.numpy())

    def __getitem__(self, module: str) -> np.ndarray[Any, Any]:
        """Pages of the file, which are read when they are used."""
        pages: np.ndarray[Any, Any] = np.load(self._files[module], mmap_mode="r")
        return pages
