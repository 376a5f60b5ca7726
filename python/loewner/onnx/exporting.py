# SPDX-License-Identifier: Apache-2.0
"""A model folder as an ONNX file for stock runtimes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import transformers
from onnx import helper, numpy_helper
from transformers import PreTrainedModel

import loewner
from loewner._checksums import checksum_of_specification
from loewner._core import IfExists
from loewner.onnx.checkpoint import to_numpy
from loewner.onnx.decoders.base import Arrays, new_decoder
from loewner.onnx.folder import NewFolder
from loewner.onnx.graph import Graph
from loewner.onnx.replacing import Linear, Owner, Probe, narrow, replace
from loewner.onnx.tracing import SENTENCE, Forward, input_names, output_name, pooling_modules, traced
from loewner.transformers.checkpoint_names import saved_names
from loewner.transformers.kept_encodings import encoded_state

Progress = Callable[[str, float], None]
METADATA_KEY = "loewner"
FOLDER, LARGEST = "onnx", 2**31 - 2**20  # a protobuf message is less than 2 GiB


@dataclass
class Matrix:
    """An encoded matrix of a model."""

    name: str  # of the tensor in the checkpoint
    spec: dict[str, Any]
    arrays: Arrays
    parameter: str
    probes: list[Probe] = field(default_factory=list)


def export_model(
    folder: Path,
    output: Path,
    *,
    name: str,
    linear: Linear,
    sentence: bool,
    if_exists: IfExists,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write `output`/onnx/`name` and the files beside it. Return the report."""
    tell = progress or (lambda task, share: None)
    if not (folder / "config.json").is_file():
        raise OSError(f"{folder}: expected a model folder with a config.json")
    if Path(name).name != name or not name.endswith(".onnx"):
        raise ValueError(f"export: name must be a file name that ends in .onnx, got '{name}'")
    with NewFolder(output, if_exists, [folder]) as staged:
        tell("loading", 0.0)
        model = _loaded(folder)
        matrices = _matrices(model)
        dtype = model.dtype
        model.dequantize() if matrices else None
        model.float()
        tell("tracing", 0.2)
        inputs = input_names(model)
        pooling = pooling_modules(folder) if sentence else []
        result = SENTENCE if sentence else output_name(model, inputs)
        proto = traced(Forward(model, inputs, result, pooling), result)
        _rename(proto, model)
        tell("encoding", 0.7)
        used = _insert(proto, model, matrices, linear, dtype)
        _describe(proto, folder, used)
        tell("checking", 0.8)
        file = staged.path / FOLDER / name
        _write(proto, file)
        staged.copy_others(folder)
        staged.publish()
    tell("", 1.0)
    size = sum(path.stat().st_size for path in (output / FOLDER).glob(f"{name}*"))
    return {
        "file": str(output / FOLDER / name),
        "bytes": size,
        "linear": linear,
        "inputs": inputs,
        "output": result,
        "encoded_tensors": [matrix.name for matrix in used],
        "left_out": [matrix.name for matrix in matrices if matrix not in used],
    }


def _loaded(folder: Path) -> Any:
    config = transformers.AutoConfig.from_pretrained(folder)
    if config.is_encoder_decoder:
        raise ValueError(f"{folder}: models of an encoder and a decoder are not exported")
    names = getattr(config, "architectures", None) or []
    found = next((getattr(transformers, name) for name in names if hasattr(transformers, name)), transformers.AutoModel)
    config.use_cache = False
    model: Any = loewner.load(folder, memory="small", model_class=found, config=config, attn_implementation="eager")
    return model.eval()


def _matrices(model: PreTrainedModel) -> list[Matrix]:
    """The encoded matrices, also those of layers that were decoded while loading; tied parameters are one."""
    state, saved = encoded_state(model)
    names = saved_names(model, list(saved), state)
    return [
        Matrix(
            f"{names[parameter].rpartition('.')[0]}.weight",
            encoding.spec,
            {name: to_numpy(array.detach()) for name, array in encoding.arrays.items()},
            f"{parameter.rpartition('.')[0]}.weight",
        )
        for parameter, encoding in saved.items()
    ]


def _insert(
    proto: onnx.ModelProto, model: PreTrainedModel, matrices: list[Matrix], linear: Linear, dtype: torch.dtype
) -> list[Matrix]:
    """Replace the dense initializers of encoded matrices. Return the matrices that the graph uses."""
    by_values: dict[bytes, list[str]] = {}
    for tensor in proto.graph.initializer:
        if len(tensor.dims) == 2 and tensor.data_type == onnx.TensorProto.FLOAT:
            by_values.setdefault(_digest(numpy_helper.to_array(tensor)), []).append(tensor.name)
    graph, used = Graph(), []
    for matrix in matrices:
        dense = model.get_parameter(matrix.parameter).detach().numpy()
        owners = [Owner(name, False) for name in by_values.get(_digest(dense), [])]
        turned = [Owner(name, True) for name in by_values.get(_digest(dense.T), [])]
        owners += [owner for owner in turned if owner.name not in {other.name for other in owners}]
        if owners:
            decoder = new_decoder(graph, matrix.name.removesuffix("weight"), matrix.spec, matrix.arrays)
            matrix.probes = replace(proto, graph, decoder, owners, linear)
            used.append(matrix)
    if dtype in (torch.float16, torch.bfloat16):
        narrow(proto, graph, np.float16 if dtype == torch.float16 else to_numpy(torch.empty(0, dtype=dtype)).dtype)
    graph.insert_into(proto)
    return used


def _rename(proto: onnx.ModelProto, model: PreTrainedModel) -> None:
    """Give initializers the names that tensors have in the checkpoint, for verification and for readers."""
    begin = "model."  # the attribute of `Forward`
    parameters = [t.name.removeprefix(begin) for t in proto.graph.initializer if t.name.startswith(begin)]
    state = {name for name, _ in model.named_parameters()}
    saved = saved_names(model, [name for name in parameters if name in state])
    names = {begin + parameter: name for parameter, name in saved.items()}
    for tensor in proto.graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in proto.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)


def _digest(values: np.ndarray[Any, Any]) -> bytes:
    return repr(values.shape).encode() + blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).digest()


def _describe(proto: onnx.ModelProto, folder: Path, used: list[Matrix]) -> None:
    """The specifications of the arrays, in the metadata of the file; other producers write theirs there, too."""
    proto.producer_name, proto.producer_version = "loewner", loewner.__version__
    proto.graph.name = "main"
    if not used:
        return
    stored = json.loads((folder / "config.json").read_text())["quantization_config"]
    checksums = stored.get("checksums", {}).get("tensors", {})
    kept = {matrix.name for matrix in used}
    quantization = {
        **{field: value for field, value in stored.items() if field not in ("checksums", "added_fields", "base_card")},
        "tensors": {matrix.name: stored["tensors"].get(matrix.name, matrix.spec) for matrix in used},
        "checksums": {"tensors": {name: value for name, value in checksums.items() if name in kept}},
    }
    quantization["checksums"]["specification"] = checksum_of_specification(quantization)
    places = {matrix.name: [{"name": matrix.name, "transposed": False}] for matrix in used}
    probes = {matrix.name: [probe._asdict() for probe in matrix.probes] for matrix in used}
    record = {"quantization_config": quantization, "initializers": places, "probes": probes}
    helper.set_model_props(proto, {METADATA_KEY: json.dumps(record)})


def _write(proto: onnx.ModelProto, file: Path) -> None:
    """Write a file with the shapes of its values, and its data beside it if it is too large for one message."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if proto.ByteSize() > LARGEST:
        onnx.save(proto, file, save_as_external_data=True, location=f"{file.name}_data", size_threshold=1024)
        onnx.shape_inference.infer_shapes_path(file, file, strict_mode=True)
        onnx.checker.check_model(file, full_check=True)
        return
    proto = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    onnx.checker.check_model(proto, full_check=True)
    file.write_bytes(proto.SerializeToString(deterministic=True))
