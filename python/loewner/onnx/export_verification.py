# SPDX-License-Identifier: Apache-2.0
"""Checks an exported ONNX file: its arrays by the core, its graph by onnxruntime.

The arrays become a folder again, with the other tensors of the original, which the core verifies as any other output.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from safetensors import safe_open
from safetensors.torch import save_file

from loewner import _core
from loewner.onnx.checkpoint import file_of_each, to_numpy
from loewner.onnx.decoders.base import Arrays, format_arrays
from loewner.onnx.graph import in_order

METADATA_KEY = "loewner"
TOLERANCE = 1e-4  # of the largest entry, for what the graph decodes
TOLERANCE_8_BITS = 0.03  # of the largest output, for products of integers
PROBED_ROWS = 64
_OF_FOLDERS = ("README", "saved again", "of the original is missing", "checksums")  # in notes that a file has not


def verify_export(
    file: Path, model: Path | None, *, progress: Callable[[str, float], None] | None = None
) -> dict[str, Any]:
    """The report of `_core.verify` for an exported file, with what onnxruntime decodes and the other initializers."""
    proto = onnx.load(file)
    record = _record(proto, file)
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    matrices = {name: _arrays(stored, name, spec) for name, spec in record["quantization_config"]["tensors"].items()}
    with tempfile.TemporaryDirectory(prefix="loewner-") as folder:
        _write_folder(Path(folder), record["quantization_config"], matrices, model)
        report: dict[str, Any] = _core.verify(Path(folder), model, progress=progress)
    failures = _graph_failures(proto, record, matrices)
    if model is not None:
        failures += _other_failures(proto, stored, model, set(matrices))
    report["notes"] = [note for note in report["notes"] if not any(part in note for part in _OF_FOLDERS)]
    report["failures"] += failures
    report["holds"] = report["holds"] and not failures
    report["weights_bytes_after"] = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    return report


def _record(proto: onnx.ModelProto, file: Path) -> dict[str, Any]:
    text = next((entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise _core.IoError(f"{file}: has no metadata of loewner: expected a file that export wrote")
    try:
        record: dict[str, Any] = json.loads(text)
        assert isinstance(record["quantization_config"]["tensors"], dict) and isinstance(record["probes"], dict)
    except (json.JSONDecodeError, KeyError, TypeError, AssertionError) as error:
        raise _core.IoError(f"{file}: metadata of loewner are broken: {error!r}") from error
    return record


def _arrays(stored: dict[str, onnx.TensorProto], name: str, spec: dict[str, Any]) -> Arrays:
    prefix = name.removesuffix("weight")
    known = {
        full.removeprefix(prefix): numpy_helper.to_array(tensor)
        for full, tensor in stored.items()
        if full.startswith(prefix) and full != f"{prefix}bias"
    }
    try:
        return format_arrays(spec, known)
    except (KeyError, ValueError, TypeError) as error:
        raise _core.IoError(f"the arrays of '{name}' do not fit its specification: {error!r}") from error


def _write_folder(folder: Path, quantization: dict[str, Any], matrices: dict[str, Arrays], model: Path | None) -> None:
    config = json.loads((model / "config.json").read_text()) if model else {"model_type": "onnx"}
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": quantization}))
    tensors = {} if model is None else _dense_tensors(model, set(matrices))
    for name, arrays in matrices.items():
        for array, values in arrays.items():
            tensors[f"{name.removesuffix('weight')}{array}"] = _to_torch(values)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _dense_tensors(model: Path, encoded: set[str]) -> dict[str, torch.Tensor]:
    found = {}
    for name, file in file_of_each(model).items():
        if name not in encoded:
            with safe_open(file, framework="pt") as tensors:
                found[name] = tensors.get_tensor(name).contiguous()
    return found


def _to_torch(values: np.ndarray[Any, Any]) -> torch.Tensor:
    values = np.array(values, order="C")  # arrays of a file cannot be written to
    if values.dtype.name == "bfloat16":
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


def _other_failures(
    proto: onnx.ModelProto, stored: dict[str, onnx.TensorProto], model: Path, encoded: set[str]
) -> list[str]:
    """Initializers with the names of tensors of the original must have their values."""
    failures = []
    for name, tensor in _dense_tensors(model, encoded).items():
        held = stored.get(name) or stored.get(f"{name}.stored")
        if held is not None and not np.array_equal(
            numpy_helper.to_array(held).astype(np.float32), to_numpy(tensor).astype(np.float32)
        ):
            failures.append(f"initializer '{name}' differs from the original")
    return failures


def _graph_failures(proto: onnx.ModelProto, record: dict[str, Any], matrices: dict[str, Arrays]) -> list[str]:
    """What onnxruntime decodes against the core; nothing where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return []
    failures = []
    for name, spec in record["quantization_config"]["tensors"].items():
        expected = _decoded(spec, matrices[name])
        for probe in record["probes"].get(name, []):
            model = _cut(proto, probe["input"], probe["output"])
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            given, wanted, tolerance = _question(probe["kind"], expected)
            found = session.run(None, {probe["input"]: given} if probe["input"] else {})[0]
            error = float(np.abs(found - wanted).max(initial=0)) if found.shape == wanted.shape else np.inf
            if not error <= tolerance * float(np.abs(wanted).max(initial=0)):
                failures.append(f"tensor '{name}': the graph decodes its {probe['kind']} wrongly, by up to {error:.2g}")
    return failures


def _decoded(spec: dict[str, Any], arrays: Arrays) -> Any:
    if spec.get("format") == "bf16":
        spec = {**spec, "format": "f32"}
        arrays = {
            name: values if values.dtype == np.uint8 else values.astype(np.float32) for name, values in arrays.items()
        }
    return _core.StoredMatrix(json.dumps(spec), {n: np.ascontiguousarray(a) for n, a in arrays.items()}).decode()


def _question(kind: str, matrix: Any) -> tuple[Any, Any, float]:
    """An input of a probe, the right answer, and the tolerance."""
    if kind == "rows":
        ids = np.unique(np.linspace(0, len(matrix) - 1, PROBED_ROWS).astype(np.int64))[None]
        return ids, matrix[ids], TOLERANCE
    if kind in ("matrix", "transposed"):
        return None, matrix if kind == "matrix" else matrix.T, TOLERANCE
    x = np.random.default_rng(0).standard_normal((1, PROBED_ROWS, matrix.shape[1])).astype(np.float32)
    return x, x @ matrix.T, TOLERANCE_8_BITS


def _cut(proto: onnx.ModelProto, start: str, end: str) -> onnx.ModelProto:
    """The part of a graph that computes one value, from another one if that has a name."""
    producer = {name: node for node in proto.graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    seen, waiting = {start}, [end]
    while waiting:
        node = producer.get(name := waiting.pop())
        if name in seen or node is None:
            continue
        seen |= set(node.output)
        nodes.append(node)
        waiting.extend(node.input)
    used = {name for node in nodes for name in node.input}
    kind = onnx.TensorProto.INT64 if _is_ids(proto, start) else onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(start, kind, None)] if start else []
    graph = helper.make_graph(
        in_order(nodes),
        "probe",
        inputs,
        [helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, None)],
        [tensor for tensor in proto.graph.initializer if tensor.name in used],
    )
    return helper.make_model(
        graph, opset_imports=list(proto.opset_import), functions=list(proto.functions), ir_version=proto.ir_version
    )


def _is_ids(proto: onnx.ModelProto, name: str) -> bool:
    known = [*proto.graph.input, *proto.graph.value_info]
    return any(v.name == name and v.type.tensor_type.elem_type == onnx.TensorProto.INT64 for v in known)
