# SPDX-License-Identifier: Apache-2.0
"""The model folder of an exported file, as verification compares the file with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import numpy_helper

from loewner._encoded_folder import arrays_of
from loewner._files import read_object
from loewner._weight_files import file_of_each
from loewner.onnx.reading import OnnxModel
from loewner.onnx.record import Record
from loewner.onnx.safetensors_file import Entry
from loewner.onnx.verify.stored_folder import dense_tensors
from loewner.static_embedding import STATIC_TYPE, is_static_model, static_weights


class OriginalFolder:
    """A dense model folder, and the record of the exported file."""

    def __init__(self, folder: Path, record: Record) -> None:
        self._folder, self._record = folder, record
        self._files = file_of_each(folder, static_weights(folder) if is_static_model(folder) else None)

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in dict.fromkeys(self._files.values()))

    def config(self) -> dict[str, Any]:
        """The configuration of the folders that the core compares."""
        file = self._folder / "config.json"
        if not file.is_file():
            return {"model_type": STATIC_TYPE, "loewner_roles": self._record.roles}
        return read_object(file)

    def others(self) -> Iterable[Entry]:
        """The tensors that are not encoded."""
        return dense_tensors(self._files, set(self._record.specs))

    def folder(self, folder: Path) -> Path:
        """The folder itself."""
        return self._folder

    def differences(self, small: OnnxModel) -> tuple[list[str], int]:
        """Failures, and the number of initializers with the names of the folder's tensors, which have their values.

        Exporters change the names of other tensors, so those are not compared.
        """
        failures = []
        equal = 0
        for file in dict.fromkeys(self._files.values()):
            for name, values in arrays_of(file):
                held = small.tensors.get(name) or small.tensors.get(f"{name}.stored")
                if held is None or name in self._record.specs:
                    continue
                found = numpy_helper.to_array(held.proto, str(small.path.parent))
                if np.array_equal(found.astype(np.float32), values.astype(np.float32)):
                    equal += 1
                else:
                    failures.append(f"initializer '{name}' differs from the original")
        return failures, equal
