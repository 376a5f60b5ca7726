# SPDX-License-Identifier: Apache-2.0
"""What an ONNX file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loewner.onnx.compress.roles import places_of
from loewner.onnx.compress.staging import MODEL_TYPE
from loewner.onnx.reading import onnx_file_of, open_onnx


def inspect_onnx(model: Path) -> dict[str, Any]:
    """The JSON report of `loewner inspect`: every initializer with its role and the operators that use it."""
    source = open_onnx(onnx_file_of(model))
    places = places_of(source)
    tensors = [
        {
            "name": tensor.name,
            "role": places[tensor.name].role,
            "transposed": places[tensor.name].transposed,
            "tied_to": "",
            "shape": list(tensor.shape),
            "dtype": tensor.type_name,
            "bytes": tensor.byte_count,
            "operators": list(places[tensor.name].operators),
        }
        for tensor in source.tensors.values()
    ]
    return {
        "model_type": MODEL_TYPE,
        "opset": source.opset,
        "files": 1 + len(source.data_files),
        "tensors": tensors,
        "weights_bytes": source.file_bytes,
    }
