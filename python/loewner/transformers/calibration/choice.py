# SPDX-License-Identifier: Apache-2.0
"""How a model is calibrated: its survey and its walk, with as much text as memory and time allow."""

from __future__ import annotations

from dataclasses import replace
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


def surveyor_of(
    session: _core.CompressSession,
    folder: Path,
    text: CalibrationText,
    limit: int,
    on_disk: MomentsOnDisk,
    progress: Progress | None,
) -> tuple[Surveyor, Layers]:
    """limit: bytes of memory."""
    shapes, show = shapes_of(session, folder), progress or (lambda _what, _share: None)
    tokens, with_experts = _tokens_and_experts(shapes, limit, MOST_TOKENS_OF_USER)
    if tokens == 0:
        streamed = models.stream(folder, limit, shapes)
        batches = token_batches(folder, streamed.model, text.lines, LARGE_TOKENS, LARGE_TOKENS // 4)
        layers, tables = _modules_of_streamed(session, streamed, folder)
        return LargeSurveyor(session, streamed.model, layers, tables, batches, show, on_disk.keep), layers
    model = models.load(folder)
    batches = token_batches(folder, model, text.lines, tokens)
    layers, tables = _modules(session, model, folder, with_experts)
    surveyor = Surveyor(session, model, layers, tables, batches, show, on_disk.keep)
    surveyor.of_tables = _table_inputs(session, folder, text, EffortOfTables.beside_layers(bool(text.lines)))
    return surveyor, layers


def walk_of(
    session: _core.CompressSession,
    folder: Path,
    text: CalibrationText,
    limit: int,
    keeps_moments: bool,
    progress: Progress | None,
) -> Walk:
    """limit: bytes of memory."""
    shapes = shapes_of(session, folder)
    tokens, with_experts = _tokens_and_experts(shapes, limit, MOST_TOKENS_OF_USER if text.lines else MOST_TOKENS)
    if tokens == 0:
        return _large_walk(session, folder, text, limit, shapes, keeps_moments, progress)
    model = models.load(folder)
    fitting, held_out = _split(token_batches(folder, model, text.lines, tokens))
    layers, tables = _modules(session, model, folder, with_experts)
    of_tables = _table_inputs(session, folder, text, EffortOfTables.beside_layers(bool(text.lines)))
    return Walk(session, model, layers, tables, fitting, held_out, text.name, keeps_moments, progress, of_tables)


def table_walk_of(
    session: _core.CompressSession,
    folder: Path,
    text: CalibrationText,
    limit: int,
    keeps_moments: bool,
    progress: Progress | None,
    is_default: bool,
) -> TableWalk:
    """limit: bytes of memory."""
    shapes = shapes_of(session, folder)
    others = shapes.parameters - sum(rows * cols for rows, cols in shapes.tables)
    if is_default and others > MOST_PARAMETERS:
        raise NoCalibration(f"it takes long for {others / 1e9:.1f} billion parameters; text 'package' calibrates")
    needed = whole_model_bytes(shapes, 0, TOKENS_OF_BATCH)
    if needed > limit:
        raise NoCalibration(f"it needs about {needed >> 20} MiB of memory, and the limit is {limit >> 20} MiB")
    model = models.load(folder)
    has_logits = output_layer(model) is not None
    longest = LONGEST if text.lines or has_logits else LONGEST_OF_TABLES
    fitting, held_out = _split(token_batches(folder, model, text.lines, longest=longest))
    _, tables = _modules(session, model, folder)
    of_tables = _table_inputs(session, folder, text, EffortOfTables.alone(bool(text.lines), others))
    return TableWalk(session, model, tables, fitting, held_out, text.name, keeps_moments, progress, of_tables)


def _table_inputs(
    session: _core.CompressSession, folder: Path, text: CalibrationText, effort: EffortOfTables
) -> TableInputs:
    """Random sequences where there is no text of the user, and the row weights of token embeddings."""
    tables = {number: tensor.rows for number, tensor in enumerate(session.tensors) if tensor.role == "token_embedding"}
    if not tables:
        return TableInputs(effort)
    weights = {
        number: torch.tensor(frequencies, dtype=torch.float64).sqrt()
        for number, rows in tables.items()
        if len(frequencies := _core.token_frequencies(folder, rows))
    }
    drawn = [] if text.lines else random_batches(folder, min(tables.values()), effort.drawn)
    if not drawn:
        effort = replace(effort, tokens=effort.tokens + effort.drawn)
    return TableInputs(effort, drawn, weights)


def _large_walk(
    session: _core.CompressSession,
    folder: Path,
    text: CalibrationText,
    limit: int,
    shapes: Shapes,
    keeps_moments: bool,
    progress: Progress | None,
) -> LargeWalk:
    streamed = models.stream(folder, limit, shapes)
    model = streamed.model
    fitting, held_out = _split(token_batches(folder, model, text.lines, LARGE_TOKENS, LARGE_TOKENS // 4))
    layers, tables = _modules_of_streamed(session, streamed, folder)
    widest = widest_drift(shapes, limit - models.bytes_of_streamed(streamed, shapes))
    return LargeWalk(
        streamed.recent, widest, session, model, layers, tables, fitting, held_out, text.name, keeps_moments, progress
    )


def _tokens_and_experts(shapes: Shapes, limit: int, most: int) -> tuple[int, bool]:
    """How many tokens a model in memory can take, 0 if it does not fit; whether experts have moments of their own."""
    with_experts = tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH) > 0
    return tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH, with_experts), with_experts


def _modules(
    session: _core.CompressSession, model: nn.Module, folder: Path, with_experts: bool = True
) -> tuple[Layers, Tables]:
    layers, tables = modules_of(session, model, folder, with_experts)
    if not layers and any(tensor.inputs for tensor in session.tensors):
        raise NoCalibration("no selected linear layer is an nn.Linear or Conv1D of the model")
    if not layers and not tables:
        raise NoCalibration("no selected table is an nn.Embedding of the model")
    return layers, tables


def _modules_of_streamed(
    session: _core.CompressSession, streamed: StreamedModel, folder: Path
) -> tuple[Layers, Tables]:
    held, tables = _modules(session, streamed.model, folder)
    return {name: replace(layer, read=partial(streamed.weight, name)) for name, layer in held.items()}, tables


def _split(batches: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The sequences to fit, and every 16th, which measures."""
    fitting = [batch[torch.arange(len(batch)) % HELD_OUT != HELD_OUT - 1] for batch in batches]
    held_out = [batch[HELD_OUT - 1 :: HELD_OUT] for batch in batches]
    return fitting, [batch for batch in held_out if len(batch)]
