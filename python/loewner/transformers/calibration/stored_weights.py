# SPDX-License-Identifier: Apache-2.0
"""Parameters of a model, read from its checkpoint when they are needed."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel

from loewner.transformers.calibration.sequences import NoCalibration
from loewner.transformers.checkpoint_names import CheckpointNames


class StoredWeights:
    """Reads parameters by their names in the model. A file is mapped only while one of its tensors is read."""

    def __init__(self, model: PreTrainedModel, folder: Path) -> None:
        """Raises NoCalibration if a parameter of the model is not stored as it is used."""
        files = [str(path) for path in sorted(folder.glob("*.safetensors"))]
        names = CheckpointNames(model, files, [])
        self._places: dict[str, tuple[str, str]] = {}  # file and tensor
        for file in files:
            with safe_open(file, framework="pt") as tensors:
                for tensor in tensors.keys():  # noqa: SIM118
                    place = names.place(tensor)
                    if place is not None and place.pattern is None:
                        self._places[place.parameter] = (file, tensor)
        state = model.state_dict()
        for parameter, other in model.all_tied_weights_keys.items():
            for missing, stored in ((parameter, other), (other, parameter)):
                if missing not in self._places and stored in self._places and missing in state:
                    self._places[missing] = self._places[stored]
        for parameter in state:
            if parameter not in self._places:
                raise NoCalibration(f"the checkpoint does not store {parameter} as the model uses it")

    def read(self, parameter: str) -> Tensor:
        """The whole parameter in float32."""
        file, tensor = self._places[parameter]
        with safe_open(file, framework="pt") as tensors:
            stored: Tensor = tensors.get_tensor(tensor)
            return stored.to(torch.float32, copy=True) if stored.is_floating_point() else stored.clone()

    def rows(self, parameter: str, which: Tensor) -> Tensor:
        """Some rows of a matrix in float32."""
        file, tensor = self._places[parameter]
        with safe_open(file, framework="pt") as tensors:
            rows: Tensor = tensors.get_tensor(tensor)[which].float()
            return rows

    def row_block(self, parameter: str, start: int, end: int) -> Tensor:
        """Rows from `start` up to `end` in float32."""
        file, tensor = self._places[parameter]
        with safe_open(file, framework="pt") as tensors:
            rows: Tensor = tensors.get_slice(tensor)[start:end].to(torch.float32, copy=True)
            return rows
