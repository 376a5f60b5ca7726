# SPDX-License-Identifier: Apache-2.0
"""The dense ONNX graph of a transformers model, by torch's exporter."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from loewner.onnx.export.gelu import reorder_gelus, separate_biases
from loewner.onnx.graph import OPSET

TOKENS, SENTENCE = "last_hidden_state", "sentence_embedding"
BATCH, LENGTH = 2, 8  # of the sentences with which the model is traced; the graph has dynamic sizes


class Forward(nn.Module):
    """A model whose arguments are tensors in a fixed order and whose result is one tensor."""

    def __init__(self, model: Any, inputs: Sequence[str], output: str, pooling: Sequence[nn.Module]) -> None:
        super().__init__()
        self.model, self.inputs, self.output, self.pooling = model, list(inputs), output, nn.ModuleList(pooling)

    def forward(self, *arguments: Tensor) -> Tensor:
        given = dict(zip(self.inputs, arguments, strict=True))
        result = self.model(**given, return_dict=True)
        if not self.pooling:
            tensor: Tensor = result[self.output]
            return tensor
        features = {"token_embeddings": result[TOKENS], "attention_mask": given["attention_mask"]}
        for module in self.pooling:
            features = module(features)
        sentence: Tensor = features[SENTENCE]
        return sentence


def input_names(model: Any) -> list[str]:
    """The inputs in the order of other exporters. Token types belong to models that know several."""
    known = inspect.signature(model.forward).parameters
    types = getattr(model.config, "type_vocab_size", 0) or 0
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if types > 1 else [])]
    return [name for name in names if name in known]


def output_name(model: Any, inputs: Sequence[str]) -> str:
    """The first result of a model: its hidden states, or the logits of its head."""
    with torch.no_grad():
        result = model(**dict(zip(inputs, example(inputs), strict=True)), return_dict=True)
    names = [name for name, value in result.items() if isinstance(value, Tensor)]
    return "logits" if "logits" in names else names[0]


def example(inputs: Sequence[str]) -> list[Tensor]:
    """Arguments of different tensors, so that the exporter does not take two inputs for one."""
    return [torch.full((BATCH, LENGTH), int(name != "token_type_ids")) for name in inputs]


def pooling_modules(folder: Path) -> list[nn.Module]:
    """The modules of a sentence-transformers folder after the transformer: pooling, dense layers, normalization."""
    if not (folder / "modules.json").exists():
        raise ValueError(f"{folder}: has no modules.json; --sentence needs a folder of sentence-transformers")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ImportError("--sentence needs the package sentence-transformers") from error
    modules: list[nn.Module] = list(SentenceTransformer(str(folder), device="cpu"))[1:]
    return modules


def traced(forward: Forward, output: str) -> onnx.ModelProto:
    """The dense graph. Nodes keep their names and lose the stack traces of the exporter."""
    sizes = {0: "batch", 1: "length"}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            forward.eval(),
            tuple(example(forward.inputs)),
            dynamo=True,
            input_names=forward.inputs,
            output_names=[output],
            dynamic_shapes=(tuple(sizes for _ in forward.inputs),),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None  # with dynamo there is one
    model = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:], model.metadata_props[:]
    reorder_gelus(model.graph)
    separate_biases(model.graph)
    return model


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the exporter's messages."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
