# SPDX-License-Identifier: Apache-2.0
"""Writes a model file and its external data: all of them in a work folder, then each in one step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from onnx import ModelProto, TensorProto

from loewner._core import IoError
from loewner.onnx.file_checksum import add_checksum
from loewner.onnx.reading import OnnxModel, open_onnx
from loewner.onnx.tensor_data import TensorData

ALIGNMENT = 64  # of external data
FEWEST_EXTERNAL = 1024  # bytes of an array that is moved to a data file


@dataclass
class Files:
    """A finished model file in a work folder, and its data files by their paths relative to the model's folder."""

    model: Path
    data: dict[str, Path]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.model, *self.data.values()))

    def move_to(self, target: Path) -> None:
        """Moves the files to a new folder."""
        for name, path in ((target.name, self.model), *self.data.items()):
            (target.parent / name).parent.mkdir(parents=True, exist_ok=True)
            path.rename(target.parent / name)


class DataFiles:
    """The names of the data files of an output, which keep those of the source where that overwrites nothing."""

    def __init__(self, source: OnnxModel, target: Path, may_replace: bool) -> None:
        self._source_folder = source.path.parent
        self._merged = None
        if source.data_files and target.parent.resolve() == source.path.parent.resolve():
            self._merged = f"{target.name}_data"
        old = _names_of(target) if may_replace else set()
        for file in source.data_files:
            name = self.name_of(file)
            if (target.parent / name).exists() and name not in old:
                raise IoError(f"{target.parent / name}: already exists; the data of {target.name} would replace it")
        self.first = self.name_of(source.data_files[0]) if source.data_files else None

    def name_of(self, file: Path) -> str:
        return self._merged or str(file.relative_to(self._source_folder))


def write_files(proto: ModelProto, untouched: Iterable[TensorData], names: DataFiles, work: Path) -> Files:
    """Writes a model whose initializers in other files still lie where `untouched` says."""
    work.mkdir()
    outside = {tensor.name: tensor for tensor in untouched if tensor.file is not None}
    writers: dict[str, BinaryIO] = {}
    try:
        for tensor in proto.graph.initializer:
            source = outside.get(tensor.name)
            if source is not None and source.file is not None:
                _append(_writer(writers, names.name_of(source.file), work), names.name_of(source.file), tensor, source)
            elif names.first is not None and tensor.HasField("raw_data") and len(tensor.raw_data) >= FEWEST_EXTERNAL:
                own = TensorData(tensor.name, tuple(tensor.dims), tensor, len(tensor.raw_data))
                _append(_writer(writers, names.first, work), names.first, tensor, own)
    finally:
        for writer in writers.values():
            writer.close()
    model = work / "model.onnx"
    add_checksum(proto, {name: work / name for name in writers})
    model.write_bytes(proto.SerializeToString(deterministic=True))
    return Files(model, {name: work / name for name in writers})


def _names_of(target: Path) -> set[str]:
    """The data files of an old output, which a new one may replace."""
    if not target.exists():
        return set()
    return {str(file.relative_to(target.parent)) for file in open_onnx(target).data_files}


def _writer(writers: dict[str, BinaryIO], name: str, work: Path) -> BinaryIO:
    if name not in writers:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        writers[name] = (work / name).open("xb")
    return writers[name]


def _append(file: BinaryIO, name: str, tensor: TensorProto, data: TensorData) -> None:
    file.write(bytes(-file.tell() % ALIGNMENT))
    offset = file.tell()
    for block in data.blocks():
        file.write(block)
    tensor.ClearField("raw_data")
    tensor.ClearField("external_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", name), ("offset", str(offset)), ("length", str(file.tell() - offset))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
