# SPDX-License-Identifier: Apache-2.0
"""A transformers model as an ONNX graph whose encoded matrices decode themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import transformers
from onnx import numpy_helper
from transformers import PreTrainedModel

import loewner
from loewner._encoded_folder import quantization_of
from loewner.onnx.decoders.base import Arrays, new_decoder
from loewner.onnx.export.exporting import Exported
from loewner.onnx.export.torch_arrays import to_numpy
from loewner.onnx.export.tracing import SENTENCE, Forward, input_names, output_name, pooling_modules, traced
from loewner.onnx.graph import Graph
from loewner.onnx.record import Record
from loewner.onnx.replacing import Linear, Owner, narrow, rename_inputs, replace
from loewner.transformers.checkpoint_names import saved_names
from loewner.transformers.kept_encodings import encoded_state
from loewner.transformers.torch_state import usual_torch_state


@dataclass
class Matrix:
    """An encoded matrix of a model."""

    name: str  # of the tensor in the checkpoint
    spec: dict[str, Any]
    arrays: Arrays
    parameter: str


@usual_torch_state()
def encoder_graph(folder: Path, linear: Linear, sentence: bool, tell: Callable[[str, float], None]) -> Exported:
    """The graph of a model folder; `sentence` ends it with the pooling of sentence-transformers."""
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
    quantization = quantization_of(folder)
    stored = quantization.get("tensors", {})
    specs = {matrix.name: stored.get(matrix.name, matrix.spec) for matrix in matrices}
    record = Record("folder", {**quantization, "tensors": specs})
    _insert(proto, model, matrices, linear, dtype, record)
    if linear == "blocks" and not any(probe.kind == "layer" for probes in record.probes.values() for probe in probes):
        raise ValueError(
            f"{folder}: has no linear layer in integers for linear 'blocks'; compress with method int8 or int4"
        )
    left_out = [matrix.name for matrix in matrices if matrix.name not in record.initializers]
    return Exported(proto, record, inputs, result, left_out)


def _loaded(folder: Path) -> Any:
    config = transformers.AutoConfig.from_pretrained(folder)
    if config.is_encoder_decoder:
        raise ValueError(
            f"{folder}: '{config.model_type}' has an encoder and a decoder, which export does not write; let another "
            "exporter write the ONNX files of the dense model, and compress those"
        )
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
    proto: onnx.ModelProto,
    model: PreTrainedModel,
    matrices: list[Matrix],
    linear: Linear,
    dtype: torch.dtype,
    record: Record,
) -> None:
    """Replace the dense initializers of encoded matrices that the graph uses, and record them."""
    by_values: dict[bytes, list[str]] = {}
    for tensor in proto.graph.initializer:
        if len(tensor.dims) == 2 and tensor.data_type == onnx.TensorProto.FLOAT:
            by_values.setdefault(_digest(numpy_helper.to_array(tensor)), []).append(tensor.name)
    graph = Graph()
    for matrix in matrices:
        dense = model.get_parameter(matrix.parameter).detach().numpy()
        owners = [Owner(name, False) for name in by_values.get(_digest(dense), [])]
        turned = [Owner(name, True) for name in by_values.get(_digest(dense.T), [])]
        owners += [owner for owner in turned if owner.name not in {other.name for other in owners}]
        if owners:
            decoder = new_decoder(graph, matrix.name.removesuffix("weight"), matrix.spec, matrix.arrays)
            record.add(matrix.name, [owner.name for owner in owners], replace(proto, graph, decoder, owners, linear))
    if dtype in (torch.float16, torch.bfloat16):
        narrow(proto, graph, np.float16 if dtype == torch.float16 else to_numpy(torch.empty(0, dtype=dtype)).dtype)
    graph.insert_into(proto)


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
        rename_inputs(node, names)


def _digest(values: np.ndarray[Any, Any]) -> bytes:
    return repr(values.shape).encode() + blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).digest()
