# SPDX-License-Identifier: Apache-2.0
"""The initializers of an ONNX file that an encoding replaces, and what is said about the others."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from loewner._core import IoError, Selection
from loewner.onnx.compress.roles import LINEAR, OTHER, POSITIONS, TOKENS, TYPES, Place, places_of
from loewner.onnx.compress.ties import Copy, copies_of
from loewner.onnx.compress.uses import Uses
from loewner.onnx.reading import OnnxModel, node_text
from loewner.onnx.tensor_data import TensorData

FEWEST_ENTRIES = 16384  # smaller matrices are not worth the nodes of their decoder
LARGE_SHARE = 0.01  # of the file, from which an initializer that stays is named
_ROLES = {
    Selection.embeddings: {TOKENS},
    Selection.linear: {LINEAR},
    Selection.all: {TOKENS, LINEAR, POSITIONS, TYPES},
}


@dataclass
class Selected:
    """Matrices to encode, their copies by name, the place of every initializer, and notes for the user."""

    tensors: list[TensorData]
    copies: dict[str, list[Copy]]
    places: dict[str, Place]
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """All initializers that an encoding replaces."""
        return {t.name for t in self.tensors} | {copy.name for copies in self.copies.values() for copy in copies}

    def bytes_in(self, model: OnnxModel) -> int:
        return sum(model.tensors[name].byte_count for name in self.names)


def select(model: OnnxModel, selection: Selection, include: Sequence[str], exclude: Sequence[str]) -> Selected:
    """Chooses matrices by role and by regular expressions on their names.

    Raises
    ------
    IoError
        If nothing is selected, `include` names a quantized matrix, or a selected one is an input or output of the graph
        or is used in the body of a node: names it and the node.
    ValueError
        If a regular expression is wrong.
    """
    places = places_of(model)
    included, excluded = _pattern(include), _pattern(exclude)
    chosen: list[TensorData] = []
    quantized: list[TensorData] = []
    for tensor in model.tensors.values():
        place = places[tensor.name]
        is_named = included is not None and included.search(tensor.name) is not None
        if excluded is not None and excluded.search(tensor.name):
            continue
        if place.quantized:
            if is_named:
                raise IoError(f"{_place_text(model, tensor)}: is quantized already ({tensor.type_name})")
            if math.prod(tensor.shape) >= FEWEST_ENTRIES:
                quantized.append(tensor)
        elif is_named or (place.role in _ROLES[selection] and math.prod(tensor.shape) >= FEWEST_ENTRIES):
            _require_matrix(model, tensor)
            chosen.append(tensor)
    notes = _notes(model, places, chosen, quantized)
    if not chosen:
        raise IoError("; ".join([f"{model.path}: no initializer is selected", *notes, "`loewner inspect` lists them"]))
    _require_free(model, chosen)
    copies = copies_of(chosen, places)
    copied = {copy.name for group in copies.values() for copy in group}
    return Selected([tensor for tensor in chosen if tensor.name not in copied], copies, places, notes)


def _require_matrix(model: OnnxModel, tensor: TensorData) -> None:
    if not tensor.is_float or len(tensor.shape) != 2 or min(tensor.shape) < 2:
        raise IoError(
            f"{_place_text(model, tensor)}: expected a floating-point matrix with at least 2 rows and 2 columns, "
            f"got {tensor.type_name} {list(tensor.shape)}"
        )


def _require_free(model: OnnxModel, chosen: Iterable[TensorData]) -> None:
    """A selected initializer is a constant that only nodes of the main graph use."""
    uses = Uses(model.graph)
    for tensor in chosen:
        name = tensor.name
        if uses.is_graph_input(name):
            raise IoError(
                f"{_place_text(model, tensor)}: is also an input of the graph, so that callers may replace it: "
                "export with keep_initializers_as_inputs=False, or leave it out with --exclude"
            )
        if uses.is_graph_output(name):
            raise IoError(f"{_place_text(model, tensor)}: is also an output of the graph: leave it out with --exclude")
        body = uses.body_of(name)
        if body is not None:
            raise IoError(
                f"{_place_text(model, tensor)}: the body of {node_text(body)} uses it: leave it out with --exclude"
            )


def _place_text(model: OnnxModel, tensor: TensorData) -> str:
    return f"{model.path}: initializer '{tensor.name}'"


def _pattern(expressions: Sequence[str]) -> re.Pattern[str] | None:
    try:
        return re.compile("|".join(f"(?:{expression})" for expression in expressions)) if expressions else None
    except re.error as error:
        raise ValueError(f"invalid regular expression in {list(expressions)}: {error}") from error


def _notes(
    model: OnnxModel, places: dict[str, Place], chosen: list[TensorData], quantized: list[TensorData]
) -> list[str]:
    notes = []
    if quantized:
        notes.append(f"{_list_text(quantized)}: quantized already ({quantized[0].type_name}), stays as it is")
    large = LARGE_SHARE * model.file_bytes
    taken = {tensor.name for tensor in (*chosen, *quantized)}
    by_operator: dict[str, list[TensorData]] = defaultdict(list)
    for tensor in model.tensors.values():
        if tensor.name not in taken and tensor.byte_count >= large and places[tensor.name].role == OTHER:
            by_operator[", ".join(places[tensor.name].operators)].append(tensor)
    notes += [
        f"{_list_text(group)}: stays as it is, as constant of {operators or 'no node'}"
        for operators, group in by_operator.items()
    ]
    return notes


def _list_text(tensors: Sequence[TensorData]) -> str:
    more = f" and {len(tensors) - 1} more" if len(tensors) > 1 else ""
    return tensors[0].name + more
