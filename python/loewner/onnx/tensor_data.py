# SPDX-License-Identifier: Apache-2.0
"""The values of an ONNX tensor, wherever its file keeps them, read by blocks of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from loewner._core import IoError

BLOCK_BYTES = 1 << 24
# ONNX type -> (safetensors type, numpy type of the stored bytes)
FLOATS: dict[int, tuple[str, np.dtype[Any]]] = {
    TensorProto.FLOAT: ("F32", np.dtype("<f4")),
    TensorProto.FLOAT16: ("F16", np.dtype("<f2")),
    TensorProto.BFLOAT16: ("BF16", np.dtype("<u2")),
    TensorProto.DOUBLE: ("F64", np.dtype("<f8")),
}


@dataclass(frozen=True)
class TensorData:
    """An initializer of a model file. `proto` is its message; values lie in it, or in `file` from `offset` on."""

    name: str
    shape: tuple[int, ...]
    proto: TensorProto
    byte_count: int
    file: Path | None = None
    offset: int = 0

    @property
    def type(self) -> int:
        """The number of the type in ONNX."""
        return self.proto.data_type

    @property
    def is_float(self) -> bool:
        return self.proto.data_type in FLOATS

    @property
    def type_name(self) -> str:
        return FLOATS[self.proto.data_type][0] if self.is_float else TensorProto.DataType.Name(self.proto.data_type)

    def array(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The stored numbers of a floating-point tensor; bfloat16 as uint16. A file is mapped, not read."""
        kind = FLOATS[self.proto.data_type][1]
        if math.prod(self.shape) == 0:
            return np.empty(self.shape, kind)
        if self.file is not None:
            return np.memmap(self.file, kind, "r", self.offset, self.shape)
        if self.proto.HasField("raw_data"):
            return np.frombuffer(self.proto.raw_data, kind).reshape(self.shape)
        values: np.ndarray[Any, np.dtype[Any]] = onnx.numpy_helper.to_array(self.proto)
        return values.view(kind).reshape(self.shape) if values.dtype != kind else values

    def blocks(self) -> Iterator[bytes]:
        """The raw bytes, block by block."""
        if self.file is None:
            data = self.proto.raw_data
            if not self.proto.HasField("raw_data"):
                data = onnx.numpy_helper.to_array(self.proto).tobytes()
            yield from (data[start : start + BLOCK_BYTES] for start in range(0, len(data), BLOCK_BYTES))
            return
        with self.file.open("rb") as file:
            file.seek(self.offset)
            left = self.byte_count
            while left > 0:
                block = file.read(min(left, BLOCK_BYTES))
                if not block:
                    raise IoError(f"{self.file}: initializer '{self.name}': the file ends within its data")
                left -= len(block)
                yield block

    def row_blocks(self, transposed: bool) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
        """The matrix, or its transpose, by blocks of rows, each contiguous."""
        rows, cols = self.shape[::-1] if transposed else self.shape
        kind = FLOATS[self.proto.data_type][1]
        per_block = max(1, BLOCK_BYTES // max(1, cols * kind.itemsize))
        for first in range(0, rows, per_block):
            last = min(rows, first + per_block)
            whole = self.array()  # a new mapping for each block: pages of the last one are given back
            yield np.ascontiguousarray(whole[:, first:last].T if transposed else whole[first:last])

    def require_finite(self, model: Path) -> None:
        """IoError with the index of the first entry that is NaN or infinite."""
        first = 0
        for block in self.row_blocks(transposed=False):
            wrong = np.argwhere(~_is_finite(block))
            if len(wrong):
                row, col = (int(i) for i in wrong[0])
                raise IoError(
                    f"{model}: initializer '{self.name}': entry [{first + row}, {col}] must be finite, "
                    f"got {_text_of(block[row, col])}"
                )
            first += len(block)


def _is_finite(block: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    if block.dtype == np.uint16:  # bfloat16: all bits of the exponent are set
        return np.asarray((block & 0x7F80) != 0x7F80)
    return np.asarray(np.isfinite(block))


def _text_of(value: Any) -> str:
    if isinstance(value, np.uint16):
        return "nan" if int(value) & 0x7F else "inf"
    return str(value)
