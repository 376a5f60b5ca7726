# SPDX-License-Identifier: Apache-2.0
"""How a model is calibrated: its survey and its walk, with as much text as memory and time allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from loewner import _core
from loewner.transformers.calibration import models
from loewner.transformers.calibration.batches import TOKENS_OF_BATCH
from loewner.transformers.calibration.effort import LONGEST_OF_TABLES, EffortOfTables
from loewner.transformers.calibration.large_survey import LargeSurveyor, output_layer
from loewner.transformers.calibration.large_walk import LARGE_TOKENS, LargeWalk
from loewner.transformers.calibration.matching import modules_of
from loewner.transformers.calibration.memory import Shapes, shapes_of, tokens_that_fit, whole_model_bytes, widest_drift
from loewner.transformers.calibration.moments_on_disk import MomentsOnDisk
from loewner.transformers.calibration.sequences import (
    LONGEST,
    MOST_TOKENS,
    MOST_TOKENS_OF_USER,
    CalibrationText,
    NoCalibration,
    random_batches,
    token_batches,
)
from loewner.transformers.calibration.streamed_model import StreamedModel
from loewner.transformers.calibration.survey import Layers, Progress, Surveyor, TableInputs, Tables
from loewner.transformers.calibration.table_walk import TableWalk
from loewner.transformers.calibration.walk import Walk

MOST_PARAMETERS = 1 << 30  # outside the tables, of models whose tables are calibrated by default
HELD_OUT = 16  # every 16th sequence measures the result, and no layer is fitted to it


@dataclass(frozen=True)
class Calibration:
    """What is calibrated, on which text, and within which limits."""

    session: _core.CompressSession
    folder: Path  # of the model
    text: CalibrationText
    limit: int  # bytes of memory
    progress: Progress | None
    keeps_moments: bool = False  # in the session

    def shapes(self) -> Shapes:
        return shapes_of(self.session, self.folder)

    def batches(self, model: nn.Module, *limits: int, **options: int) -> list[Tensor]:
        """token_batches of the text."""
        return token_batches(self.folder, model, self.text.lines, *limits, **options)


def surveyor_of(calibration: Calibration, on_disk: MomentsOnDisk) -> tuple[Surveyor, Layers]:
    session, shapes = calibration.session, calibration.shapes()
    show = calibration.progress or (lambda _what, _share: None)
    tokens, with_experts = _tokens_and_experts(shapes, calibration.limit, MOST_TOKENS_OF_USER)
    if tokens == 0:
        streamed = models.stream(calibration.folder, calibration.limit, shapes)
        batches = calibration.batches(streamed.model, LARGE_TOKENS, LARGE_TOKENS // 4)
        layers, tables = _modules_of_streamed(calibration, streamed)
        return LargeSurveyor(session, streamed.model, layers, tables, batches, show, on_disk.keep), layers
    model = models.load(calibration.folder)
    batches = calibration.batches(model, tokens)
    layers, tables = _modules(calibration, model, with_experts)
    surveyor = Surveyor(session, model, layers, tables, batches, show, on_disk.keep)
    surveyor.of_tables = _inputs_beside_layers(calibration)
    return surveyor, layers


def walk_of(calibration: Calibration) -> Walk:
    text, shapes = calibration.text, calibration.shapes()
    most = MOST_TOKENS_OF_USER if text.lines else MOST_TOKENS
    tokens, with_experts = _tokens_and_experts(shapes, calibration.limit, most)
    if tokens == 0:
        return _large_walk(calibration, shapes)
    model = models.load(calibration.folder)
    fitting, held_out = _split(calibration.batches(model, tokens))
    layers, tables = _modules(calibration, model, with_experts)
    return Walk(
        calibration.session,
        model,
        layers,
        tables,
        fitting,
        held_out,
        text.name,
        calibration.keeps_moments,
        calibration.progress,
        _inputs_beside_layers(calibration),
    )


def table_walk_of(calibration: Calibration, is_default: bool) -> TableWalk:
    """is_default: nobody asked for a calibration, and it is left out where it takes much longer than the encoding."""
    text, limit, shapes = calibration.text, calibration.limit, calibration.shapes()
    others = shapes.parameters - sum(rows * cols for rows, cols in shapes.tables)
    if is_default and others > MOST_PARAMETERS:
        raise NoCalibration(f"it takes long for {others / 1e9:.1f} billion parameters; text 'package' calibrates")
    needed = whole_model_bytes(shapes, 0, TOKENS_OF_BATCH)
    if needed > limit:
        raise NoCalibration(f"it needs about {needed >> 20} MiB of memory, and the limit is {limit >> 20} MiB")
    model = models.load(calibration.folder)
    has_logits = output_layer(model) is not None
    longest = LONGEST if text.lines or has_logits else LONGEST_OF_TABLES
    fitting, held_out = _split(calibration.batches(model, longest=longest))
    _, tables = _modules(calibration, model)
    return TableWalk(
        calibration.session,
        model,
        tables,
        fitting,
        held_out,
        text.name,
        calibration.keeps_moments,
        calibration.progress,
        _table_inputs(calibration, EffortOfTables.alone(bool(text.lines), others)),
    )


def _inputs_beside_layers(calibration: Calibration) -> TableInputs:
    return _table_inputs(calibration, EffortOfTables.beside_layers(bool(calibration.text.lines)))


def _table_inputs(calibration: Calibration, effort: EffortOfTables) -> TableInputs:
    """Random sequences where there is no text of the user, and the row weights of token embeddings."""
    tensors, folder = calibration.session.tensors, calibration.folder
    tables = {number: tensor.rows for number, tensor in enumerate(tensors) if tensor.role == "token_embedding"}
    if not tables:
        return TableInputs(effort)
    weights = {
        number: torch.tensor(frequencies, dtype=torch.float64).sqrt()
        for number, rows in tables.items()
        if len(frequencies := _core.token_frequencies(folder, rows))
    }
    drawn = [] if calibration.text.lines else random_batches(folder, min(tables.values()), effort.drawn)
    if not drawn:
        effort = replace(effort, tokens=effort.tokens + effort.drawn)
    return TableInputs(effort, drawn, weights)


def _large_walk(calibration: Calibration, shapes: Shapes) -> LargeWalk:
    streamed = models.stream(calibration.folder, calibration.limit, shapes)
    fitting, held_out = _split(calibration.batches(streamed.model, LARGE_TOKENS, LARGE_TOKENS // 4))
    layers, tables = _modules_of_streamed(calibration, streamed)
    return LargeWalk(
        streamed.recent,
        widest_drift(shapes, calibration.limit - models.bytes_of_streamed(streamed, shapes)),
        calibration.session,
        streamed.model,
        layers,
        tables,
        fitting,
        held_out,
        calibration.text.name,
        calibration.keeps_moments,
        calibration.progress,
    )


def _tokens_and_experts(shapes: Shapes, limit: int, most: int) -> tuple[int, bool]:
    """How many tokens a model in memory can take, 0 if it does not fit; whether experts have moments of their own."""
    with_experts = tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH) > 0
    return tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH, with_experts), with_experts


def _modules(calibration: Calibration, model: nn.Module, with_experts: bool = True) -> tuple[Layers, Tables]:
    layers, tables = modules_of(calibration.session, model, calibration.folder, with_experts)
    if not layers and any(tensor.inputs for tensor in calibration.session.tensors):
        raise NoCalibration("no selected linear layer is an nn.Linear or Conv1D of the model")
    if not layers and not tables:
        raise NoCalibration("no selected table is an nn.Embedding of the model")
    return layers, tables


def _modules_of_streamed(calibration: Calibration, streamed: StreamedModel) -> tuple[Layers, Tables]:
    held, tables = _modules(calibration, streamed.model)
    return {name: replace(layer, read=partial(streamed.weight, name)) for name, layer in held.items()}, tables


def _split(batches: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The sequences to fit, and every 16th, which measures."""
    fitting = [batch[torch.arange(len(batch)) % HELD_OUT != HELD_OUT - 1] for batch in batches]
    held_out = [batch[HELD_OUT - 1 :: HELD_OUT] for batch in batches]
    return fitting, [batch for batch in held_out if len(batch)]
