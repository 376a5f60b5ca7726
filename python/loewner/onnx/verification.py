# SPDX-License-Identifier: Apache-2.0
"""Checks a compressed ONNX file, alone or against its original.

Its arrays and specifications become a folder again, which the core verifies as any other output.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto

from loewner import _core
from loewner._core import IoError
from loewner._structures import array_prefix
from loewner.onnx.decoders.base import format_arrays
from loewner.onnx.graph import DOMAIN
from loewner.onnx.opsets import raised
from loewner.onnx.reading import METADATA_KEY, OnnxModel, onnx_file_of, open_onnx
from loewner.onnx.roles import Place, places_of
from loewner.onnx.safetensors_file import Entry, write_safetensors
from loewner.onnx.staging import MODEL_TYPE, stage, tokenizer_folder
from loewner.onnx.tensor_data import TensorData

_STORED = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "uint8": "U8"}
_OF_FOLDERS = ("README.md does not exist", "the model was saved again")  # beginnings of notes that an ONNX file has not


def verify_onnx(
    output: Path,
    model: Path | None,
    *,
    row_weights: Path | None = None,
    tokenizer: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """The report of `_core.verify` for an ONNX file that `compress` wrote from another one."""
    small = open_onnx(onnx_file_of(output))
    record = record_of(small)
    source = None if model is None else open_onnx(onnx_file_of(model))
    with tempfile.TemporaryDirectory(prefix="loewner-") as folder:
        encoded, staged = Path(folder) / "encoded", Path(folder) / "model"
        write_encoded_folder(small, record, encoded)
        if source is not None:
            _stage_original(source, record, tokenizer_folder(source.path, tokenizer), staged)
        report: dict[str, Any] = _core.verify(
            encoded, None if source is None else staged, row_weights=row_weights, progress=progress
        )
    report["notes"] = [note for note in report["notes"] if not note.startswith(_OF_FOLDERS)]
    report["weights_bytes_after"] = small.file_bytes
    if source is not None:
        report["weights_bytes_before"] = source.file_bytes
        failures, count = _differences(small, source, record)
        report["failures"] += failures
        report["untouched_tensors"] = count
        report["holds"] = report["holds"] and not failures
    return report


def record_of(model: OnnxModel) -> dict[str, Any]:
    """What `compress` wrote into the metadata of a file."""
    text = next((entry.value for entry in model.proto.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise IoError(f"{model.path}: has no metadata of loewner: expected a file that compress wrote")
    try:
        record = json.loads(text)
        tensors, owners = record["quantization_config"]["tensors"], record["initializers"]
        is_complete = set(tensors) == set(owners) and all(
            isinstance(name, str) for entry in owners.values() for name in (*entry["replaces"], *entry["arrays"])
        )
    except (json.JSONDecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise IoError(f"{model.path}: metadata of loewner are broken: {error!r}") from error
    if not is_complete:
        raise IoError(f"{model.path}: metadata of loewner name other tensors than they specify")
    return dict(record)


def write_encoded_folder(model: OnnxModel, record: dict[str, Any], folder: Path) -> None:
    """The folder that the core wrote before its arrays were moved into the file."""
    quantization = record["quantization_config"]
    folder.mkdir()
    roles = {name: str(spec.get("role")) for name, spec in quantization["tensors"].items()}
    config = {"model_type": MODEL_TYPE, "loewner_roles": roles, "quantization_config": quantization}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    entries = [
        _entry(array_prefix(name, spec) + array, values)
        for name, spec in quantization["tensors"].items()
        for array, values in _arrays(model, name, spec, record["initializers"][name]["arrays"]).items()
    ]
    write_safetensors(folder / "model.safetensors", entries)


def _arrays(model: OnnxModel, name: str, spec: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The arrays of docs/format.md, from the initializers of a decoder."""
    begin = array_prefix(name, spec)
    missing = next((full for full in names if full not in model.tensors), None)
    if missing is not None:
        raise IoError(f"{model.path}: initializer '{missing}' of '{name}' is missing")
    stored = {
        full.removeprefix(begin): onnx.numpy_helper.to_array(model.tensors[full].proto, str(model.path.parent))
        for full in names
    }
    try:
        return format_arrays(spec, stored)
    except (KeyError, TypeError, ValueError) as error:
        raise IoError(f"{model.path}: the arrays of '{name}' do not fit its specification: {error!r}") from error


def _entry(name: str, values: np.ndarray[Any, Any]) -> Entry:
    kind = _STORED.get(str(values.dtype))
    if kind is None:
        raise IoError(f"initializer '{name}': type {values.dtype} is not one of encoded arrays")
    block = np.ascontiguousarray(values)
    return Entry(name, kind, values.shape, values.nbytes, [block.view(np.uint8) if kind == "BF16" else block])


def _stage_original(source: OnnxModel, record: dict[str, Any], tokenizer: Path | None, folder: Path) -> None:
    _require_tokenizer(record, tokenizer)
    names = list(record["quantization_config"]["tensors"])
    missing = next((name for name in names if name not in source.tensors), None)
    if missing is not None:
        raise IoError(f"{source.path}: has no initializer '{missing}', which is encoded in the output")
    found = places_of(source)
    roles = {name: str(spec.get("role")) for name, spec in record["quantization_config"]["tensors"].items()}
    places = {name: Place(roles[name], found[name].transposed, found[name].operators) for name in names}
    stage(source.path, [source.tensors[name] for name in names], places, tokenizer, folder)


def _require_tokenizer(record: dict[str, Any], tokenizer: Path | None) -> None:
    """The row weights of a table are those of the tokenizer that compress had."""
    for name, spec in record["quantization_config"]["tensors"].items():
        weights = spec.get("row_weights")
        described = str(weights.get("description")) if isinstance(weights, dict) else ""
        if tokenizer is None and " in " in described:
            raise ValueError(f"verify: the row weights of '{name}' are of a tokenizer: give its folder by --tokenizer")


def _differences(small: OnnxModel, source: OnnxModel, record: dict[str, Any]) -> tuple[list[str], int]:
    """Failures, and the number of initializers that equal the original's."""
    replaced = {owner for entry in record["initializers"].values() for owner in entry["replaces"]}
    failures = []
    equal = 0
    original = raised(source, max(small.opset, source.opset))
    for proto in original.graph.initializer:
        if proto.name in replaced:
            continue
        kept = small.tensors.get(proto.name)
        before = source.tensors.get(proto.name)
        if kept is None:
            failures.append(f"initializer '{proto.name}' is missing")
        elif before is not None and not _same(kept, before):
            failures.append(f"initializer '{proto.name}' differs from the original")
        else:
            equal += 1
    for what in ("input", "output"):
        ours, theirs = ([v.SerializeToString(deterministic=True) for v in getattr(graph, what)]
                        for graph in (small.graph, original.graph))  # fmt: skip
        if ours != theirs:
            failures.append(f"the {what}s of the graph differ from the original's")
    nodes = {_text(node) for node in small.graph.node}
    for node in original.graph.node:
        is_lookup = node.op_type == "Gather" and node.input[0] in replaced
        if not is_lookup and _text(node) not in nodes:
            failures.append(f"node '{node.name}' ({node.op_type}) of the original is missing or changed")
    return failures, equal


def _text(node: NodeProto) -> bytes:
    return bytes(node.SerializeToString(deterministic=True)) if node.domain != DOMAIN else b""


def _same(a: TensorData, b: TensorData) -> bool:
    if a.shape != b.shape or a.proto.data_type != b.proto.data_type:
        return False
    if a.proto.data_type == TensorProto.STRING:
        return list(a.proto.string_data) == list(b.proto.string_data)
    return all(bool(x == y) for x, y in zip(a.blocks(), b.blocks(), strict=True))
