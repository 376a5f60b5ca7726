# SPDX-License-Identifier: Apache-2.0
"""Codes of linear layers for the inputs that they meet: the model is run on a calibration text.

sequences   the text as batches of tokens
effort      how many tokens give the sensitivities of tables
survey      moments and effects in the original model
matching    which module uses which tensor
experts     layers that the model stacks in one parameter
lockstep    forwards that stand still together at each layer
moments     second moments of a layer's inputs
moments_on_disk  those of the original model, until a moments file is written
targets     weights that correct for the errors of earlier layers
effects     how much an error of a layer changes the outputs of the model
sensitivities  how much an error of a table's row changes the outputs, channel by channel
walk        all of it in order, with a session of the core that plans and encodes
table_walk  the same for tables alone

For a model that does not fit into memory:

memory          what a calibration needs
stored_weights  parameters that are read when they are needed
streamed_model  a model of such parameters
lean_moments    moments of layers with many inputs
token_effects   effects, one block of the model at a time
large_survey    the survey
large_walk      the walk
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from loewner import _core
from loewner.transformers.calibration.batches import TOKENS_OF_BATCH
from loewner.transformers.calibration.effort import LONGEST_OF_TABLES, EffortOfTables
from loewner.transformers.calibration.large_survey import LargeSurveyor, output_layer
from loewner.transformers.calibration.large_walk import LARGE_TOKENS, LargeWalk
from loewner.transformers.calibration.matching import modules_of
from loewner.transformers.calibration.memory import (
    Shapes,
    large_model_bytes,
    memory_limit,
    return_freed_blocks,
    shapes_of,
    tokens_that_fit,
    whole_model_bytes,
    widest_drift,
)
from loewner.transformers.calibration.moments_on_disk import MomentsOnDisk
from loewner.transformers.calibration.sequences import (
    LONGEST,
    MOST_TOKENS,
    MOST_TOKENS_OF_USER,
    CalibrationText,
    NoCalibration,
    random_batches,
    token_batches,
    token_counts,
)
from loewner.transformers.calibration.streamed_model import StreamedModel
from loewner.transformers.calibration.survey import Layers, Progress, Surveyor, TableInputs, Tables, with_guesses
from loewner.transformers.calibration.table_walk import TableWalk
from loewner.transformers.calibration.walk import Walk
from loewner.transformers.torch_state import usual_torch_state

__all__ = ["CalibrationText", "NoCalibration", "compress_calibrated", "save_moments"]

MOST_PARAMETERS = 1 << 30  # outside the tables, of models whose tables are calibrated by default
HELD_OUT = 16  # every 16th sequence measures the result, and no layer is fitted to it


@usual_torch_state()
def compress_calibrated(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    is_default: bool = False,
    progress: Progress | None = None,
    on_finish: Callable[[_core.CompressSession], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`_core.compress` with linear layers coded for the inputs that `text` gives them, and tables for what it makes of
    their channels; returns its report.

    text: a file with one text on each line; None is the text of the package and, for tables, random sequences.
    is_default: nobody asked for it, and it is left out where it takes much longer than the encoding. on_finish: is
    given the finished session.

    Raises NoCalibration, before anything is written, if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    keeps_moments = bool(options.get("save_moments"))
    counts = token_counts(folder, lines.lines) if lines.lines and (folder / "config.json").is_file() else []
    with (
        _core.CompressSession(folder, output, text=lines.fingerprint, token_counts=counts, **options) as session,
        _core_threads(),
    ):
        measured: dict[str, Any] = {"model": None, "tensors": None}
        walk: Walk | TableWalk | None = None
        try:
            if not session.complete:
                limit = memory_limit(int(options.get("max_memory") or 0))
                with _author_code():
                    if all(tensor.inputs is None for tensor in session.tensors):
                        walk = _table_walk(session, folder, lines, limit, keeps_moments, progress, is_default)
                    else:
                        walk = _walk_of(session, folder, lines, limit, keeps_moments, progress)
                    walk.plan()
        except NoCalibration as error:
            failure = error  # leaving the session without an error keeps what an earlier run has finished
        else:
            if walk is not None and not session.dry_run:
                measured = walk.encode()
            report: dict[str, Any] = session.finish(
                measured["model"], of_tensors=measured["tensors"], progress=progress
            )
            if on_finish is not None:
                on_finish(session)
            return report
    raise failure


@usual_torch_state()
def save_moments(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    max_memory: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the moments of the inputs of all linear layers of the original model; returns what a report says of them.

    A model that does not fit into memory is run on LARGE_TOKENS tokens, without the sensitivities of its tables.

    Raises NoCalibration if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    options: dict[str, Any] = {"selection": _core.Selection.all, "keep": 0.5, "dry_run": True}
    with (
        _core.CompressSession(folder, "", **options) as session,
        _core_threads(),
        MomentsOnDisk.beside(Path(output)) as on_disk,
    ):
        with _author_code():
            surveyor, layers = _surveyor(session, folder, lines, memory_limit(max_memory), on_disk, progress)
            survey = surveyor.survey()
        tensors = session.tensors
        owners = sorted({inputs.owner for inputs in survey.inputs.values()})
        of_tables = {tensors[number].name: found for number, found in survey.sensitivities.items()}
        _core.write_moments_file(
            output,
            session.model_fingerprint,
            {layers[o].name: (on_disk[o], survey.inputs[o].tokens) for o in owners}
            | {name: (found.second.float().numpy(), found.tokens) for name, found in of_tables.items()},
            {layers[name].name: layers[inputs.owner].name for name, inputs in survey.inputs.items()}
            | {name: name for name in of_tables},
            {tensors[number].name: effect for number, effect in with_guesses(survey.effects, tensors).items()},
            token_counts(folder, lines.lines) if lines.lines else [],
        )
    tokens = max(inputs.tokens for inputs in survey.inputs.values())
    return {"text": lines.name, "tokens": tokens, "layers": len(survey.inputs), "inputs": len(owners)}


def _surveyor(
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
        streamed = _streamed(folder, limit, shapes)
        batches = token_batches(folder, streamed.model, text.lines, LARGE_TOKENS, LARGE_TOKENS // 4)
        layers, tables = _modules_of_streamed(session, streamed, folder)
        return LargeSurveyor(session, streamed.model, layers, tables, batches, show, on_disk.keep), layers
    model = _loaded(folder)
    batches = token_batches(folder, model, text.lines, tokens)
    layers, tables = _modules(session, model, folder, with_experts)
    surveyor = Surveyor(session, model, layers, tables, batches, show, on_disk.keep)
    surveyor.of_tables = _table_inputs(session, folder, text, EffortOfTables.beside_layers(bool(text.lines)))
    return surveyor, layers


@contextmanager
def _author_code() -> Iterator[None]:
    """Forwards run the author's code of the model, which may raise any exception: NoCalibration tells it."""
    try:
        yield
    except (NoCalibration, MemoryError, _core.BudgetError, _core.IoError):
        raise
    except Exception as error:
        raise NoCalibration(f"a forward of the model fails: {_one_line(error)}") from error


def _modules(
    session: _core.CompressSession, model: nn.Module, folder: Path, with_experts: bool = True
) -> tuple[Layers, Tables]:
    layers, tables = modules_of(session, model, folder, with_experts)
    if not layers and any(tensor.inputs for tensor in session.tensors):
        raise NoCalibration("no selected linear layer is an nn.Linear or Conv1D of the model")
    if not layers and not tables:
        raise NoCalibration("no selected table is an nn.Embedding of the model")
    return layers, tables


def _walk_of(
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
    model = _loaded(folder)
    fitting, held_out = _split(token_batches(folder, model, text.lines, tokens))
    layers, tables = _modules(session, model, folder, with_experts)
    of_tables = _table_inputs(session, folder, text, EffortOfTables.beside_layers(bool(text.lines)))
    return Walk(session, model, layers, tables, fitting, held_out, text.name, keeps_moments, progress, of_tables)


def _table_walk(
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
    model = _loaded(folder)
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
    streamed = _streamed(folder, limit, shapes)
    model = streamed.model
    fitting, held_out = _split(token_batches(folder, model, text.lines, LARGE_TOKENS, LARGE_TOKENS // 4))
    layers, tables = _modules_of_streamed(session, streamed, folder)
    widest = widest_drift(shapes, limit - _needed(streamed, shapes))
    return LargeWalk(
        streamed.recent, widest, session, model, layers, tables, fitting, held_out, text.name, keeps_moments, progress
    )


def _tokens_and_experts(shapes: Shapes, limit: int, most: int) -> tuple[int, bool]:
    """How many tokens a model in memory can take, 0 if it does not fit; whether experts have moments of their own."""
    with_experts = tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH) > 0
    return tokens_that_fit(shapes, limit, most, TOKENS_OF_BATCH, with_experts), with_experts


def _streamed(folder: Path, limit: int, shapes: Shapes) -> StreamedModel:
    try:
        streamed = StreamedModel(folder)
    except NoCalibration:
        raise
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {_one_line(error)}") from error
    if (needed := _needed(streamed, shapes)) > limit:
        raise NoCalibration(f"it needs about {needed >> 20} MiB of memory, and the limit is {limit >> 20} MiB")
    return_freed_blocks()
    return streamed


def _needed(streamed: StreamedModel, shapes: Shapes) -> int:
    return large_model_bytes(shapes, streamed.resident_bytes(), LARGE_TOKENS)


def _modules_of_streamed(
    session: _core.CompressSession, streamed: StreamedModel, folder: Path
) -> tuple[Layers, Tables]:
    held, tables = _modules(session, streamed.model, folder)
    return {name: replace(layer, read=partial(streamed.weight, name)) for name, layer in held.items()}, tables


@contextmanager
def _core_threads() -> Iterator[None]:
    """torch uses as many threads as the core."""
    before = torch.get_num_threads()
    torch.set_num_threads(_core.num_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _loaded(folder: Path) -> nn.Module:
    """The model in float32, with its head if transformers knows it."""
    try:
        config = AutoConfig.from_pretrained(folder)
        names = getattr(config, "architectures", None) or []
        model_class = getattr(transformers, names[0], AutoModel) if names else AutoModel
        with _quiet_transformers():
            model: nn.Module = model_class.from_pretrained(folder, dtype=torch.float32).eval()
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {_one_line(error)}") from error
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its bars and remarks: stderr is for the progress of the whole run."""
    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _split(batches: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The sequences to fit, and every 16th, which measures."""
    fitting = [batch[torch.arange(len(batch)) % HELD_OUT != HELD_OUT - 1] for batch in batches]
    held_out = [batch[HELD_OUT - 1 :: HELD_OUT] for batch in batches]
    return fitting, [batch for batch in held_out if len(batch)]


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
