# SPDX-License-Identifier: Apache-2.0
"""What onnxruntime decodes from a file, against what the core decodes from the arrays of the file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

from loewner import _core
from loewner.onnx.decoders.base import Arrays
from loewner.onnx.graph import in_order
from loewner.onnx.reading import OnnxModel
from loewner.onnx.record import Record
from loewner.onnx.replacing import Probe
from loewner.onnx.sessions import new_session

TOLERANCE = 1e-4  # of the largest entry, for what the graph decodes
TOLERANCE_8_BITS = 0.03  # of the largest output, for products of integers
PROBED_ROWS = 64


def graph_failures(model: OnnxModel, record: Record, matrices: dict[str, Arrays]) -> list[str]:
    """A line for each matrix that the graph decodes wrongly; none where onnxruntime is not installed."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return []
    failures = []
    for name, spec in record.specs.items():
        matrix = _stored(spec, matrices[name])
        for probe in record.probes[name]:
            given, wanted, tolerance = _question(probe.kind, matrix, spec)
            try:
                part = _cut(model.proto, probe)
                given_by_name = {info.name: _zeros(info) for info in part.graph.input}
                if probe.input:
                    given_by_name[probe.input] = given
                found = new_session(part, model.path.parent).run(None, given_by_name)[0]
            except Exception as raised:  # its classes have no common base
                reason = str(raised).partition("\n")[0]
                failures.append(f"tensor '{name}': onnxruntime cannot decode its {probe.kind}: {reason}")
                continue
            error = float(np.abs(found - wanted).max(initial=0)) if found.shape == wanted.shape else np.inf
            if not error <= tolerance * float(np.abs(wanted).max(initial=0)):
                failures.append(f"tensor '{name}': the graph decodes its {probe.kind} wrongly, by up to {error:.2g}")
    return failures


def _stored(spec: dict[str, Any], arrays: Arrays) -> _core.StoredMatrix:
    if spec.get("format") == "bf16":
        spec = {**spec, "format": "f32"}
        arrays = {
            name: values if values.dtype == np.uint8 else values.astype(np.float32) for name, values in arrays.items()
        }
    return _core.StoredMatrix(json.dumps(spec), {n: np.ascontiguousarray(a) for n, a in arrays.items()})


def _question(kind: str, stored: _core.StoredMatrix, spec: dict[str, Any]) -> tuple[Any, Any, float]:
    """An input of a probe, the right answer, and the tolerance. Tables, which may be large, are not decoded whole."""
    if kind == "rows":
        ids = np.unique(np.linspace(0, spec["rows"] - 1, PROBED_ROWS).astype(np.int64))
        return ids[None], stored.decode_rows(ids)[None], TOLERANCE
    matrix: Any = stored.decode()
    if kind in ("matrix", "transposed"):
        return None, matrix if kind == "matrix" else matrix.T, TOLERANCE
    inputs_by_outputs = matrix if spec.get("inputs") == "rows" else matrix.T
    x = np.random.default_rng(0).standard_normal((PROBED_ROWS, len(inputs_by_outputs))).astype(np.float32)
    return x, x @ inputs_by_outputs, TOLERANCE_8_BITS


def _cut(proto: ModelProto, probe: Probe) -> ModelProto:
    """The part of a graph that computes the output of a probe, from its input if it has one."""
    producer = {name: node for node in proto.graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    seen, waiting = {probe.input}, [probe.output]
    while waiting:
        node = producer.get(name := waiting.pop())
        if name in seen or node is None:
            continue
        seen |= set(node.output)
        nodes.append(node)
        waiting.extend(node.input)
    used = {name for node in nodes for name in node.input}
    kind = TensorProto.INT64 if probe.kind == "rows" else TensorProto.FLOAT
    inputs = [info for info in proto.graph.input if info.name in used - {probe.input}]  # only their shapes matter
    inputs += [helper.make_tensor_value_info(probe.input, kind, None)] if probe.input else []
    graph = helper.make_graph(
        in_order(nodes),
        "probe",
        inputs,
        [helper.make_tensor_value_info(probe.output, TensorProto.FLOAT, None)],
        [tensor for tensor in proto.graph.initializer if tensor.name in used],
    )
    return helper.make_model(
        graph, opset_imports=list(proto.opset_import), functions=list(proto.functions), ir_version=proto.ir_version
    )


def _zeros(info: onnx.ValueInfoProto) -> Any:
    """A value for an input of a graph. Sizes that the graph leaves open are 1."""
    kind = info.type.tensor_type
    return np.zeros(
        [max(1, size.dim_value) for size in kind.shape.dim], helper.tensor_dtype_to_np_dtype(kind.elem_type)
    )
