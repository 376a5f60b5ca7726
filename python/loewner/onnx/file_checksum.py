# SPDX-License-Identifier: Apache-2.0
"""The checksum of a whole file that loewner wrote: of its message without the entry that holds it, and of its data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import ModelProto

from loewner._core import hash64
from loewner.onnx.reading import OnnxModel

CHECKSUM_KEY = "loewner_checksum"


def add_checksum(proto: ModelProto, data: Mapping[str, Path]) -> None:
    """Adds the checksum of a finished model to its metadata. data: its data files, by their names in the model."""
    checksum = _checksum(proto, data)
    entry = proto.metadata_props.add()
    entry.key, entry.value = CHECKSUM_KEY, checksum


def checksum_failures(model: OnnxModel) -> list[str]:
    """One failure if a file is not the one that loewner wrote."""
    props = model.proto.metadata_props
    place = next((i for i, entry in enumerate(props) if entry.key == CHECKSUM_KEY), None)
    if place is None:
        return [f"{model.path}: its checksum is missing"]
    entry = props.pop(place)
    folder = model.path.parent
    found = _checksum(model.proto, {str(file.relative_to(folder)): file for file in model.data_files})
    props.insert(place, entry)
    return [] if found == entry.value else [f"{model.path}: differs from what loewner wrote: its checksum is another"]


def _checksum(proto: ModelProto, data: Mapping[str, Path]) -> str:
    message = np.frombuffer(proto.SerializeToString(deterministic=True), np.uint8)
    files = [data[name] for name in sorted(data)]
    return hash64([message, *(np.memmap(file, np.uint8, "r") for file in files if file.stat().st_size > 0)])
