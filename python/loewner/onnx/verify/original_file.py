# SPDX-License-Identifier: Apache-2.0
"""The ONNX file that `compress` made smaller, as verification compares its output with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from onnx import NodeProto, TensorProto

from loewner._core import IoError
from loewner.onnx.compress.roles import Place, places_of
from loewner.onnx.compress.staging import MODEL_TYPE, stage, tokenizer_folder
from loewner.onnx.opsets import raised
from loewner.onnx.reading import OnnxModel
from loewner.onnx.record import Record
from loewner.onnx.replacing import is_lookup, rename_inputs
from loewner.onnx.safetensors_file import Entry
from loewner.onnx.tensor_data import TensorData


class OriginalFile:
    """An ONNX file, the record of the output, and the folder of its tokenizer."""

    def __init__(self, source: OnnxModel, record: Record, tokenizer: Path | None) -> None:
        self._source, self._record = source, record
        self._tokenizer = tokenizer_folder(source.path, tokenizer)
        _require_tokenizer(record, self._tokenizer)
        missing = next((name for name in record.specs if name not in source.tensors), None)
        if missing is not None:
            raise IoError(f"{source.path}: has no initializer '{missing}', which is encoded in the output")

    @property
    def bytes(self) -> int:
        return self._source.file_bytes

    def config(self) -> dict[str, Any]:
        """The configuration of the folders that the core compares."""
        return {"model_type": MODEL_TYPE, "loewner_roles": self._record.roles}

    def others(self) -> Iterable[Entry]:
        """No tensors but the encoded ones: `differences` compares the others."""
        return []

    def folder(self, folder: Path) -> Path:
        """Writes the matrices as a checkpoint."""
        source, roles, found = self._source, self._record.roles, places_of(self._source)
        places = {name: Place(roles[name], found[name].transposed, found[name].operators) for name in roles}
        stage(source.path, [source.tensors[name] for name in places], places, self._tokenizer, folder)
        return folder

    def differences(self, small: OnnxModel) -> tuple[list[str], int]:
        """Failures, and the number of initializers that equal the original's."""
        original = raised(self._source, max(small.opset, self._source.opset))
        failures, equal = self._initializer_failures(original.graph.initializer, small)
        for what in ("input", "output"):
            ours, theirs = (
                [value.SerializeToString(deterministic=True) for value in getattr(graph, what)]
                for graph in (small.graph, original.graph)
            )
            if ours != theirs:
                failures.append(f"the {what}s of the graph differ from the original's")
        return failures + self._node_failures(original.graph.node, small), equal

    def _initializer_failures(self, protos: Iterable[TensorProto], small: OnnxModel) -> tuple[list[str], int]:
        failures = []
        equal = 0
        for proto in protos:
            if proto.name in self._record.replaced:
                continue
            kept, before = small.tensors.get(proto.name), self._source.tensors.get(proto.name)
            if kept is None:
                failures.append(f"initializer '{proto.name}' is missing")
            elif before is not None and not _same(kept, before):
                failures.append(f"initializer '{proto.name}' differs from the original")
            else:
                equal += 1
        return failures, equal

    def _node_failures(self, nodes: Iterable[NodeProto], small: OnnxModel) -> list[str]:
        """Nodes of the original are there, with the decoded values as inputs; lookups are part of a decoder."""
        values = {owner: value for owner, value in self._record.replaced.items() if value}
        present = {_text(node) for node in small.graph.node}
        failures = []
        for node in nodes:
            label = f"node '{node.name}' ({node.op_type}) of the original is missing or changed"
            if any(is_lookup(node, name) for name in node.input[:1] if name in self._record.replaced):
                found = any(node.output[0] in other.output for other in small.graph.node)
            else:
                rename_inputs(node, values)
                found = _text(node) in present
            if not found:
                failures.append(label)
        return failures


def _require_tokenizer(record: Record, tokenizer: Path | None) -> None:
    """The row weights of a table are those of the tokenizer that compress had."""
    for name, spec in record.specs.items():
        weights = spec.get("row_weights")
        described = str(weights.get("description")) if isinstance(weights, dict) else ""
        if tokenizer is None and " in " in described:
            raise ValueError(f"verify: the row weights of '{name}' are of a tokenizer: give its folder by --tokenizer")


def _text(node: NodeProto) -> bytes:
    return bytes(node.SerializeToString(deterministic=True))


def _same(a: TensorData, b: TensorData) -> bool:
    if a.shape != b.shape or a.type != b.type:
        return False
    if a.type == TensorProto.STRING:
        return list(a.proto.string_data) == list(b.proto.string_data)
    return all(bool(x == y) for x, y in zip(a.blocks(), b.blocks(), strict=True))
