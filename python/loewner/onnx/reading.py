# SPDX-License-Identifier: Apache-2.0
"""Opens ONNX files and refuses broken ones by file, initializer and node, before anything else reads them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from loewner._core import IoError
from loewner.onnx.graph import standard_opset
from loewner.onnx.tensor_data import TensorData

OLDEST_OPSET = 11
MOST_BYTES = (1 << 31) - 1  # of a protobuf message
MOST_PATH = 255  # characters of a location


@dataclass
class OnnxModel:
    """A model file whose graph was checked. Data in other files are not loaded."""

    path: Path
    proto: ModelProto
    tensors: dict[str, TensorData] = field(default_factory=dict)

    @property
    def graph(self) -> GraphProto:
        return self.proto.graph

    @property
    def opset(self) -> int:
        return standard_opset(self.proto)

    @property
    def data_files(self) -> list[Path]:
        """The files with external data, in the order of their first use."""
        return list(dict.fromkeys(tensor.file for tensor in self.tensors.values() if tensor.file is not None))

    @property
    def file_bytes(self) -> int:
        return sum(file.stat().st_size for file in [self.path, *self.data_files])


def onnx_file_of(model: Path) -> Path:
    """The .onnx file of a model that is one, or a folder with onnx/model.onnx."""
    return model / "onnx" / "model.onnx" if model.is_dir() else model


def open_onnx(path: Path) -> OnnxModel:
    """Parses and checks a file.

    Raises
    ------
    IoError
        If the file is no ONNX model, or breaks a rule: names file, initializer or node.
    """
    model = OnnxModel(path, _parse(path))
    _require_opsets(model)
    for proto in model.graph.initializer:
        if proto.name in model.tensors:
            raise IoError(f"{path}: initializer '{proto.name}' must not be repeated")
        model.tensors[proto.name] = _tensor_data(path, proto)
    _require_order(path, model.graph, frozenset(), "graph")
    return model


def node_text(node: NodeProto) -> str:
    """How messages name a node."""
    return (
        f"node '{node.name}' ({node.op_type})" if node.name else f"node {node.op_type} of '{''.join(node.output[:1])}'"
    )


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def _parse(path: Path) -> ModelProto:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise IoError(f"{path}: an ONNX file has at most 2 GiB without its external data, got {size} bytes")
    try:
        proto: ModelProto = ModelProto.FromString(path.read_bytes())
    except DecodeError as error:
        raise IoError(f"{path}: is no ONNX model: {' '.join(str(error).split())}") from error
    if not proto.HasField("graph") or not proto.graph.node:
        raise IoError(f"{path}: is no ONNX model: it has no graph with nodes")
    _require_text(path, proto)
    return proto


def _require_text(path: Path, message: Message) -> None:
    """Texts that are not UTF-8 arrive as bytes."""
    for field_of, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes | Message) else value
        if field_of.type == FieldDescriptor.TYPE_STRING:
            wrong = next((text for text in values if not isinstance(text, str)), None)
            if wrong is not None:
                raise IoError(f"{path}: {message.DESCRIPTOR.name}.{field_of.name} must be UTF-8, got {wrong[:40]!r}")
        elif field_of.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in values:
                _require_text(path, inner)


def _require_opsets(model: OnnxModel) -> None:
    newest = onnx.defs.onnx_opset_version()
    versions = [entry.version for entry in model.proto.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise IoError(f"{model.path}: opset_import must name the domain ai.onnx once, got {len(versions)} times")
    if not OLDEST_OPSET <= versions[0] <= newest:
        raise IoError(f"{model.path}: opset {versions[0]} is not read: expected {OLDEST_OPSET} to {newest}")


def _tensor_data(path: Path, proto: TensorProto) -> TensorData:
    place = f"{path}: initializer '{proto.name}'"
    if not proto.name:
        raise IoError(f"{path}: an initializer has no name")
    if proto.data_type not in TensorProto.DataType.values() or proto.data_type == TensorProto.UNDEFINED:
        raise IoError(f"{place}: data type {proto.data_type} is unknown")
    shape = tuple(proto.dims)
    if any(size < 0 for size in shape):
        raise IoError(f"{place}: dimensions must not be negative, got {list(shape)}")
    if proto.data_type == TensorProto.STRING:
        return TensorData(proto.name, shape, proto, 0)
    expected = _byte_count(proto.data_type, shape)
    if proto.data_location == TensorProto.EXTERNAL:
        return _external_data(path, proto, shape, expected, place)
    if proto.HasField("raw_data"):
        if len(proto.raw_data) != expected:
            raise IoError(f"{place}: shape {list(shape)} needs {expected} bytes, got {len(proto.raw_data)}")
    elif math.prod(shape) > 0:
        _require_values(proto, shape, place)
    return TensorData(proto.name, shape, proto, expected)


def _byte_count(data_type: int, shape: tuple[int, ...]) -> int:
    bits = _BITS.get(data_type)
    if bits is None:
        bits = 8 * onnx.helper.tensor_dtype_to_np_dtype(data_type).itemsize
    return (math.prod(shape) * bits + 7) // 8


_BITS = {
    getattr(TensorProto, name): bits
    for name, bits in (("INT4", 4), ("UINT4", 4), ("FLOAT4E2M1", 4), ("INT2", 2), ("UINT2", 2))
    if hasattr(TensorProto, name)
}


def _require_values(proto: TensorProto, shape: tuple[int, ...], place: str) -> None:
    """Values in a typed field, such as float_data."""
    field_name = onnx.helper.tensor_dtype_to_field(proto.data_type)
    found = len(getattr(proto, field_name))
    expected = math.prod(shape)
    if proto.data_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        expected *= 2
    bits = _BITS.get(proto.data_type, 8)
    if bits < 8:
        expected = (expected * bits + 7) // 8
    if found != expected:
        raise IoError(f"{place}: shape {list(shape)} needs {expected} values in {field_name}, got {found}")


def _external_data(path: Path, proto: TensorProto, shape: tuple[int, ...], expected: int, place: str) -> TensorData:
    fields = {entry.key: entry.value for entry in proto.external_data}
    file = _external_file(path, fields.get("location", ""), place)
    offset = _whole_number(fields.get("offset", "0"), "offset", place)
    length = _whole_number(fields.get("length", str(expected)), "length", place)
    if length != expected:
        raise IoError(f"{place}: shape {list(shape)} needs {expected} bytes, external data have {length}")
    size = file.stat().st_size
    if offset + length > size:
        raise IoError(f"{place}: external data end at {offset + length}, {file} has {size} bytes")
    return TensorData(proto.name, shape, proto, expected, file, offset)


def _external_file(path: Path, location: str, place: str) -> Path:
    """The file of a location that stays within the folder of the model."""
    given = Path(location)
    leaves = given.is_absolute() or ".." in given.parts or "\\" in location or "\0" in location
    if not location or len(location) > MOST_PATH or leaves:
        raise IoError(f"{place}: external data must lie in the model's folder, got location '{location}'")
    file = path.parent / location
    if not file.is_file():
        raise IoError(f"{place}: external data '{location}' do not exist")
    if not file.resolve().is_relative_to(path.parent.resolve()) and not _same_blob_store(path, file):
        raise IoError(f"{place}: external data '{location}' lead out of the model's folder")
    return file


def _same_blob_store(path: Path, file: Path) -> bool:
    """Download caches keep files under other names in one folder, and link to them."""
    return path.is_symlink() and file.resolve().parent == path.resolve().parent


def _whole_number(text: str, what: str, place: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise IoError(f"{place}: {what} of external data must be a number of bytes, got '{text[:40]}'")
    return int(text)


def _require_order(path: Path, graph: GraphProto, outer: frozenset[str], what: str) -> None:
    """Every input of a node is computed before it: there are no cycles, and no value is computed twice."""
    known = set(outer)
    known.update(value.name for value in graph.input)
    known.update(tensor.name for tensor in graph.initializer)
    known.update(tensor.values.name for tensor in graph.sparse_initializer)
    produced = {name for node in graph.node for name in node.output}
    inner = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        for name in node.input:
            if name and name not in known:
                reason = "before it is computed: the graph has a cycle, or its nodes are not in order"
                reason = reason if name in produced else "that nothing computes"
                raise IoError(f"{path}: {node_text(node)} uses '{name}' {reason}")
        for body in subgraphs(node):
            _require_order(path, body, frozenset(known), f"{what}.{node.name}")
        for name in filter(None, node.output):
            if name in inner:
                raise IoError(f"{path}: {node_text(node)} computes '{name}' a second time")
            inner.add(name)
            known.add(name)
    for value in graph.output:
        if value.name not in known:
            raise IoError(f"{path}: output '{value.name}' of the {what} is not computed")
