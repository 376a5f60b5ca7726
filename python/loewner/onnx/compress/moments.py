# SPDX-License-Identifier: Apache-2.0
"""Second moments of the inputs of linear layers: onnxruntime runs the model on a text and gives those inputs out."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from loewner._texts import lines_of, package_text
from loewner.onnx.compress.selection import Selected
from loewner.onnx.compress.uses import Uses, attribute
from loewner.onnx.reading import OnnxModel
from loewner.onnx.safetensors_file import Entry, write_safetensors
from loewner.onnx.sessions import new_session

MOST_TOKENS = 32768
LONGEST = 128  # tokens of a sequence
BATCH_BYTES = 1 << 27  # of all inputs that one run gives out
GROUP_BYTES = 1 << 28  # of all moments that one pass sums
_TOKEN_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")

Array = np.ndarray[Any, np.dtype[Any]]


class NoCalibration(Exception):
    """The model cannot be run on a text; the message says why."""


def write_moments(
    model: OnnxModel, selected: Selected, text: Path | None, tokenizer: Path | None, fingerprint: str, path: Path
) -> None:
    """Writes a moments file for the selected linear layers (docs/moments.md). `text`: None is the package's."""
    layers = _layer_inputs(model, selected)
    if not layers:
        raise NoCalibration("no selected matrix is the second factor of a product")
    sequences = _sequences(tokenizer, text)
    sums = _sums(model, sorted(set(layers.values())), sequences)
    used = {layer: value for layer, value in layers.items() if value in sums}
    if not used:
        raise NoCalibration("the inputs of the selected layers are not vectors of tokens")
    keys = {value: f"{number}" for number, value in enumerate(dict.fromkeys(used.values()))}
    description = {
        "version": "1.0",
        "model": fingerprint,
        "inputs": {keys[value]: {"tokens": sums[value].tokens} for value in keys},
        "layers": {layer: {"inputs": keys[value]} for layer, value in used.items()},
    }
    entries = [_entry(f"second.{key}", sums[value].mean()) for value, key in keys.items()]
    write_safetensors(path, entries, {"loewner_moments": json.dumps(description)})


def _entry(name: str, array: Array) -> Entry:
    return Entry(name, "F32", tuple(array.shape), array.nbytes, [np.ascontiguousarray(array)])


def _layer_inputs(model: OnnxModel, selected: Selected) -> dict[str, str]:
    """The value that each selected linear layer multiplies, by the layer's name."""
    uses = Uses(model.graph)
    found: dict[str, str] = {}
    for tensor in selected.tensors:
        names = [tensor.name, *(copy.name for copy in selected.copies.get(tensor.name, []))]
        for use in (use for name in names for use in uses.of(name)):
            is_product = use.node.op_type in ("MatMul", "Gemm", "FusedMatMul", "Attention") and use.index == 1
            if not is_product or attribute(use.node, "transA", 0) or selected.places[tensor.name].role != "linear":
                continue
            value = use.node.input[0]
            if value not in model.tensors and not uses.is_graph_input(value):
                found.setdefault(tensor.name, value)
    return found


def _sequences(tokenizer: Path | None, text: Path | None) -> list[list[int]]:
    """Token ids of lines in random order, at most LONGEST of each; a user's text comes first."""
    if tokenizer is None or not (tokenizer / "tokenizer.json").is_file():
        raise NoCalibration("no tokenizer.json lies beside the file")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise NoCalibration("it needs the package tokenizers") from error
    reader = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    reader.no_padding()
    reader.enable_truncation(LONGEST)
    found: list[list[int]] = []
    total = 0
    for lines in ([] if text is None else lines_of(text), package_text()):
        order = list(range(len(lines)))
        random.Random(0).shuffle(order)
        for number in order:
            if total >= MOST_TOKENS:
                return found
            ids = reader.encode(lines[number]).ids
            if ids:
                found.append(ids)
                total += len(ids)
    if not found:
        raise NoCalibration("the tokenizer does not know the words of the text")
    return found


class _Sum:
    """The sum of x x^T over vectors x."""

    def __init__(self, width: int) -> None:
        self.tokens = 0
        self._sum = np.zeros((width, width))

    def add(self, vectors: Array) -> None:
        x = vectors.astype(np.float32, copy=False)
        self.tokens += len(x)
        self._sum += x.T @ x

    def mean(self) -> Array:
        return ((self._sum + self._sum.T) / (2 * self.tokens)).astype(np.float32)


def _sums(model: OnnxModel, values: Sequence[str], sequences: list[list[int]]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    waiting = list(values)
    while waiting:
        session = _Runner(model, waiting)
        widths = session.widths(sequences[0])
        group: list[str] = []
        waiting, size = [], 0
        for value, width in widths.items():
            size += width * width * 8
            (group if not group or size <= GROUP_BYTES else waiting).append(value)
        if group:
            if waiting:
                session = _Runner(model, group)
            for value in group:
                sums[value] = _Sum(widths[value])
            session.add_all(sums, group, sequences, sum(widths[value] for value in group))
    return sums


class _Runner:
    """A model that gives out some of its inner values."""

    def __init__(self, model: OnnxModel, values: Sequence[str]) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise NoCalibration("it needs onnxruntime") from error
        self._values = list(values)
        self._errors = (
            onnxruntime.capi.onnxruntime_pybind11_state.Fail,
            onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
            onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
            onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
            onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException,
        )
        proto = ModelProto()
        proto.CopyFrom(model.proto)
        del proto.graph.output[:]
        proto.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
        try:
            self._session = new_session(proto, model.path.parent)
        except self._errors as error:
            raise NoCalibration(f"onnxruntime does not load the model: {_one_line(error)}") from error
        self._inputs = {entry.name: entry for entry in self._session.get_inputs()}
        unknown = sorted(set(self._inputs) - set(_TOKEN_INPUTS))
        if unknown or "input_ids" not in self._inputs:
            raise NoCalibration(
                f"input '{unknown[0] if unknown else 'input_ids'}' of the graph is not made from a text"
            )

    def widths(self, sequence: list[int]) -> dict[str, int]:
        """The length of the vectors of each value that is a list of vectors."""
        outputs, _ = self._run([sequence])
        return {
            value: output.shape[-1]
            for value, output in zip(self._values, outputs, strict=True)
            if isinstance(output, np.ndarray) and output.ndim >= 2 and output.dtype.kind == "f"
        }

    def add_all(self, sums: dict[str, _Sum], values: Sequence[str], sequences: list[list[int]], width: int) -> None:
        """Adds the vectors of all sequences; vectors of padding are left out."""
        for batch in self._batches(sequences, max(LONGEST, BATCH_BYTES // (4 * width))):
            outputs, mask = self._run(batch)
            for value, output in zip(self._values, outputs, strict=True):
                if value in values:
                    sums[value].add(_vectors(output, mask))

    def _batches(self, sequences: list[list[int]], most_tokens: int) -> Iterator[list[list[int]]]:
        ordered = sorted(sequences, key=len)
        fixed = self._inputs["input_ids"].shape[0]
        start = 0
        while start < len(ordered):
            count = fixed if isinstance(fixed, int) else max(1, min(32, most_tokens // LONGEST))
            yield ordered[start : start + count]
            start += count

    def _run(self, batch: list[list[int]]) -> tuple[list[Array], Array]:
        rows, length = self._inputs["input_ids"].shape
        rows = rows if isinstance(rows, int) else len(batch)
        length = length if isinstance(length, int) else max(map(len, batch))
        ids, mask = np.zeros((rows, length), np.int64), np.zeros((rows, length), np.int64)
        for row, sequence in enumerate(batch):
            ids[row, : len(sequence)] = sequence[:length]
            mask[row, : len(sequence)] = 1
        mask[len(batch) :, 0] = 1  # a row without tokens would have no mean
        feeds = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(np.arange(length), ids.shape),
        }
        given = {name: feeds[name].astype(_NUMPY[entry.type]) for name, entry in self._inputs.items()}
        try:
            outputs = self._session.run(self._values, given)
        except self._errors as error:
            raise NoCalibration(f"a run of the model fails: {_one_line(error)}") from error
        mask[len(batch) :] = 0
        return outputs, mask


_NUMPY = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32}


def _vectors(output: Array, mask: Array) -> Array:
    width = output.shape[-1]
    if output.shape[:2] == mask.shape:
        output = output[mask.astype(bool)]
    elif output.ndim == 2 and len(output) == mask.size:
        output = output[mask.reshape(-1).astype(bool)]
    return output.reshape(-1, width)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
